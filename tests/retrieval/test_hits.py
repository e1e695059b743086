"""What a hit says of itself."""

from __future__ import annotations

import pytest

from rag_engine.errors import InvalidFilter
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


def test_what_was_found_by_its_sound_shows_no_key(tmp_path):
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.add([Document(id="hi", text="पानी का बिल हर महीने की दस तारीख तक जमा करें।")])
        [hit] = kb.search("pani ka bill kab jama karna hai", k=1)
    assert hit.chunk.language == "hi"
    assert not {"pn", "bl", "jm"} & set(hit.parts.matched_terms)


def test_a_dict_is_no_filter(tmp_path):
    with (
        KnowledgeBase.open(tmp_path / "kb") as kb,
        pytest.raises(InvalidFilter, match=r"Equals.*got \{'year': 2024\}"),
    ):
        kb.search("water", where={"year": 2024})
