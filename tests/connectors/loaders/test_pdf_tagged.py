"""Tagged PDF files: headings, running lines and pictures are what the file says they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document
from tests.connectors.loaders.tagged_pdf import Piece, tagged_pdf

SOIL = "Roses like a heavy soil that holds water, and a place with sun until noon."
PRUNE = "In March the old wood is taken out close to the ground, with a clean cut."


def sections_of(document: Document) -> list[tuple[int | None, tuple[str, ...], str]]:
    return [
        (each.page, each.section, document.text[each.start : each.end]) for each in document.spans
    ]


def test_headings_are_sections_and_pictures_say_what_they_show(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    first = [
        Piece("H1", "Roses", 360),
        Piece("P", SOIL, 340),
        Piece("Figure", "A rose bed (seen from above)", 290),
        Piece("H2", "Pruning", 270),
        Piece("P", PRUNE, 250),
    ]
    second = [Piece("P", SOIL, 360), Piece("H2", "Pests", 340), Piece("P", PRUNE, 320)]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", tagged_pdf([first, second]))
    assert sections_of(document) == [
        (1, ("Roses",), f"Roses\n{SOIL}\nA rose bed (seen from above)"),
        (1, ("Roses", "Pruning"), f"Pruning\n{PRUNE}"),
        (2, ("Roses", "Pruning"), SOIL),
        (2, ("Roses", "Pests"), f"Pests\n{PRUNE}"),
    ]


def test_a_heading_of_two_lines_is_one(sandbox: Sandbox, load_one: Callable[..., Document]):
    pieces = [
        Piece("H1", "Roses", 380),
        Piece("H2", "What the old gardeners knew of", 360),
        Piece("P", SOIL, 320),
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", tagged_pdf([pieces]))
    assert [each.section for each in document.spans] == [
        ("Roses",),
        ("Roses", "What the old gardeners knew of"),
    ]


def test_a_paragraph_that_is_marked_as_a_heading_is_none(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pieces = [
        *(Piece("H1", SOIL, 380 - 14 * n) for n in range(3)),
        *(Piece("P", PRUNE, 320 - 14 * n) for n in range(3)),
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", tagged_pdf([pieces]))
    assert {each.section for each in document.spans} == {()}


def test_artifacts_at_the_edges_are_heads_and_feet(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pages = [
        [
            Piece("Artifact", "Garden letters", 400),
            Piece("P", SOIL, 360),
            Piece("Artifact", "In between", 340),
            Piece("P", PRUNE, 320),
            Piece("Artifact", f"Leaf {number}", 20),
        ]
        for number in (1, 2)
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", tagged_pdf(pages))
    body = f"{SOIL} In between\n{PRUNE}"
    assert document.text == f"Garden letters\n{body}\n\n{body}"


def test_a_picture_on_each_page_is_told_of_once(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pages = [
        [Piece("Figure", "Sign of the rose society", 380), Piece("P", text, 340)]
        for text in (SOIL, PRUNE)
    ]
    pages[1].append(Piece("Figure", "IMG_4711.png", 300))
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", tagged_pdf(pages))
    assert document.text == f"Sign of the rose society\n{SOIL}\n\n{PRUNE}"


def test_a_page_with_a_picture_alone(sandbox: Sandbox, load_one: Callable[..., Document]):
    pages = [[Piece("Figure", "The rose garden in June", 300)]]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", tagged_pdf(pages))
    assert document.text == "The rose garden in June"


def test_a_glyph_without_a_character_costs_no_place(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pieces = [
        Piece("H1", "Roses", 380),
        Piece("P", "A bed for \0 roses is as", 360),
        Piece("P", "wide as two spades.", 346),
        Piece("H2", "Pruning", 310),
        Piece("P", PRUNE, 296),
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", tagged_pdf([pieces]))
    assert [section for _, section, _ in sections_of(document)] == [
        ("Roses",),
        ("Roses", "Pruning"),
    ]


@pytest.mark.parametrize("typeface", ["ABCDEF+KrutiDev010", "DevLys010", "VNI-Times"])
def test_fonts_of_before_unicode_are_no_text(sandbox: Sandbox, tmp_path: Path, typeface: str):
    pieces = [Piece("P", "vkidks ;g lwfpr fd;k tkrk gS fd vkids [kkrs esa", y) for y in (360, 340)]
    path = tmp_path / "a.pdf"
    path.write_bytes(tagged_pdf([pieces], typeface=typeface))
    with pytest.raises(LoadError, match=r"its font draws .* in the place of other letters"):
        list(PdfLoader(sandbox=sandbox).load(path, "a.pdf"))
