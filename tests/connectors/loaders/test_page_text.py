"""What is made of Tesseract's rows and lines."""

from __future__ import annotations

import pytest

from rag_engine.connectors.loaders.ocr.page_text import page_text

HEADER = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf"


def printed(text: str, *rows: tuple[int, float, str]) -> str:
    lines = [
        f"{level}\t1\t1\t1\t1\t1\t10\t20\t30\t40\t{conf}\t{word}" for level, conf, word in rows
    ]
    return "\n".join([f"{HEADER}\ttext", *lines, text, "\f"])


def test_words_count_by_their_characters_and_rows_of_other_levels_do_not() -> None:
    rows = [(2, -1, ""), (4, -1, ""), (5, 90.0, "abc"), (5, 50, "d"), (5, 95, " ")]
    found = page_text(printed("abc d", *rows))
    assert found.confidence == pytest.approx(0.8)
    assert found.characters == 4
    assert found.sure_characters == pytest.approx(3.2)
    assert found.boxes == ((10, 20, 30, 40),)


def test_nothing_found_is_no_text_and_no_confidence() -> None:
    found = page_text(printed(" \n\n", (1, -1, "")))
    assert (found.text, found.confidence) == ("", 0.0)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("Wartung\n\n\n\nalle  zwei Jahre", "Wartung\n\nalle zwei Jahre"),
        ("die Gewähr-\nleistung beträgt", "die Gewährleistung\nbeträgt"),
        ("die Gewähr-\nleistung", "die Gewährleistung"),
        ("Vor-\nund Nachteile", "Vor-\nund Nachteile"),
        ("Nord-\nSüd", "Nord-\nSüd"),
        ("5-\n7 bar", "5-\n7 bar"),
        ("น\u0e4d\u0e49\u0e32 ท\u0e4d\u0e32", "น\u0e49\u0e33 ท\u0e33"),
        ("Preis | 12\nGewicht | 3", "Preis | 12\nGewicht | 3"),
    ],
)
def test_lines_stay_lines_and_divided_words_are_put_together(lines: str, text: str) -> None:
    assert page_text(printed(lines)).text == text
