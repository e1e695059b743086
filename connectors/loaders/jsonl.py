"""JSON Lines, and JSON files that hold a list: a row a document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rag_engine.connectors.loaders.limits import MAX_FILE_MB, MAX_LINE_CHARACTERS, read_file
from rag_engine.connectors.loaders.lines import read_lines
from rag_engine.connectors.loaders.parsing.cleaning import clean
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.rows import RowColumns, Value
from rag_engine.errors import LoadError
from rag_engine.records import Document, Problem

__all__ = ["JsonlLoader"]

_BLANKS = " \t\n\r"


class _BadRow(ValueError):
    """A row that is no good; the message is the reason."""


class JsonlLoader:
    """Reads JSON Lines row by row, however long the file; ``.json`` files are read whole.

    Args:
        text_columns: fields that hold the text; empty: ``text``, or else the first known name
            (``body``, ``content``, ...) that a row has.
        title_column: field with the title; None: ``title`` and the like.
        id_column: field with the row's id; None: ``id``, then ``_id`` and the like.
        metadata_columns: fields to keep as metadata; None: all plain ones that are left.
        max_file_mb: largest ``.json`` file, in 10^6 bytes; JSON Lines has no limit.
        max_line_characters: longest line of JSON Lines.
    """

    suffixes: frozenset[str] = frozenset({".json", ".jsonl", ".ndjson"})

    def __init__(
        self,
        *,
        text_columns: Sequence[str] = (),
        title_column: str | None = None,
        id_column: str | None = None,
        metadata_columns: Sequence[str] | None = None,
        max_file_mb: int = MAX_FILE_MB,
        max_line_characters: int = MAX_LINE_CHARACTERS,
    ) -> None:
        self._text_columns = tuple(text_columns)
        self._title_column = title_column or None
        self._id_column = id_column or None
        self._metadata_columns = None if metadata_columns is None else tuple(metadata_columns)
        self._max_file_mb = max_file_mb
        self._max_line_characters = max_line_characters

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        """Yield a document for each good row, and a problem for each other.

        Raises:
            LoadError: the file can not be read, or a ``.json`` file holds no list of objects.
            LoadLimitExceeded: a ``.json`` file is too large.
        """
        whole = path.suffix.lower() == ".json"
        rows = self._list_rows(path) if whole else self._line_rows(path)
        names: list[str] | None = None
        for number, row in rows:
            if isinstance(row, str):
                yield Problem(source=source, reason=f"row {number}: {row}")
                continue
            if list(row) != names:
                names = list(row)
                columns = RowColumns.found_in(
                    names,
                    text=self._text_columns,
                    title=self._title_column,
                    id=self._id_column,
                    metadata=self._metadata_columns,
                )
            yield columns.document(
                row,
                source=source,
                number=number,
                file_format="json" if whole else "jsonl",
            )

    def _line_rows(self, path: Path) -> Iterator[tuple[int, dict[str, Value] | str]]:
        for line in read_lines(path, max_characters=self._max_line_characters):
            if line.text is None:
                most = self._max_line_characters
                yield line.number, f"the line is longer than {most:,} characters"
            elif line.text.strip():
                yield line.number, _parsed(line.text)

    def _list_rows(self, path: Path) -> Iterator[tuple[int, dict[str, Value] | str]]:
        text = decode(read_file(path, max_file_mb=self._max_file_mb)).text.removeprefix("\ufeff")
        position = _skip(text, 0, _BLANKS)
        if text[position : position + 1] not in {"[", "{"}:
            raise LoadError(f"{path} holds no list of JSON objects")
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
