"""The quick expression that divides most texts gives what the whole one gives."""

from __future__ import annotations

import random

import pytest

from rag_engine.text import analysis

SIGNS = [chr(code) for code in (*range(0x20, 0x600), *range(0x2000, 0x2070))]
OFTEN = list("abcXY12 '.,:/&@_-#+\n") * 120


def pieces(divider: object, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in divider.finditer(text)]  # type: ignore[attr-defined]


def test_every_sign_of_a_usual_text_is_of_the_same_kind_to_both() -> None:
    usual = [sign for sign in map(chr, range(0x110000)) if analysis._USUAL.fullmatch(sign)]
    assert len(usual) > 1_000
    for sign in usual:
        for text in (sign, f"a{sign}b", f"a#{sign}", f"a.{sign}b"):
            expected = pieces(analysis._PIECE, text)
            assert pieces(analysis._USUAL_PIECE, text) == expected, repr(text)


@pytest.mark.parametrize("seed", range(20))
def test_usual_texts_fall_into_the_same_pieces(seed: int) -> None:
    drawn = random.Random(seed)
    usual = [sign for sign in SIGNS if analysis._USUAL.fullmatch(sign)] + OFTEN
    for _ in range(50):
        text = "".join(drawn.choices(usual, k=60))
        assert pieces(analysis._USUAL_PIECE, text) == pieces(analysis._PIECE, text), repr(text)


def test_a_text_with_marks_of_its_own_is_divided_by_the_whole_expression() -> None:
    assert analysis._USUAL.fullmatch("Straße, §5: Łódź – “Москва”")
    for text in ("क्षेत्र", "漢字", "한국어", "ไทย", "e\u0301\u0323x\u0331", "نمی\u200cخواهم"):
        assert not analysis._USUAL.fullmatch(text)
