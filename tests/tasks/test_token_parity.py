"""Token parity: ratios over what both languages have, and what a tokenizer can not read."""

from __future__ import annotations

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.tasks.token_parity import TokenCount, token_parity

TEXTS = {
    "en": {1: "a cat", 2: "a dog runs", 3: "it rains"},
    "de": {1: "eine Katze", 3: "es regnet heute"},
    "bo": {1: "????? ?????", 2: "?", 3: "?"},
    "fr": {7: "un chat"},
}


class Words:
    """A token a word; question marks are what it can not read."""

    def __init__(self, *, tells: bool = True) -> None:
        self.name = "words"
        self.tells = tells

    def count(self, texts):
        return [TokenCount(len(t.split()), t.count("?") if self.tells else None) for t in texts]


def by_language(**more):
    return {each.language: each for each in token_parity(TEXTS, Words(**more), relative_to="en")}


def test_a_language_is_compared_over_the_sentences_that_both_have():
    found = by_language()
    german = found["de"]
    assert (german.sentences, german.missing) == (2, 1)
    assert (german.tokens, german.premium) == (5, 5 / 4)  # of the cat and the rain alone
    assert german.characters_ratio == (10 + 15) / (5 + 8)
    assert found["en"].premium == found["en"].bytes_ratio == 1
    assert "fr" not in found  # shares no sentence


def test_bytes_are_those_of_utf8():
    texts = {"en": {1: "ab"}, "ru": {1: "да"}}
    _, russian = token_parity(texts, Words(), relative_to="en")
    assert (russian.characters_ratio, russian.bytes_ratio, russian.bytes) == (1, 2, 4)


def test_of_what_a_tokenizer_can_not_read_no_premium_is_told():
    found = by_language()
    assert found["bo"].unknown == 12 / 13
    assert found["bo"].premium is None
    assert not found["bo"].readable
    untold = by_language(tells=False)["bo"]
    assert (untold.unknown, untold.premium) == (None, 4 / 7)
    assert untold.readable


def test_a_reference_without_texts_is_refused_and_the_others_are_named():
    with pytest.raises(InvalidInput, match=r"'pt' .* bo, de, en, fr"):
        token_parity(TEXTS, Words(), relative_to="pt")
    with pytest.raises(InvalidInput, match="words can not read bo"):
        token_parity(TEXTS, Words(), relative_to="bo")
