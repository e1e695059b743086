"""What stands below a delimited table: its source, a date, a remark."""

from __future__ import annotations

from collections.abc import Iterator

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.table_records import Record

__all__ = ["WithoutNotes"]

_MOST_NOTES = 12


class WithoutNotes(Iterator[Record]):
    """The records of a table without those below it, whose ``notes`` are known after the last one.

    A note stands in the first field alone, after an empty line or row, and nothing but notes comes
    after it: a last row that was cut off stands right below the others. Empty rows, which
    spreadsheets write as ``;;``, are no records.

    >>> rows = [("Pump", "3"), ("", ""), ("Net prices.", "")]
    >>> table = WithoutNotes(iter([Record(n, row) for n, row in enumerate(rows)]), width=2)
    >>> [record.fields for record in table], table.notes
    ([('Pump', '3')], ('Net prices.',))
    """

    def __init__(self, records: Iterator[Record], *, width: int) -> None:
        self.notes: tuple[str, ...] = ()
        self._records = self._kept(records, width)

    def __next__(self) -> Record:
        """Return the next record of the table."""
        return next(self._records)

    def _kept(self, records: Iterator[Record], width: int) -> Iterator[Record]:
        held: list[Record] = []
        apart = False
        for record in records:
            filled = [place for place, field in enumerate(record.fields) if field.strip()]
            if record.fields and not filled:
                apart = True
                continue
            apart = apart or record.after_blank
            if apart and filled == [0] and width > 1 and len(held) < _MOST_NOTES:
                held.append(record)
                continue
            yield from held
            held, apart = [], False
            yield record
        self.notes = tuple(one_line(record.fields[0]) for record in held)
