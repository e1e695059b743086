"""The records of a delimited text: how it is delimited, and what to do about an open quote."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.lines import TextLine
from rag_engine.connectors.loaders.parsing.parsed import MAX_LINE_CHARACTERS

__all__ = ["ONE_COLUMN", "Form", "Record", "read_records", "sniff"]

_DELIMITERS = (",", ";", "\t", "|")
_QUOTES = ('"', "'")
ONE_COLUMN = "\x1f"
"""A delimiter that no text holds: each line is one field."""
_MAX_LINES_OF_A_RECORD = 10_000


@dataclass(frozen=True, slots=True)
class Form:
    """How fields are told apart."""

    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True, slots=True)
class Record:
    """The fields of one record, and the number of the line that it starts on.

    ``fields`` is empty and ``problem`` says why if the record can not be read. ``after_blank``:
    an empty line stands before it.
    """

    number: int
    fields: tuple[str, ...]
    problem: str = ""
    after_blank: bool = False


def sniff(lines: Sequence[str], *, prefer: str = ",") -> Form:
    """Find the form that cuts the most lines into as many fields as the first has.

    ``prefer`` is the delimiter taken when none does better.

    >>> sniff(["name;price", "Pump, small;3,5", "Pump, large;7,1"])
    Form(delimiter=';', quote='"')
    """
    candidates = sorted(_DELIMITERS, key=lambda delimiter: delimiter != prefer)
    quote = _quote(lines, candidates)
    best, best_score = Form(ONE_COLUMN, quote), 0.0
    for delimiter in candidates:
        form = Form(delimiter, quote)
        records = list(read_records(_numbered(lines), form))
        width = len(records[0].fields) if records else 0
        score = sum(len(record.fields) == width for record in records) / max(1, len(records))
        if width > 1 and score > best_score + 0.05:
            best, best_score = form, score
    return best


def _quote(lines: Sequence[str], delimiters: Sequence[str]) -> str:
    """Return the quote that stands right beside delimiters more often."""
    double, single = (
        sum(
            line.count(delimiter + quote) + line.count(quote + delimiter)
            for line in lines
            for delimiter in delimiters
        )
        for quote in _QUOTES
    )
    return _QUOTES[1] if single > 2 * double and single > len(lines) / 2 else _QUOTES[0]


def _numbered(lines: Sequence[str]) -> Iterator[TextLine]:
    return (TextLine(number, line) for number, line in enumerate(lines, start=1))


class _OpenQuote(Exception):
    """A quoted field has no end within reach."""


class _Feeder:
    """Hands lines to a ``csv`` reader and remembers those of the record that it is reading."""

    def __init__(self, lines: Iterator[TextLine]) -> None:
        self._lines = lines
        self._again: deque[TextLine] = deque()
        self.taken: list[TextLine] = []
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def next_line(self) -> TextLine | None:
        """Return the line that the next record would start on, and keep it."""
        if not self._again:
            line = next(self._lines, None)
            if line is None:
                return None
            self._again.append(line)
        return self._again[0]

    def __next__(self) -> str:
        line = self.next_line()
        if line is None:
            if self.taken:
                raise _OpenQuote
            raise StopIteration
        too_many = len(self.taken) >= _MAX_LINES_OF_A_RECORD
        if line.text is None or too_many or self._characters > MAX_LINE_CHARACTERS:
            raise _OpenQuote
        self._again.popleft()
        self.taken.append(line)
        self._characters += len(line.text)
        return line.text + "\n"

    def start_record(self) -> None:
        self.taken = []
        self._characters = 0

    def give_back(self, keep: int) -> None:
        """Read the lines of the record again, but for its first ``keep``."""
        self._again.extendleft(reversed(self.taken[keep:]))
        self.start_record()

    def skip(self) -> None:
        self._again.popleft()


def read_records(
    lines: Iterator[TextLine], form: Form, *, width: int | None = None
) -> Iterator[Record]:
    """Yield the records; a quote that is never closed costs one line, not the rest of the file.

    ``width`` is how many fields a record has; one that runs over several lines and has another
    number is taken for the victim of an open quote.
    """
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_LINE_CHARACTERS))
    feeder = _Feeder(lines)
    blank = False
    while (line := feeder.next_line()) is not None:
        if line.text is None:
            feeder.skip()
            yield Record(line.number, (), "it is longer than a line may be", blank)
            blank = False
            continue
        if not line.text.strip():
            feeder.skip()
            blank = True
            continue
        fields = _next_fields(feeder, form)
        torn = len(feeder.taken) > 1 and width is not None and len(fields) != width
        if not fields or torn:
            feeder.give_back(keep=1)
            fields = _fields_of_one(line.text, form, width)
        quote = form.quote
        problem = "" if fields else f"a quote ({quote}) is opened and not closed where it should be"
        yield Record(line.number, fields, problem, blank)
        blank = False


def _next_fields(feeder: _Feeder, form: Form) -> tuple[str, ...]:
    """Read a record by the rules; return nothing if they are broken."""
    feeder.start_record()
    reader = csv.reader(feeder, delimiter=form.delimiter, quotechar=form.quote, strict=True)
    try:
        return tuple(next(reader))
    except (_OpenQuote, csv.Error):
        return ()


def _fields_of_one(line: str, form: Form, width: int | None) -> tuple[str, ...]:
    """Read a line that breaks the rules of quotes; return nothing if it makes no whole record."""
    fields = tuple(next(csv.reader([line], delimiter=form.delimiter, quotechar=form.quote)))
    if len(fields) == width or (width is None and len(fields) > 1):
        return fields
    literal = tuple(line.split(form.delimiter))
    # Tab-separated text mostly knows no quotes at all.
    return literal if form.delimiter == "\t" and len(literal) == width else ()
