"""What a catalogue asks of the database that keeps its rows: SQLite's file, a server's schema.

SQL that all of them read alike stands where it is used, with ``?`` for each parameter. What differs
(how a row of a field is kept, who counts the numbers that were given) a ``Dialect`` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from rag_engine.records import MetadataValue

__all__ = ["Database", "Dialect", "FieldRow", "Rows", "Statements"]

FieldRow = tuple[int, str, str, MetadataValue]
"""One field of a document's metadata: the document's number, key, kind, value."""


class Rows(Protocol):
    """What a statement gives."""

    def fetchone(self) -> Any:
        """Return the next row, a tuple, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""
        ...


class Statements(Protocol):
    """What runs statements: a connection that somebody has for himself."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> object:
        """Run a statement that gives nothing once for each tuple of parameters."""
        ...


class Dialect(Protocol):
    """What the SQL of one kind of database has of its own."""

    schema_version: int
    """The version of the tables that are read and written."""
    loses_rows: bool
    """Whether rows can be missing unnoticed, so that whole sets are read and compared."""
    is_shared: bool
    """Whether indexes in several places catch up from it, which all need its tombstones."""
    sequences: str
    """The table ``(name, seq)`` of the last numbers that were given."""

    def by_index(self, name: str) -> str:
        """Return what, behind a table's name, has it read by an index; empty: nothing does."""
        ...

    def field_row(self, row: FieldRow) -> tuple[object, ...]:
        """Return the columns of a row of ``field``; the first four are compared with its digest."""
        ...

    def field_operand(self, kind: str) -> str:
        """Return the column of ``field AS f`` that values of a kind are compared with."""
        ...

    def last_number(self, table: str, key: str) -> str:
        """Return the statement that reads the last number that a table gave, 0 for none."""
        ...

    def keep_numbers(self, statements: Statements, last: dict[str, int]) -> None:
        """Keep the last numbers that tables gave, where the database does not do so itself."""
        ...


class Database(Protocol):
    """One open database, as a catalogue uses it; safe to share between threads.

    What goes wrong is an error of the engine: ``StorageFailed``, ``StoreCorrupt`` and so on.
    """

    name: str
    """What it is called in messages: a path, or an address without its password."""
    read_only: bool
    dialect: Dialect

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement that changes nothing."""
        ...

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Let what this thread reads inside be of one revision; one may be inside of another."""
        ...

    def frozen(self) -> AbstractContextManager[Database]:
        """Give a database that sees what is there now until this ends, whatever is written."""
        ...

    def transaction(self) -> AbstractContextManager[Statements]:
        """Change something as a whole, durable when this ends, one after another, or not at all."""
        ...

    def check_in_place(self) -> None:
        """See that what is open is still what the name stands for.

        Raises:
            StoreError: it was written anew by another process.
        """
        ...

    def check_tables(self) -> None:
        """Refuse tables that are not those of this version.

        Raises:
            StoreCorrupt: they are damaged, or a newer version's.
            StoreError: they are an older version's.
        """
        ...

    def give_back_space(self) -> None:
        """Give the space of deleted rows back."""
        ...

    def size(self) -> int:
        """Return how many bytes it takes."""
        ...

    def close(self) -> None:
        """Close it; it can not be used afterwards."""
        ...
