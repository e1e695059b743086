"""Knowledge bases of one to six passages, with the real model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.components import Components
from rag_engine.records import Hit
from tests.samples import ids

FERRY = {
    "en": "A bicycle costs six euros extra on the ferry.",
    "de": "Ein Fahrrad kostet auf der Fähre sechs Euro zusätzlich.",
    "ja": "フェリーに自転車を載せるには追加で六ユーロかかります。",
    "fr": "Un vélo coûte six euros de plus sur le ferry.",
}
BOILER = {
    "en": "If the boiler whistles, shut the gas tap under the sink and call the caretaker.",
    "de": "Wenn der Kessel pfeift, schließen Sie den Gashahn und rufen Sie den Hausmeister.",
    "ja": "ボイラーがピーピー鳴ったら、ガス栓を閉めて管理人に連絡してください。",
}
OTHERS = {
    "museum": "The museum is closed on Mondays.",
    "bees": "Füttern Sie die Bienen im September mit Zuckersirup.",
}
QUESTIONS = {
    "en": "What do I pay for taking my bike on the ferry?",
    "de": "Was kostet die Mitnahme eines Fahrrads auf der Fähre?",
    "ja": "フェリーに自転車を載せるといくらかかりますか。",
}
OTHER_QUESTIONS = (
    "Who painted the ceiling of the chapel?",
    "Welche Unterlagen brauche ich für einen Reisepass?",
)


def in_languages(texts: Mapping[str, str], name: str = "ferry") -> list[Document]:
    return [Document(id=f"{name}-{language}", text=text) for language, text in texts.items()]


def others() -> list[Document]:
    return [Document(id=name, text=text) for name, text in OTHERS.items()]


def first(kb: KnowledgeBase, question: str) -> Hit:
    return kb.search(question, k=5)[0]


def shown(hit: Hit) -> set[str]:
    return {hit.chunk.document_id, *(twin.chunk.document_id for twin in hit.twins)}


@pytest.mark.parametrize("languages", [("en", "de", "ja"), ("en", "de"), ("ja", "fr", "en", "de")])
@pytest.mark.parametrize("more", [[], others()], ids=["alone", "beside two others"])
def test_one_fact_is_one_hit_in_the_readers_language(
    tmp_path: Path, real_components: Components, languages: tuple[str, ...], more: list[Document]
):
    facts = in_languages({language: FERRY[language] for language in languages})
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add([*facts, *more])
        for language in set(languages) & set(QUESTIONS):
            hits = kb.search(QUESTIONS[language], k=5)
            assert hits[0].chunk.document_id == f"ferry-{language}"
            assert shown(hits[0]) == {document.id for document in facts}
            assert len(hits) == 1 + len(more)
            assert all(hit.score < 0.3 for hit in hits[1:])


def test_translations_of_two_facts_are_told_apart(tmp_path: Path, real_components: Components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add([*in_languages(FERRY), *in_languages(BOILER, "boiler")])
        assert shown(first(kb, QUESTIONS["en"])) == {f"ferry-{name}" for name in FERRY}
        boiler = first(kb, "Was tun, wenn der Kessel pfeift?")
        assert boiler.chunk.document_id == "boiler-de"
        assert shown(boiler) == {f"boiler-{name}" for name in BOILER}


def test_near_misses_are_no_translations(tmp_path: Path, real_components: Components):
    rows = {
        "opening": "Das Museum öffnet im Sommer um neun Uhr.",
        "fee": "博物館の入館料は大人五ユーロです。",
        "founders": "Le musée a été fondé par deux sœurs.",
        "closing": OTHERS["museum"],
    }
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add([Document(id=name, text=text) for name, text in rows.items()])
        hits = kb.search("Who founded the museum?", k=5)
    assert ids(hits)[0] == "founders"
    assert not any(hit.twins for hit in hits)


def test_texts_that_differ_in_a_code_are_no_translations(
    tmp_path: Path, real_components: Components
):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add(
            [
                Document(id="4711-de", text="Die Störung E-4711 bedeutet, dass das Ventil klemmt."),
                Document(id="4712-en", text="Fault E-4712 means that the valve is stuck."),
                Document(id="4712-fr", text="Le défaut E-4712 signifie que la vanne est bloquée."),
            ]
        )
        assert shown(first(kb, "What does fault E-4711 mean?")) == {"4711-de"}
        assert shown(first(kb, "What does fault E-4712 mean?")) == {"4712-en", "4712-fr"}


def test_a_sixth_passage_leaves_the_order_and_is_paired_at_once(
    tmp_path: Path, real_components: Components
):
    """One after the other, with a search after each, as a chatbot's documents come."""
    documents = [*in_languages({name: FERRY[name] for name in ("en", "de", "ja")}), *others()]
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        assert kb.search(QUESTIONS["en"]) == []
        for count, document in enumerate(documents, start=1):
            kb.add([document])
            hit = first(kb, QUESTIONS["en"])
            assert hit.chunk.document_id == "ferry-en"
            assert len(hit.twins) == min(count, 3) - 1
        before = ids(kb.search(QUESTIONS["de"], k=5))
        kb.add(in_languages({"fr": FERRY["fr"]}))
        assert ids(kb.search(QUESTIONS["de"], k=5)) == before
        assert shown(first(kb, QUESTIONS["de"])) == {f"ferry-{name}" for name in FERRY}
        kb.delete(["ferry-de"])
        assert "ferry-de" not in shown(first(kb, QUESTIONS["de"]))


def test_one_passage_answers_its_question_and_no_other(tmp_path: Path, real_components: Components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add(in_languages({"en": FERRY["en"]}))
        assert first(kb, QUESTIONS["en"]).score > 0.5
        assert first(kb, QUESTIONS["ja"]).score > 0.3
        assert all(first(kb, question).score < 0.1 for question in OTHER_QUESTIONS)
