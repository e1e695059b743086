"""Scores from 0 to 1: what they mean, and no answer where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.errors import InvalidInput
from tests.samples import RULES, ids

ANSWERED = [
    ("How often must the seal be replaced?", "pump"),
    ("Wie lange gilt die Garantie?", "garantie"),
    ("Can I run it dry?", "水"),
    ("¿Cuál es la temperatura máxima?", "насос"),
]
UNANSWERED = [
    "Who won the election in Lviv?",
    "明日の札幌の天気はどうですか。",
    "Welche Unterlagen brauche ich für einen neuen Reisepass?",
]


@pytest.fixture
def kb(tmp_path: Path, real_components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as opened:
        opened.add(RULES)
        yield opened


def test_scores_are_probabilities(kb: KnowledgeBase):
    for question, _ in ANSWERED:
        scores = [hit.score for hit in kb.search(question, k=4)]
        assert all(0 <= score <= 1 for score in scores)
        assert scores == sorted(scores, reverse=True)


def test_an_answer_scores_higher_than_none(kb: KnowledgeBase):
    answered = [kb.search(question, k=1)[0].score for question, _ in ANSWERED]
    unanswered = [kb.search(question, k=1)[0].score for question in UNANSWERED]
    assert min(answered) > max(unanswered)


def test_min_score_leaves_out_what_is_below(kb: KnowledgeBase):
    question, document = ANSWERED[0]
    best, second, *_ = kb.search(question, k=4)
    between = (best.score + second.score) / 2
    assert ids(kb.search(question, k=4, min_score=between)) == [document]
    assert kb.search(question, k=4, min_score=1.0) == []
    assert len(kb.search(question, k=4, min_score=0.0)) == 4


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan"), "0.5", True, None])
def test_a_min_score_that_is_none(kb: KnowledgeBase, wrong):
    with pytest.raises(InvalidInput, match="min_score is a number, 0 to 1"):
        kb.search("seal", min_score=wrong)


def test_nothing_is_answered_where_no_hit_is_probable(tmp_path: Path, real_components):
    settings = Settings.model_validate({"answering": {"min_score": 0.4}})
    with KnowledgeBase.open(tmp_path / "kb", components=real_components, settings=settings) as kb:
        kb.add(RULES)
        for question in UNANSWERED:
            answer = kb.ask(question)
            assert not answer.supported, question
            assert answer.citations == ()
        assert kb.ask(ANSWERED[0][0]).supported


def test_a_code_finds_its_passage_in_any_language(tmp_path: Path, real_components):
    """Names, numbers and codes are what lexical evidence can see across languages."""
    rows = [
        ("de", "Die Störung E-4711 bedeutet, dass der Druckschalter klemmt."),
        ("en", "Fault E-4712 means that the pressure switch is stuck."),
        ("en", "Fault E-4713 means that the water is too hot."),
        ("fr", "Le défaut E-4714 signifie que le ventilateur est bloqué."),
    ]
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add([Document(id=f"{n}", text=text) for n, (_, text) in enumerate(rows)])
        hit = kb.search("What does fault E-4711 mean?", k=1)[0]
    assert hit.chunk.document_id == "0"
    assert "e4711" in hit.parts.matched_terms


def test_modes_without_probabilities_still_answer(tmp_path: Path, real_components):
    settings = Settings.model_validate({"retrieval": {"mode": "rrf"}})
    with pytest.raises(ValueError, match=r"answering\.min_score = 0\.9 has no effect"):
        Settings.model_validate({"retrieval": {"mode": "rrf"}, "answering": {"min_score": 0.9}})
    with KnowledgeBase.open(tmp_path / "kb", components=real_components, settings=settings) as kb:
        kb.add(RULES)
        assert kb.ask(ANSWERED[0][0]).supported
