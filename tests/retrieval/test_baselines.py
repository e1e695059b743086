"""Words alone: what stands first where no passage is in the question's language."""

from __future__ import annotations

from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Document
from rag_engine.settings import PlainRetrievalSettings, Settings

TEXTS = [
    "बिल हर महीने आता है",
    "किराया हर साल बढ़ता है",
    "पानी का बिल पंद्रह तारीख तक देना है",
    *(f"यह वाक्य संख्या {number} मौसम के बारे में है" for number in range(20)),
]


def test_of_words_as_they_sound_more_come_first(tmp_path):
    settings = Settings(retrieval=PlainRetrievalSettings(mode="lexical"))
    with KnowledgeBase.open(tmp_path / "kb", settings=settings) as kb:
        kb.add([Document(id=str(n), text=text, language_hint="hi") for n, text in enumerate(TEXTS)])
        hits = kb.search("pani ka bill", k=5)
    assert [hit.chunk.document_id for hit in hits] == ["2", "0"]
