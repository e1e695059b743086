"""A knowledge base answered from by a real llama.cpp server: the whole way, whatever it writes.

The model is far too small to answer well. What must hold holds for any model.
"""

from __future__ import annotations

import dataclasses

import pytest

from rag_engine.answering.refusals import refusal
from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Document
from rag_engine.settings import Settings
from tests.waiting import PATIENCE_S

TEXTS = {
    "pump": "The seal of the pump is replaced once a year. The pump stands in the cellar.",
    "filter": "Der Filter aus Papier wird alle sechs Monate gewechselt.",
}


@pytest.fixture(scope="module")
def components(real_components, llama_server):
    generator = OpenAICompatibleGenerator(
        base_url=llama_server.base_url,
        model=llama_server.model,
        max_tokens=40,
        timeout_s=PATIENCE_S,
    )
    yield dataclasses.replace(real_components, generator=generator)
    generator.close()


@pytest.fixture(scope="module")
def kb(tmp_path_factory, components):
    settings = Settings.model_validate(
        {"answering": {"context_tokens": 60, "hits": 2, "strictness": "eager"}}
    )
    path = tmp_path_factory.mktemp("llama") / "kb"
    with KnowledgeBase.open(path, components=components, settings=settings) as opened:
        opened.add(Document(id=name, text=text) for name, text in TEXTS.items())
        yield opened


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("How often is the seal of the pump replaced?", "en"),
        ("Wie oft wird die Dichtung der Pumpe gewechselt?", "de"),
    ],
)
def test_an_answer_has_sources_or_says_that_there_is_none(kb, llama_server, question, language):
    pieces = []
    answer = kb.ask(question, on_text=pieces.append)
    assert answer.generator == llama_server.model
    assert answer.draft
    assert pieces
    if answer.supported:
        assert answer.citations
        assert {each.document_id for each in answer.citations} <= TEXTS.keys()
        assert answer.language == language or answer.warnings
    else:
        assert (answer.text, answer.citations) == (refusal(language).text, ())


def test_a_question_is_translated_or_it_is_told_why_not(kb, components):
    retrieval = {"translate": ["en"], "translate_timeout_s": PATIENCE_S}
    settings = Settings.model_validate({"retrieval": retrieval})
    with KnowledgeBase.open(
        kb.path, components=components, settings=settings, read_only=True
    ) as translating:
        hits = translating.search("Wie oft wird die Dichtung der Pumpe gewechselt?")
        again = translating.search("How often is the seal of the pump replaced?")
    assert len(hits) == len(TEXTS)
    parts = hits[0].parts
    assert len(parts.translations) + len(parts.translation_failures) == 1
    assert again[0].parts.translations == again[0].parts.translation_failures == ()
