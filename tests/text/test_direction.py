from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.text.direction import direction

_RIGHT = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.bidirectional(chr(code)) in {"R", "AL"}
]


def _by_each_letter(text, language):
    kinds = [unicodedata.bidirectional(character) for character in text[:2_000]]
    balance = kinds.count("R") + kinds.count("AL") - kinds.count("L")
    return ("rtl" if language == "ar" else "ltr") if balance == 0 else ("ltr", "rtl")[balance > 0]


def test_every_letter_that_is_written_from_the_right_is_known():
    assert len(_RIGHT) > 2_000
    assert [letter for letter in _RIGHT if direction(letter) != "rtl"] == []


@given(st.text(st.one_of(st.characters(), st.sampled_from("אبa1 .")), max_size=20))
def test_it_is_that_of_most_letters(text):
    assert [direction(text, name) for name in ("ar", "en", "")] == [
        _by_each_letter(text, name) for name in ("ar", "en", "")
    ]


@pytest.mark.parametrize(("text", "read"), [(" " * 2_000 + "א", "ltr"), (" " * 1_999 + "א", "rtl")])
def test_the_beginning_of_a_long_text_decides(text, read):
    assert direction(text) == read
