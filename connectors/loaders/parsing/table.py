"""The rows of CSV and TSV: the first one below the title, or two, names the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, takewhile
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.lines import TextLine, read_lines
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.rows import Row, RowColumns, RowOptions, Value
from rag_engine.connectors.loaders.parsing.table_header import (
    Beginning,
    find_beginning,
    header_levels,
    joined_names,
)
from rag_engine.connectors.loaders.parsing.table_notes import WithoutNotes
from rag_engine.connectors.loaders.parsing.table_records import Form, Record, read_records

__all__ = ["rows"]

_SAMPLE_LINES = 100
_SAMPLE_CHARACTERS = 1_000_000
_MAX_COLUMNS = 5_000
_SHORT_VALUE = 60
_NOTE = "note"
"""The key of what stands below a table."""
_DELIMITER_LINE = re.compile(r"sep=(.)", re.IGNORECASE)  # spreadsheets write it as first line
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,15}")


def rows(file: BinaryIO, options: RowOptions) -> Iterator[Row | str]:
    r"""Yield each good row, and why each other can not be read, however long the file.

    Delimiter and quote are found out from the first lines, and which of them name the columns;
    what stands above those is the section of every row, and what stands below the rows, apart
    from them, is one more (``note``). A row with another number of fields than there are columns
    is a problem: nobody knows which field is missing.

    Raises:
        Refused: the first row can not be read, or the file lacks a column that was asked for.
        RefusedByLimit: it has too many columns.

    >>> from io import BytesIO
    >>> table = BytesIO(b"id,text,n\n7,A pump.,1\n8\n")
    >>> list(rows(table, RowOptions(format="csv")))[1:]
    ['line 3: it has 1 fields where there are 3 columns']
    """
    read = read_lines(file, max_characters=options.max_line_characters)
    lines, sample = _with_sample(read)
    delimiter_line = _DELIMITER_LINE.fullmatch(sample[0]) if sample else None
    if delimiter_line:
        next(lines)
        beginning = Beginning(0, (), Form(delimiter_line.group(1)))
    else:
        beginning = find_beginning(sample, prefer="\t" if options.format == "tsv" else ",")
    form = beginning.form
    for _ in range(beginning.lines):
        next(lines)
    header = next(read_records(lines, form), None)
    if header is None:
        return
    names = _column_names(header)
    records = WithoutNotes(read_records(lines, form, width=len(names)), width=len(names))
    head = list(islice(records, _SAMPLE_LINES))
    if header_levels([header, *head]) > 1:
        both = joined_names([header, head.pop(0)])
        names = _column_names(replace(header, fields=both))
    columns = _columns(names, head, options)
    kinds = {name: _kind(head, index) for index, name in enumerate(names)}
    number = 0
    for number, record in enumerate(chain(head, records), start=1):
        if record.problem or len(record.fields) != len(names):
            reason = record.problem or _ragged(record, len(names))
            yield f"line {record.number}: {reason}"
            continue
        values = {n: _typed(v, kinds[n]) for n, v in zip(names, record.fields, strict=True)}
        row = columns.row(values, number=number, file_format=options.format)
        yield row if isinstance(row, str) else replace(row, section=beginning.titles)
    if records.notes:
        yield Row(
            number=number + 1,
            key=_NOTE,
            text="\n".join(records.notes),
            title="",
            language=None,
            metadata={"format": options.format},
            section=beginning.titles,
        )
    yield from read.problems


def _columns(names: Sequence[str], head: Sequence[Record], options: RowOptions) -> RowColumns:
    """Settle which column is what.

    Raises:
        Refused: a column that was asked for is not there.
    """
    configured = [*options.text, options.title, options.id]
    missing = [name for name in configured if name is not None and name not in names]
    if missing:
        raise Refused(
            f"it has no column {', '.join(map(repr, missing))}; its columns are "
            f"{', '.join(map(repr, names[:20]))}"
        )
    columns = RowColumns.found_in(names, options)
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
    known = takewhile(lambda line: line.text is not None, taken)
    return chain(taken, lines), [line.text or "" for line in known]


def _column_names(header: Record) -> list[str]:
    """Return a name for each column; one without a name, or with a taken one, gets its number."""
    if header.problem:
        raise Refused(f"its first row, which names the columns, is bad: {header.problem}")
    if len(header.fields) > _MAX_COLUMNS:
        raise RefusedByLimit(
            f"it has {len(header.fields):,} columns; at most {_MAX_COLUMNS:,} are read"
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
