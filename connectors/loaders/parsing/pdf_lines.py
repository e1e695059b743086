"""The lines of a PDF page with their places, in the order in which they are drawn."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.cleaning import clean, tidy
from rag_engine.connectors.loaders.parsing.pdf_glyphs import Glyph
from rag_engine.connectors.loaders.parsing.pdf_line import Line, rows_of
from rag_engine.connectors.loaders.parsing.pdf_page_text import PageText, Run
from rag_engine.connectors.loaders.parsing.pdf_raised import join_raised
from rag_engine.connectors.loaders.parsing.pdf_right_to_left import go_on, read_line
from rag_engine.connectors.loaders.parsing.pdf_structure import (
    Figure,
    Heading,
    PageStructure,
    read_structure,
)
from rag_engine.connectors.loaders.parsing.pdf_styles import Style, StyleReader
from rag_engine.connectors.loaders.parsing.pdf_table_rows import TableRows
from rag_engine.connectors.loaders.parsing.pdf_tables import set_tables_apart
from rag_engine.connectors.loaders.parsing.pdf_upright import (
    is_upright_page,
    turned,
    without_breaks,
)

__all__ = ["PageLines", "read_lines"]

_SIZE_STEP = 1.2


class PageLines(NamedTuple):
    """A page's lines, what its pictures show, and its text as PDFium gives it, controls and all.

    ``languages`` are the characters of lines that a tagged file says are in each.
    """

    lines: list[Line]
    figures: list[Figure]
    raw: str
    languages: Counter[str]


def read_lines(page: Any, *, tagged: bool = False, above: TableRows | None = None) -> PageLines:
    """Read a pypdfium2 page; what stands outside of it is left out.

    ``tagged`` says that its file tells its structure, ``above`` is the last table of the page
    before.
    """
    text_page = page.get_textpage()
    written = PageText(text_page)
    styles = StyleReader(text_page, tagged=tagged)
    structure = read_structure(page) if tagged else PageStructure()
    lines: list[Line] = []
    some = is_right_to_left(written.text)
    backwards = some and _mostly_from_the_right(written.text)
    runs = list(written.runs(whole_if=is_right_to_left if some else None))
    parts: list[Glyph] = []  # of the line that is read from the right, so far
    before = range(0)
    upright = is_upright_page(written, runs)
    items: Sequence[Run | TableRows] = runs
    if not upright:
        level = runs if some else join_raised(written, runs)
        items = set_tables_apart(
            page,
            text_page,
            written,
            level,
            backwards=backwards,
            above=above,
            tagged=structure.tables,
            mark=cache(lambda place: styles.mark(written.source(place))),
        )
    for run in items:
        if isinstance(run, TableRows):
            lines += rows_of(run, Style(mark=styles.mark(written.source(run.start))))
            parts, before = [], range(0)
            continue
        shown = tidy(clean(run.shown or run.text))
        if not shown:
            continue
        anew = some and is_right_to_left(shown)
        whole = run.places
        glyphs = written.glyphs(whole) if anew or parts else []
        if anew and not parts:  # a number or a sign at its end may have come first
            parts = written.glyphs(before)
        before = whole
        if parts and glyphs and go_on(parts, glyphs):
            parts += glyphs
            lines[-1] = replace(_from_the_right(parts, backwards), style=lines[-1].style)
            continue
        style = styles.read(*map(written.source, run.ends))
        heading = structure.headings.get(style.mark)
        if anew and glyphs:
            parts = glyphs
            line = _from_the_right(parts, backwards)
            lines.append(replace(line, style=style, heading=heading))
        else:
            parts = []
            text = without_breaks(shown) if upright else shown
            lines.append(_placed(text, written, run, style, heading, upright=upright))
    text_page.close()
    if not upright:
        lines = _on_page(lines, page.get_bbox())
    languages = Counter[str]()
    for line in lines:
        languages[structure.languages.get(line.style.mark, "")] += len(line.text)
    return PageLines(lines, structure.figures, written.raw, languages)


def _from_the_right(glyphs: Sequence[Glyph], backwards: bool) -> Line:
    """Return a line with letters that are read from the right, on a page that mostly is or not."""
    backwards = backwards or _mostly_from_the_right("".join(each.text for each in glyphs))
    left, right = min(each.left for each in glyphs), max(each.right for each in glyphs)
    bottom = statistics.median(each.bottom for each in glyphs)
    top = max(statistics.median(each.top for each in glyphs), bottom + 1)
    return Line(
        text=tidy(clean(read_line(glyphs, right_to_left=backwards))),
        start=right if backwards else left,
        end=left if backwards else right,
        top=bottom,
        base=bottom,
        height=top - bottom,
    )


def _mostly_from_the_right(text: str) -> bool:
    """Tell whether at least half of the words with letters are read from the right.

    Not letters: names of Latin letters are long.
    """
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    return 2 * sum(map(is_right_to_left, words)) >= max(len(words), 1)


def _on_page(lines: list[Line], box: Sequence[float]) -> list[Line]:
    left, bottom, right, top = box
    shown = [line for line in lines if left <= line.start <= right and bottom <= line.base <= top]
    return shown or lines


def _placed(
    text: str,
    written: PageText,
    run: Run,
    style: Style,
    heading: Heading | None,
    *,
    upright: bool,
) -> Line:
    first, last = written.end_boxes(run)
    if upright:
        first, last = turned(first), turned(last)
    left, bottom, _, top = first
    _, last_bottom, last_right, last_top = last
    if (
        text[0].isascii()
        and text[0].isalpha()
        and (top - bottom) * _SIZE_STEP < last_top - last_bottom
    ):
        bottom, top = last_bottom, last_top  # of a ligature PDFium knows the ink alone
    return Line(
        text=text,
        start=left,
        end=last_right,
        top=bottom,
        base=last_bottom,
        height=top - bottom,
        divided=run.divided,
        alone=run.alone,
        style=style,
        heading=heading,
    )
