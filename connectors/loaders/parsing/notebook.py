"""Jupyter notebooks: what their author wrote, the code, and the beginning of what it printed.

Explanation and the code below it make one place, named by its cells' numbers (``#4-6``): code alone
holds few words of any language, and is found by what its author says of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.html import shown_blocks
from rag_engine.connectors.loaders.parsing.markdown import front_matter, write_markdown
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["parse"]

_LONGEST_OUTPUT = 600
_LINES_OF_AN_OUTPUT = 12
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_KINDS = ("text/markdown", "text/plain", "text", "text/latex")
# What Python prints of an object that has nothing to say: ``<Figure size 640x480 with 1 Axes>``.
_NO_WORDS = re.compile(r"\[?<[^<>\n]{1,200}>\]?")


def parse(data: bytes, name: str) -> Parsed:
    """Read a notebook of format 3 or later.

    Raises:
        Refused: it is no JSON, or holds no cells.
    """
    decoded = decode(data)
    notebook = _loaded(decoded.text)
    cells = _cells(notebook)
    outline = Outline()
    title, language, problems = "", None, []
    for numbers, group in _places(cells):
        outline.place(f"#{numbers[0]}" + (f"-{numbers[-1]}" if len(numbers) > 1 else ""))
        for number, cell in zip(numbers, group, strict=True):
            kind = cell.get("cell_type")
            try:
                text = clean(_text(cell.get("source", cell.get("input", ""))))
                if kind == "raw" and number == 1:
                    fields, text = front_matter(text)
                    title = one_line(fields.get("title", ""))
                    language = fields.get("lang") or fields.get("language")
                if kind == "heading":  # notebooks of format 3
                    text = f"{'#' * _heading_level(cell)} {text}"
                if kind in {"markdown", "heading"}:
                    first = write_markdown(text, outline)
                    title = title or first
                else:
                    outline.add(text)
                    for shown in _outputs(cell):
                        outline.add(shown)
            except ValueError as error:
                problems.append(f"cell {number}: {error}")
    if problems and not outline.text:
        raise Refused(problems[0])
    return Parsed(
        text=outline.text,
        title=title,
        language=language,
        stretches=outline.stretches(),
        metadata={**decoded.facts, **_code_language(notebook)},
        problems=(*problems, *decoded.problems),
    )


def _loaded(text: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise Refused(f"it is no notebook: no JSON ({error!s:.200})") from error
    if not isinstance(notebook, dict):
        raise Refused(f"it is no notebook but a JSON {type(notebook).__name__}")
    return notebook


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    held = notebook.get("cells")
    if held is None:  # notebooks of format 3
        sheets = notebook.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else [{}]
        held = [
            cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells", [])
        ]
    cells = held if isinstance(held, list) else []
    if not all(isinstance(cell, dict) for cell in cells):
        raise Refused("it is no notebook: a cell of it is no JSON object")
    if not cells:
        raise Refused("it is no notebook, or an empty one: it holds no cells")
    return cells


def _places(
    cells: Sequence[dict[str, Any]],
) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    """Yield runs of cells with their numbers, from 1: some text, then the code that follows it."""
    place = 0
    places = []
    for before, cell in zip([None, *cells], cells, strict=False):
        was_code = before is not None and before.get("cell_type") == "code"
        place += was_code and cell.get("cell_type") != "code"
        places.append(place)
    for _, indices in groupby(range(len(cells)), key=places.__getitem__):
        run = list(indices)
        yield [index + 1 for index in run], [cells[index] for index in run]


def _text(source: Any) -> str:
    """Return a text that a notebook may hold as a list of its lines.

    Raises:
        ValueError: it is something else.
    """
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError(f"its text is neither text nor lines: {source!r:.80}")
    return "".join(lines)


def _heading_level(cell: dict[str, Any]) -> int:
    level = cell.get("level", 1)
    return min(max(level, 1), 6) if isinstance(level, int) else 1


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    """Yield what the code printed, each output cut short; pictures and reports of errors are not.

    An error is told in its one line: the traceback below names files of some machine.
    """
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") in {"error", "pyerr"}:
            text = ": ".join(str(output.get(key, "")) for key in ("ename", "evalue"))
        else:
            text = _shown(output)
        text = _cut(clean(_TERMINAL_COLOUR.sub("", text)).strip("\n"))
        if text.strip() and not _NO_WORDS.fullmatch(text.strip()):
            yield text


def _shown(output: dict[str, Any]) -> str:
    """Return an output as text: tables from their HTML, where cells stand apart."""
    data = output.get("data")
    held = data if isinstance(data, dict) else output
    page = _text(held.get("text/html", held.get("html", "")))
    if "<table" in page.lower():
        return "\n".join(block.text for block in shown_blocks(page.encode(), "output.html"))
    kinds = (kind for kind in _KINDS if kind in held)
    shown = _text(held[kind]) if (kind := next(kinds, "")) else ""
    if page and (not shown or _NO_WORDS.fullmatch(shown.strip())):
        shown = "\n".join(block.text for block in shown_blocks(page.encode(), "output.html"))
    return shown


def _cut(text: str) -> str:
    lines = text.split("\n")
    short = "\n".join(lines[:_LINES_OF_AN_OUTPUT])[:_LONGEST_OUTPUT]
    return short if short == text else short.rstrip() + " …"


def _code_language(notebook: dict[str, Any]) -> dict[str, str | int]:
    metadata = notebook.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for key, field in (("language_info", "name"), ("kernelspec", "language")):
        held = metadata.get(key)
        named = held.get(field) if isinstance(held, dict) else None
        if isinstance(named, str) and named:
            return {"code_language": one_line(named)}
    return {}
