"""CSV and TSV: the first row names the columns, every other row is a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from rag_engine.connectors.loaders.limits import MAX_LINE_CHARACTERS
from rag_engine.connectors.loaders.lines import TextLine, read_lines
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.rows import RowColumns, Value
from rag_engine.connectors.loaders.table_records import Form, Record, read_records, sniff
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.records import Document, Problem

__all__ = ["TableLoader"]

_SAMPLE_LINES = 100
_SAMPLE_CHARACTERS = 1_000_000
_MAX_COLUMNS = 5_000
_SHORT_VALUE = 60
_DELIMITER_LINE = re.compile(r"sep=(.)", re.IGNORECASE)  # spreadsheets write it as first line
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,15}")


class TableLoader:
    """Reads delimited text row by row, however long the file.

    Delimiter and quote are found out from the first lines. A row with another number of fields
    than there are columns is a problem, not a document: nobody knows which field is missing.

    Args:
        text_columns: columns that hold the text; several give lines of ``column: value``. Empty:
            the column named ``text``, ``body``, ``content`` or the like; without one, all
            columns but the id's.
        title_column: column with the title; None: ``title`` and the like, if there is one.
        id_column: column with the row's id; None: ``id`` and the like, else the row's number.
        metadata_columns: columns to keep as metadata; None: all that are neither text, title nor
            id, or (when all columns are the text) the short ones.
        max_line_characters: longest line.
    """

    suffixes: frozenset[str] = frozenset({".csv", ".tsv"})

    def __init__(
        self,
        *,
        text_columns: Sequence[str] = (),
        title_column: str | None = None,
        id_column: str | None = None,
        metadata_columns: Sequence[str] | None = None,
        max_line_characters: int = MAX_LINE_CHARACTERS,
    ) -> None:
        self._text_columns = tuple(text_columns)
        self._title_column = title_column or None
        self._id_column = id_column or None
        self._metadata_columns = None if metadata_columns is None else tuple(metadata_columns)
        self._max_line_characters = max_line_characters

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        """Yield a document for each good row, and a problem for each other.

        Raises:
            LoadError: the file can not be read, or lacks a column that was asked for.
            LoadLimitExceeded: it has too many columns.
        """
        lines, sample = _with_sample(read_lines(path, max_characters=self._max_line_characters))
        suffix = path.suffix.lower()
        delimiter_line = _DELIMITER_LINE.fullmatch(sample[0]) if sample else None
        if delimiter_line:
            form = Form(delimiter_line.group(1))
            next(lines)
        else:
            form = sniff(sample, prefer="\t" if suffix == ".tsv" else ",")
        header = next(read_records(lines, form), None)
        if header is None:
            return
        names = _column_names(path, header)
        records = read_records(lines, form, width=len(names))
        head = list(islice(records, _SAMPLE_LINES))
        columns = self._columns(path, names, head)
        kinds = {name: _kind(head, index) for index, name in enumerate(names)}
        for row_number, record in enumerate(chain(head, records), start=1):
            if record.problem or len(record.fields) != len(names):
                reason = record.problem or _ragged(record, len(names))
                yield Problem(source=source, reason=f"line {record.number}: {reason}")
                continue
            row = {n: _typed(v, kinds[n]) for n, v in zip(names, record.fields, strict=True)}
            yield columns.document(row, source=source, number=row_number, file_format=suffix[1:])

    def _columns(self, path: Path, names: Sequence[str], head: Sequence[Record]) -> RowColumns:
        """Settle which column is what.

        Raises:
            LoadError: a column that was asked for is not there.
        """
        configured = [*self._text_columns, self._title_column, self._id_column]
        missing = [name for name in configured if name is not None and name not in names]
        if missing:
            raise LoadError(
                f"{path} has no column {', '.join(map(repr, missing))}; its columns are "
                f"{', '.join(map(repr, names[:20]))}"
            )
        columns = RowColumns.found_in(
            names,
            text=self._text_columns,
            title=self._title_column,
            id=self._id_column,
            metadata=self._metadata_columns,
        )
        if columns.text:
            return columns
        short = [name for index, name in enumerate(names) if _is_short(head, index)]
        return replace(
            columns,
            text=tuple(name for name in names if name != columns.id),
            labelled=True,
            metadata=columns.metadata if columns.metadata is not None else tuple(short),
        )


def _with_sample(lines: Iterator[TextLine]) -> tuple[Iterator[TextLine], list[str]]:
    """Take some lines to look at, and return them together with all the lines."""
    taken: list[TextLine] = []
    characters = 0
    for line in lines:
        taken.append(line)
        characters += len(line.text or "")
        if len(taken) >= _SAMPLE_LINES or characters > _SAMPLE_CHARACTERS:
            break
    return chain(taken, lines), [line.text for line in taken if line.text is not None]


def _column_names(path: Path, header: Record) -> list[str]:
    """Return a name for each column; one without a name, or with a taken one, gets its number."""
    if header.problem:
        raise LoadError(f"{path}: its first row, which names the columns, is bad: {header.problem}")
    if len(header.fields) > _MAX_COLUMNS:
        raise LoadLimitExceeded(
            f"{path} has {len(header.fields):,} columns; at most {_MAX_COLUMNS:,} are read"
        )
    names: dict[str, None] = {}
    for number, field in enumerate(header.fields, start=1):
        name = one_line(field)
        names[name if name and name not in names else f"{name or 'column'} {number}"] = None
    return list(names)


def _ragged(record: Record, width: int) -> str:
    return f"it has {len(record.fields)} fields where there are {width} columns"


def _values(head: Sequence[Record], index: int) -> list[str]:
    fields = (record.fields[index] for record in head if index < len(record.fields))
    return [field for field in fields if field.strip()]


def _kind(head: Sequence[Record], index: int) -> type[int] | type[float] | type[str]:
    """Tell what the first rows' values in a column are: an article number 007 is text."""
    values = _values(head, index)
    if values and all(map(_WHOLE.fullmatch, values)):
        return int
    if values and all(_WHOLE.fullmatch(value) or _DECIMAL.fullmatch(value) for value in values):
        return float
    return str


def _typed(value: str, kind: type[int] | type[float] | type[str]) -> Value:
    if kind is int and _WHOLE.fullmatch(value):
        return int(value)
    if kind is float and (_WHOLE.fullmatch(value) or _DECIMAL.fullmatch(value)):
        return float(value)
    return value


def _is_short(head: Sequence[Record], index: int) -> bool:
    return all(len(value) <= _SHORT_VALUE for value in _values(head, index))
