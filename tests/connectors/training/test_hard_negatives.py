"""Which passages become hard negatives, and which may be right after all."""

from __future__ import annotations

import pytest

from rag_engine.components import default_detector
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.hard_negatives import (
    Candidates,
    hard_candidates,
    less_probable,
    with_hard_negatives,
    with_negatives,
)
from rag_engine.connectors.training.says_the_same import SaysTheSame
from rag_engine.errors import InvalidInput
from tests.doubles import HashEmbedder

SAID = [
    ("en", "The pump runs for nine hours, and then somebody fills the tank again."),
    ("de", "Die Pumpe läuft neun Stunden lang, dann füllt jemand den Tank wieder auf."),
    ("fr", "La pompe tourne neuf heures, puis quelqu'un remplit à nouveau le réservoir."),
    ("en", "The pump was painted blue in the spring by two apprentices."),
    ("de", "Die Pumpe wurde im Frühling von zwei Lehrlingen blau gestrichen."),
    ("ja", "会議は来週の火曜日に延期されました。"),
]


def examples() -> list[Example]:
    questions = ["How long does the pump run?", "Wie lange läuft die Pumpe?", "Combien de temps ?"]
    questions += ["Who painted the pump?", "Wer hat die Pumpe gestrichen?", "会議はいつですか"]
    return [
        Example(question=question, positive=text, passage_language=language)
        for question, (language, text) in zip(questions, SAID, strict=True)
    ]


@pytest.fixture(scope="module")
def bundled() -> BundledE5:
    return BundledE5()


def test_translations_of_the_positive_are_no_negatives(bundled: BundledE5):
    same = SaysTheSame(bundled, default_detector())
    texts = [text for _, text in SAID]
    assert same(texts[:1] * 5, texts[1:]) == [True, True, False, False, False]
    unlearnt = BundledE5(adapter=False)
    naive, ours = (
        hard_candidates(examples(), 5, embedder=unlearnt, across=True, same=told)
        for told in (None, same)
    )
    assert any(texts[1] in each.passages for each in naive if each.example.positive == texts[0])
    for each in ours:
        where = texts.index(each.example.positive)
        group = {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 2}
        assert all(group[texts.index(text)] != group[where] for text in each.passages)
    assert sum(len(each.passages) for each in ours) >= 6


def test_without_across_they_are_in_the_positives_language(bundled: BundledE5):
    languages = {text: language for language, text in SAID}
    for each in with_hard_negatives(examples(), 3, embedder=bundled):
        assert {languages[text] for text in each.negatives} <= {each.passage_language}


def test_similarities_that_are_not_calibrated_tell_nothing():
    with pytest.raises(InvalidInput, match="bundled"):
        SaysTheSame(HashEmbedder(), default_detector())


def test_a_cross_encoder_drops_what_may_be_right():
    assert less_probable([-2.0, 5.9, 6.0, 9.0], 6.0) == [True, False, False, False]
    assert less_probable([-9.0, -8.1, -8.0], -8.0) == [True, True, False]  # whatever their level
    assert less_probable([-800.0, 800.0, -900.0], -800.0) == [False, False, True]


def test_given_negatives_come_first_and_none_twice():
    example = Example(question="q", positive="p", negatives=("a", "b"))
    [filled] = with_negatives([Candidates(example, ("b", "c", "d"))], 3)
    assert filled.negatives == ("a", "b", "c")
    [fewer] = with_negatives([Candidates(example, ("c",))], 1)
    assert fewer.negatives == ("a",)
