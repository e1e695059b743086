"""The rows of JSON Lines, and of JSON files that hold a list of objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from rag_engine.connectors.loaders.parsing.json_file import list_values, one_text, read_whole
from rag_engine.connectors.loaders.parsing.json_text import key_paths
from rag_engine.connectors.loaders.parsing.json_values import (
    DECODER,
    BadValue,
    checked,
    has_lone_surrogate,
)
from rag_engine.connectors.loaders.parsing.lines import TextLine, read_lines
from rag_engine.connectors.loaders.parsing.rows import (
    Row,
    RowColumns,
    RowOptions,
    is_text_name,
)

__all__ = ["rows"]

_ALL_OF_IT = ""
"""The name under which a row's every value stands as one text."""


def rows(file: BinaryIO, options: RowOptions) -> Iterator[Row | str]:
    r"""Yield each good row, and why each other can not be read.

    JSON Lines are read row by row, however long the file; a ``json`` file is read whole. One that
    holds a list of objects, or objects one after the other, has rows; one that holds anything else
    is one row without a key, a line for each value. An object of a ``json`` file in which no known
    name is that of a text becomes such lines too, unless columns were chosen.

    Raises:
        Refused: a ``json`` file is no JSON, or holds no value.
        RefusedByLimit: a ``json`` file is too large, or its text too long.

    >>> from io import BytesIO
    >>> lines = BytesIO(b'{"text": "A pump."}\n[]\n')
    >>> list(rows(lines, RowOptions(format="jsonl")))[1:]
    ["row 2: it is no JSON object but list: '[]'"]
    >>> [row.text for row in rows(BytesIO(b'{"a": {"b": "Pump"}}'), RowOptions(format="json"))]
    ['a.b: Pump']
    """
    if options.format != "json":
        lines = read_lines(file, max_characters=options.max_line_characters)
        yield from _checked_rows(_line_values(lines, options.max_line_characters), options)
        yield from lines.problems
        return
    whole = read_whole(file, options.max_bytes)
    text = whole.text.removeprefix("\ufeff")
    if _holds_rows(text, options):
        yield from _checked_rows(list_values(text), options)
    else:
        yield one_text(text)
    yield from whole.problems


def _checked_rows(values: Iterator[tuple[int, Any]], options: RowOptions) -> Iterator[Row | str]:
    names: list[str] | None = None
    for number, value in values:
        fields = str(value) if isinstance(value, BadValue) else checked(value)
        if isinstance(fields, str):
            yield f"row {number}: {fields}"
            continue
        fields |= {
            name: "\n".join(lines)
            for name, lines in value.items()
            if is_text_name(name, options) and _is_text(lines)
        }
        if list(fields) != names:
            names = list(fields)
            columns = RowColumns.found_in(names, options)
        if options.format == "json" and not columns.text and (shown := key_paths(value)):
            whole = replace(columns, text=(_ALL_OF_IT,), metadata=())
            fields = {**fields, _ALL_OF_IT: shown}
            yield whole.row(fields, number=number, file_format=options.format)
        else:
            yield columns.row(fields, number=number, file_format=options.format)


def _is_text(value: Any) -> bool:
    """Tell whether a field holds a text as a list of its paragraphs."""
    return isinstance(value, list) and all(
        isinstance(line, str) and not has_lone_surrogate(line) for line in value
    )


def _holds_rows(text: str, options: RowOptions) -> bool:
    """Tell whether a ``json`` file holds objects that are rows; a single one needs a text."""
    found = text.lstrip(" \t\n\r")
    if found.startswith("["):
        return found[1:].lstrip(" \t\n\r")[:1] in {"{", "]", ""}
    if not found.startswith("{"):
        return False
    values = list_values(text)
    _, first = next(values)
    if next(values, None) is not None or options.text:
        return True
    fields = first if isinstance(first, BadValue) else checked(first)
    return isinstance(fields, dict) and bool(RowColumns.found_in(list(fields), options).text)


def _line_values(lines: Iterator[TextLine], most: int) -> Iterator[tuple[int, Any]]:
    for line in lines:
        if line.text is None:
            yield line.number, BadValue(f"the line is longer than {most:,} characters")
        elif line.text.strip():
            yield line.number, _parsed(line.text)


def _parsed(line: str) -> Any:
    try:
        return DECODER.decode(line)
    except BadValue as error:
        return error
    except (ValueError, RecursionError) as error:
        return BadValue(f"it is no JSON ({error!s:.200})")
