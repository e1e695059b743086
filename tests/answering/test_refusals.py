"""Sentences that say that the knowledge base holds no answer."""

from __future__ import annotations

import pytest

from rag_engine.answering.refusals import _SENTENCES, refusal
from rag_engine.connectors.detectors.fasttext import FastTextDetector


@pytest.fixture(scope="module")
def detector():
    return FastTextDetector()


@pytest.mark.parametrize("language", sorted(_SENTENCES))
def test_a_sentence_is_in_its_language(detector, language):
    said = refusal(language)
    assert said.language == language
    # Near languages of which the detector knows this sentence better in the other.
    taken_for = {"az": "tr", "bs": "hr"}.get(language, language)
    assert taken_for in {each.language for each in detector.plausible(said.text)}


def test_no_two_languages_share_a_sentence_but_the_near_ones():
    shared = {}
    for language, sentence in _SENTENCES.items():
        shared.setdefault(sentence, []).append(language)
    assert [each for each in shared.values() if len(each) > 1] == [["bs", "hr"]]


@pytest.mark.parametrize(
    ("asked", "given"),
    [("DE-at", "de"), ("nb", "no"), ("zsm", "ms"), ("und", "en"), ("tlh", "en"), ("", "en")],
)
def test_tags_varieties_and_languages_without_a_sentence(asked, given):
    assert refusal(asked).language == given
    assert refusal(asked).text == _SENTENCES[given]


def test_traditional_characters_for_who_asks_for_them():
    assert refusal("zh-Hant").text == refusal("zh-TW").text != refusal("zh").text
