"""The rows of JSON Lines, and of JSON files that hold a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from rag_engine.connectors.loaders.parsing.cleaning import clean
from rag_engine.connectors.loaders.parsing.decoding import Decoded, decode
from rag_engine.connectors.loaders.parsing.lines import TextLine, TextLines, read_lines
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.rows import Row, RowColumns, RowOptions, Value

__all__ = ["rows"]

_BLANKS = " \t\n\r"


class _BadRow(ValueError):
    """A row that is no good; the message is the reason."""


def rows(file: BinaryIO, options: RowOptions) -> Iterator[Row | str]:
    r"""Yield each good row, and why each other can not be read.

    JSON Lines are read row by row, however long the file; a ``json`` file is read whole.

    Raises:
        Refused: a ``json`` file holds no list of objects.
        RefusedByLimit: a ``json`` file is too large.

    >>> from io import BytesIO
    >>> lines = BytesIO(b'{"text": "A pump."}\n[]\n')
    >>> list(rows(lines, RowOptions(format="jsonl")))[1:]
    ["row 2: it is no JSON object but list: '[]'"]
    """
    read: Decoded | TextLines
    if options.format == "json":
        read = whole = _whole(file, options.max_bytes)
        found = _list_rows(whole.text)
    else:
        read = lines = read_lines(file, max_characters=options.max_line_characters)
        found = _line_rows(lines, options.max_line_characters)
    names: list[str] | None = None
    for number, values in found:
        if isinstance(values, str):
            yield f"row {number}: {values}"
            continue
        if list(values) != names:
            names = list(values)
            columns = RowColumns.found_in(names, options)
        yield columns.row(values, number=number, file_format=options.format)
    yield from read.problems


def _line_rows(
    lines: Iterator[TextLine], most: int
) -> Iterator[tuple[int, dict[str, Value] | str]]:
    for line in lines:
        if line.text is None:
            yield line.number, f"the line is longer than {most:,} characters"
        elif line.text.strip():
            yield line.number, _parsed(line.text)


def _list_rows(text: str) -> Iterator[tuple[int, dict[str, Value] | str]]:
    text = text.removeprefix("\ufeff")
    position = _skip(text, 0, _BLANKS)
    if text[position : position + 1] not in {"[", "{"}:
        raise Refused("it holds no list of JSON objects")
    listed = text[position] == "["
    position += listed
    number = 0
    while True:
        position = _skip(text, position, _BLANKS + ",")
        if position >= len(text):
            if listed:
                yield number + 1, "the file ends before its list does"
            return
        if text[position] == "]" and listed:
            return
        number += 1
        try:
            value, position = _DECODER.raw_decode(text, position)
        except _BadRow as error:
            yield number, f"{error}; the rows after it were not read"
            return
        except (ValueError, RecursionError) as error:
            yield number, f"it is no JSON ({error}); the rows after it were not read"
            return
        yield number, _checked(value)


def _whole(file: BinaryIO, max_bytes: int | None) -> Decoded:
    data = file.read(-1 if max_bytes is None else max_bytes + 1)
    if max_bytes is not None and len(data) > max_bytes:
        raise RefusedByLimit(f"it has more than {max_bytes:,} bytes")
    return decode(data)


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position


def _parsed(line: str) -> dict[str, Value] | str:
    try:
        return _checked(_DECODER.decode(line))
    except _BadRow as error:
        return str(error)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON ({error!s:.200})"


def _checked(value: Any) -> dict[str, Value] | str:
    if not isinstance(value, dict):
        return f"it is no JSON object but {type(value).__name__}: {str(value)[:60]!r}"
    row: dict[str, Value] = {}
    for key, field in value.items():
        if _has_lone_surrogate(key) or (isinstance(field, str) and _has_lone_surrogate(field)):
            return f"field {clean(key)!r:.80} holds a lone surrogate, which is no character"
        if field is None or isinstance(field, str | int | float | bool):
            row[key] = field
    return row


def _has_lone_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _BadRow(f"field {clean(double)!r:.80} stands there twice")
    return result


def _constant(name: str) -> NoReturn:
    raise _BadRow(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
