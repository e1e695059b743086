"""What a hit says of itself."""

from __future__ import annotations

from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Document

TEXTS = [
    "Die Pumpe X200 von Siemens steht im Keller des Hauses.",
    *(f"Satz Nummer {number} über das Wetter im Norden" for number in range(30)),
]


def test_a_matched_term_is_named_once(tmp_path):
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.add([Document(id=str(n), text=text) for n, text in enumerate(TEXTS)])
        [hit] = kb.search("Where is the Siemens X200 pump?", k=1)
    assert hit.chunk.language == "de"
    assert {"x200", "siemens"} <= set(hit.parts.matched_terms)
    assert len(set(hit.parts.matched_terms)) == len(hit.parts.matched_terms)
