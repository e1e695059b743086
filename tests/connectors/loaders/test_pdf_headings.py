"""Headings of PDF files without tags: type that is larger or bold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from fpdf import FPDF

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

TEXT = "The bicycle shed opens at six and stays open until midnight on every working day."
YEAR = "A day costs one euro and fifty cents, a whole year costs ninety-five euros and"


def test_a_heading_a_little_larger_than_the_text_before_it(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pdf = FPDF()
    pdf.add_page()
    places = [
        (20, 14, "Opening hours"),
        (32, 10.5, TEXT),
        (42, 12, "Prices and subscriptions of the bicycle shed in the northern hall"),
        (48, 10.5, YEAR),
        (53, 10.5, "is paid at the counter."),
        (63, 12, "Rules"),
        (73, 10.5, "Lock your bicycle."),
    ]
    for y, size, text in places:
        pdf.set_font("helvetica", size=size)
        pdf.text(20, y, text)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    texts = [text for _, _, text in places]
    assert document.text.split("\n") == [*texts[:3], f"{texts[3]} {texts[4]}", *texts[5:]]


GUIDE = (
    "The museum of clocks shows four hundred pieces from five centuries, and guided tours begin at "
    "ten and at three. They are free for children until the age of twelve."
)


def printed(lines: Sequence[tuple[str, float, str]]) -> bytes:
    pdf = FPDF(format=(148, 210))
    pdf.add_page()
    for style, size, text in lines:
        pdf.set_font("helvetica", style, size)
        pdf.multi_cell(0, size / 2, text, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def sections_of(document: Document) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(each.section for each in document.spans))


def test_size_and_weight_of_type_tell_sections(sandbox: Sandbox, load_one: Callable[..., Document]):
    title = "Museum of clocks: a guide for\nvisitors and their friends"
    lines = [
        ("B", 20, title),
        ("", 10, GUIDE),
        ("", 13, "Opening hours"),
        ("B", 10, "In winter"),
        ("", 10, GUIDE),
        ("B", 10, "2.1 In summer"),
        ("", 10, GUIDE),
        ("", 13, "Prices"),
        ("", 10, GUIDE),
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed(lines))
    first = title.replace("\n", " ")
    assert sections_of(document) == [
        (first,),
        (first, "Opening hours"),
        (first, "Opening hours", "In winter"),
        (first, "Opening hours", "2.1 In summer"),
        (first, "Prices"),
    ]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (10, "Total 45.00 EUR"),
        (10, "Please note:"),
        (10, "Bring a warm coat, the halls are cold."),
        (10, "2 Prices 14"),
        (13, "visits@clocks.example"),
        (13, "Introduction ........ 3"),
        (13, GUIDE),
    ],
)
def test_other_lines_that_stand_out_are_text(
    sandbox: Sandbox, load_one: Callable[..., Document], size: float, text: str
):
    lines = [("", 10, GUIDE), ("", 10, GUIDE), ("", 10, GUIDE), ("B", size, text), ("", 10, GUIDE)]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed(lines))
    assert sections_of(document) == [()]
    assert text in document.text.split("\n")


def test_a_bold_line_above_an_address_is_no_heading(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    lines = [
        ("", 10, GUIDE),
        ("B", 10, "Museum of clocks"),
        ("", 10, "4 Mill Lane"),
        ("", 10, "Ely"),
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed(lines))
    assert document.text.split("\n") == [GUIDE, "Museum of clocks", "4 Mill Lane", "Ely"]
    assert sections_of(document) == [()]


def test_entries_of_a_table_of_contents_stay_lines(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    entries = [f"{n} Section about clocks of kind {n} {'.' * 40} {n + 3}" for n in range(1, 5)]
    lines = [("", 10, entry) for entry in entries]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed(lines))
    assert document.text.split("\n") == entries


def test_lines_with_gaps_tell_the_size_of_the_text_too(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pdf = FPDF()
    pdf.add_page()
    places = [
        (20, 20, "B", 20, "Anna Berg"),
        (20, 40, "B", 11, "EDUCATION"),
        (20, 47, "", 10, "2010-2014"),
        (60, 47, "", 10, "Apprentice at the yard, with a prize for the best hull of the year"),
        (20, 60, "B", 11, "WORK"),
        (20, 67, "", 10, "2014-2020"),
        (60, 67, "", 10, "Builder of wooden boats and of oars in a team of five at the lake"),
    ]
    for x, y, style, size, text in places:
        pdf.set_font("helvetica", style, size)
        pdf.text(x, y, text)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert sections_of(document) == [
        ("Anna Berg",),
        ("Anna Berg", "EDUCATION"),
        ("Anna Berg", "WORK"),
    ]
