"""Where the rows of a delimited text begin, and what names its columns.

Exports often have a title above the table, and a header of two rows. Both are told by evidence: by
how many fields the lines have, and by numbers that stand below names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.lines import TextLine
from rag_engine.connectors.loaders.parsing.table_notes import WithoutNotes
from rag_engine.connectors.loaders.parsing.table_records import (
    ONE_COLUMN,
    Form,
    Record,
    read_records,
    sniff,
)

__all__ = ["Beginning", "find_beginning", "header_levels", "joined_names"]

_MOST_LINES_ABOVE = 12
_FEWEST_RECORDS = 3
"""Header and two rows: fewer do not tell a table from lines of text."""
_MOST_AGREE = 0.9
_ENOUGH_AGREE = 0.5
_NUMBER = re.compile(r"[-+(]?[\d٠-٩۰-۹०-९]+(?:[.,٫٬'’\s][\d٠-٩۰-۹०-९]+)*\)?\s?%?")
_LEVELS = 2
_JOINT = " > "


@dataclass(frozen=True, slots=True)
class Beginning:
    """How many lines stand above the table, what they say, and how the table is delimited."""

    lines: int
    titles: tuple[str, ...]
    form: Form


def find_beginning(lines: Sequence[str], *, prefer: str) -> Beginning:
    """Find the line with the header: the first from which on lines have one number of fields.

    What stands above it has one field that says something, or none; two, as in ``Date;1 May``,
    where the header is beyond doubt.

    >>> find_beginning(["Prices", "", "name;price", "Pump;3", "Valve;4"], prefer=",")
    Beginning(lines=2, titles=('Prices',), form=Form(delimiter=';', quote='"'))
    """
    form = sniff(lines, prefer=prefer)
    at_once = Beginning(0, (), form)
    if form.delimiter != ONE_COLUMN and _agreement(lines, form)[1] >= _ENOUGH_AGREE:
        first = next(iter(_records(lines, form)))
        if sum(bool(field.strip()) for field in first.fields) > 1:
            return at_once
    for above in range(1, min(_MOST_LINES_ABOVE, len(lines) - _FEWEST_RECORDS) + 1):
        if not lines[above].strip():
            continue
        below = sniff(lines[above:], prefer=prefer)
        width, share = _agreement(lines[above:], below)
        titles = _titles(lines[:above], below, pairs=_stands_out(lines[above:], below))
        agree = width > 1 and share >= _MOST_AGREE
        if agree and titles is not None and _names(lines[above:], below):
            return Beginning(above, tuple(titles), below)
    return at_once


def _agreement(lines: Sequence[str], form: Form) -> tuple[int, float]:
    """Return the first record's number of fields, and of how many records it is; 0 if too few.

    Notes below the table do not count.
    """
    records = _records(lines, form)
    width = len(records[0].fields) if records else 0
    records = list(WithoutNotes(iter(records), width=width))
    if form.delimiter == ONE_COLUMN or len(records) < _FEWEST_RECORDS:
        return 0, 0.0
    return width, sum(len(record.fields) == width for record in records) / len(records)


def _records(lines: Sequence[str], form: Form) -> list[Record]:
    numbered = (TextLine(number, line) for number, line in enumerate(lines, start=1))
    return list(read_records(numbered, form))


def _titles(lines: Sequence[str], form: Form, *, pairs: bool) -> list[str] | None:
    """Return what lines above a table say; None if one of them has several fields.

    ``pairs`` allows for two, a name and a value.
    """
    titles: list[str] = []
    for record in _records(lines, form):
        said = [one_line(field) for field in record.fields if field.strip()]
        if len(said) > 1 + pairs:
            return None
        if said:
            titles.append(": ".join(said))
    return titles


def _stands_out(lines: Sequence[str], form: Form) -> bool:
    """Tell whether a first row without any number stands over numbers, in three columns or more."""
    first, *below = _records(lines, form)
    numbers = any(_is_number(field) for record in below for field in record.fields)
    return len(first.fields) > 2 and numbers and not any(map(_is_number, first.fields))


def _names(lines: Sequence[str], form: Form) -> bool:
    """Tell whether lines could begin with the names of columns: several, and not numbers alone.

    Years may stand over names.
    """
    first, second, *_ = _records(lines, form)
    said = [field for field in first.fields if field.strip()]
    below = [field for field in second.fields if field.strip()]
    words = not all(map(_is_number, said)) or not any(map(_is_number, below))
    return len(said) > 1 and words


def header_levels(records: Sequence[Record]) -> int:
    """Return how many of the first records name the columns: one, or two.

    The first of two has names that reach over several columns, of which all but the first are
    empty, or says them again; the second has names below those; numbers come after both.

    >>> rows = [("", "2024", ""), ("Pump", "sold", "cost"), ("A", "3", "4"), ("B", "5", "6")]
    >>> header_levels([Record(n, row) for n, row in enumerate(rows)])
    2
    """
    if len(records) < _LEVELS + 2 or any(record.problem for record in records[:_LEVELS]):
        return 1
    upper, lower = (record.fields for record in records[:_LEVELS])
    if len(upper) != len(lower) or any(map(_is_number, lower)):
        return 1
    both = list(zip(upper, lower, strict=True))
    if not all(a.strip() or b.strip() for a, b in both):
        return 1
    below = [record.fields for record in records[_LEVELS:] if len(record.fields) == len(upper)]
    numbered = [_holds_numbers(below, column) for column in range(len(upper))]
    pairs = _reached_over(upper, lower)
    return _LEVELS if any(numbered[one] and numbered[other] for one, other in pairs) else 1


def _holds_numbers(rows: Sequence[Sequence[str]], column: int) -> bool:
    values = [row[column] for row in rows if row[column].strip()]
    return bool(values) and all(map(_is_number, values))


def _reached_over(upper: Sequence[str], lower: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield each two columns side by side over which one name of the first row stands."""
    for one, other in pairwise(range(len(upper))):
        over = upper[one].strip() and upper[other].strip() in {"", upper[one].strip()}
        if over and lower[one].strip() and lower[other].strip() and lower[one] != lower[other]:
            yield one, other


def joined_names(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the names of columns that a header of several rows gives, the outer name first.

    >>> joined_names([Record(1, ("", "2024", "")), Record(2, ("Pump", "sold", "cost"))])
    ('Pump', '2024 > sold', '2024 > cost')
    """
    upper, lower = (record.fields for record in records)
    names: list[str] = []
    over = ""
    for a, b in zip(upper, lower, strict=True):
        over = a.strip() or (over if b.strip() else "")
        names.append(_JOINT.join(dict.fromkeys(filter(None, (over, b.strip())))))
    return tuple(names)


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field.strip()) is not None
