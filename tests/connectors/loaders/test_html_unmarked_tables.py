"""Tables of HTML without ``<th>``, as office programs write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.html import HtmlLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

LoadOne = Callable[..., Document]


@pytest.fixture
def loader(sandbox: Sandbox) -> HtmlLoader:
    return HtmlLoader(sandbox=sandbox)


LONG = (
    "Rain came late this year, and the fields of the valley stayed dry for the whole of May. " * 2
)
LONG = LONG.strip()


def table(*rows: str) -> str:
    """Write a table, its cells divided by ``|``."""
    cells = ("".join(f"<td>{cell.strip()}</td>" for cell in row.split("|")) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (  # numbers stand below
            table("Seed | Bags | Price", "Rye | | 4.10", "Oats | 7 | 3.90"),
            "Seed: Rye | Price: 4.10\nSeed: Oats | Bags: 7 | Price: 3.90",
        ),
        (  # bold
            table("<b>Bird</b> | <strong>Nest</strong>", "Wren | hedge", "Swift | tower"),
            "Bird: Wren | Nest: hedge\nBird: Swift | Nest: tower",
        ),
        (  # another background
            table("Bird | Nest", "Wren | hedge", "Swift | tower").replace(
                "<tr>", '<tr style="background: #ccc">', 1
            ),
            "Bird: Wren | Nest: hedge\nBird: Swift | Nest: tower",
        ),
        (  # a title and an empty row above
            "<table><tr><td colspan=2>Spring order<td></tr><tr><td><br><td><br><td></tr>"
            + table("Seed | Bags | Price", "Rye | 2 | 4.10")[len("<table>") :],
            "Spring order\nSeed: Rye | Bags: 2 | Price: 4.10",
        ),
        (  # nothing sets the first row apart, and an empty cell keeps its place
            table("Rye | | north field", "Oats | early | south field", "Flax | late |"),
            "Rye | | north field\nOats | early | south field\nFlax | late",
        ),
        (  # all bold: no row is apart; a column without text is no place
            table("<b>Wren</b> | | <b>hedge</b>", "<b>Swift</b> | | <b>tower</b>"),
            "Wren | hedge\nSwift | tower",
        ),
        (table("Depth | 30 cm", "Width | 12 cm"), "Depth | 30 cm\nWidth | 12 cm"),
        (
            "<table><tr><td>Opened in 1931.</tr><tr><td>Closed on Mondays.</tr></table>",
            "Opened in 1931.\nClosed on Mondays.",
        ),
        (  # a page that is laid out: prose in a cell, and a table in a cell
            table("News | Shop | Since", f"{LONG} | Open | 1931"),
            f"News | Shop | Since\n{LONG} | Open | 1931",
        ),
        (
            table("News | Shop | Since", f"{table('Rain')} | Open | 1931"),
            "News | Shop | Since\nRain | Open | 1931",
        ),
    ],
)
def test_the_first_row_names_columns_where_it_is_set_apart(
    loader: HtmlLoader, load_one: LoadOne, markup: str, text: str
) -> None:
    assert load_one(loader, "a.html", markup).text == text


def test_a_note_on_a_cell_stands_after_the_table(loader: HtmlLoader, load_one: LoadOne) -> None:
    markup = table("Seed | Bags", "<comment>Keep it dry</comment><font>Rye</font> | 2", "Oats | 7")
    text = load_one(loader, "a.html", f"{markup}<p>End.</p>").text
    assert text == "Seed: Rye | Bags: 2\nSeed: Oats | Bags: 7\n\nKeep it dry\n\nEnd."
