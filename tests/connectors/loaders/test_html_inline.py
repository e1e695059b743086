"""What elements of a page say of their text: raised numbers, headings by role, bold by style."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.html import HtmlLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

LONG = (
    "The greenhouse is heated from October until April, and the lamps burn from four in the "
    "morning, since the seedlings need fourteen hours of light on each day of the winter."
)


@pytest.fixture
def page(sandbox: Sandbox, load_one: Callable[..., Document]) -> Callable[[str], Document]:
    return lambda body: load_one(HtmlLoader(sandbox=sandbox), "a.html", f"<body>{body}</body>")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("10<sup>6</sup> seeds", "10⁶ seeds"),
        ("2.4 &middot; 10<sup>-3</sup> m<sup>2</sup>", "2.4 · 10⁻³ m²"),
        ("Moss<sup><a href='#n'>12</a></sup> grows.", "Moss¹² grows."),
        ("le 1<sup>er</sup> mai, H<sub>2</sub>O", "le 1er mai, H2O"),
        ("<sup>3</sup>He", "³He"),
    ],
)
def test_raised_numbers_are_no_digits_of_the_word_before(
    page: Callable[[str], Document], written: str, shown: str
):
    assert page(f"<p>{written}</p>").text == shown


def test_a_raised_number_is_no_reason_to_leave_a_paragraph_out(page: Callable[[str], Document]):
    body = "".join(f"<p>{LONG} Bed {n} has {n} m<sup>2</sup> of soil.</p>" for n in range(1, 9))
    text = page(f"<article><h1>Seedlings</h1>{body}</article>").text
    assert [f"Bed {n} has {n} m² of soil." in text for n in range(1, 9)] == [True] * 8


def test_a_role_makes_a_heading(page: Callable[[str], Document]):
    document = page(
        f'<div role="heading" aria-level="1">Beds</div><p>{LONG}</p>'
        f'<p role="heading">Watering</p><p>{LONG}</p>'
        '<p role="heading" aria-level="x">Tools</p><p>Saw.'
    )
    assert [span.section for span in document.spans] == [
        ("Beds",),
        ("Beds", "Watering"),
        ("Beds", "Tools"),
    ]


def test_a_question_stays_with_its_answer(page: Callable[[str], Document]):
    asked = "".join(
        f"<details><summary>Why {n}?</summary><p>{LONG}</p></details>" for n in range(1, 6)
    )
    text = page(f"<h1>Questions</h1><p>{LONG}</p>{asked}").text
    assert [f"Why {n}?\n\n{LONG}" in text for n in range(1, 6)] == [True] * 5


def test_bold_by_style_sets_a_row_apart(page: Callable[[str], Document]):
    rows = "<tr><td>Basil</td><td>window</td></tr><tr><td>Dill</td><td>bed</td></tr>"
    for head in (
        '<tr style="font-weight:bold"><td>Herb</td><td>Place</td></tr>',
        '<tr><td style="font-weight: 700">Herb</td>'
        '<td><span style="font:bold 12px Arial">Place</td></tr>',
    ):
        assert page(f"<table>{head}{rows}</table>").text == (
            "Herb: Basil | Place: window\nHerb: Dill | Place: bed"
        )
    plain = '<tr style="font-weight:normal"><td>Herb</td><td>Place</td></tr>'
    assert page(f"<table>{plain}{rows}</table>").text.startswith("Herb | Place\n")


def test_rows_of_two_colours_have_no_header(page: Callable[[str], Document]):
    fruit = [("Apple", "red"), ("Pear", "green"), ("Plum", "blue"), ("Quince", "yellow")]
    rows = "".join(
        f"<tr{' bgcolor=#ddd' if n % 2 == 0 else ''}><td>{a}</td><td>{b}</td></tr>"
        for n, (a, b) in enumerate(fruit)
    )
    assert page(f"<table>{rows}</table>").text == "\n".join(" | ".join(row) for row in fruit)


def test_a_table_of_other_elements_is_told_by_their_roles(page: Callable[[str], Document]):
    document = page(
        '<div role="table"><div role="rowgroup"><div role="row">'
        '<span role="columnheader">Tool</span><span role="columnheader">Weight</span></div></div>'
        '<div role="row"><span role="cell">Saw'
        '</span><span role="cell">2 kg</span></div></div><div role="row">Loose</div>'
    )
    assert document.text == "Tool: Saw | Weight: 2 kg\n\nLoose"


def test_a_header_of_two_levels_over_numbers(page: Callable[[str], Document]):
    assert (
        page(
            "<table><tr><td rowspan=2>City</td><td colspan=2>Year</td></tr>"
            "<tr><td>Sales</td><td>Cost</td></tr><tr><td>Oslo</td><td>5</td><td>3</td></tr></table>"
        ).text
        == "City: Oslo | Year > Sales: 5 | Year > Cost: 3"
    )
