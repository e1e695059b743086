"""What SQLite's SQL has of its own."""

from __future__ import annotations

from rag_engine.store.database import FieldRow, Statements
from rag_engine.store.schema import SCHEMA_VERSION

__all__ = ["SQLITE", "SqliteDialect"]


class SqliteDialect:
    """The dialect of the embedded catalogue, see ``Dialect``."""

    schema_version = SCHEMA_VERSION
    loses_rows = True  # it has no checksums of pages
    is_shared = False
    sequences = "sqlite_sequence"

    def by_index(self, name: str) -> str:
        """Return what has a table read by an index, of which alone it was seen that it is whole.

        >>> SQLITE.by_index("chunk_filter")
        ' INDEXED BY chunk_filter'
        """
        return f" INDEXED BY {name}"

    def field_row(self, row: FieldRow) -> tuple[object, ...]:
        """Return the columns of a row of ``field``, whose value may be of any type."""
        return row

    def field_operand(self, kind: str) -> str:
        """Return the column that values are compared with."""
        return "f.value"

    def last_number(self, table: str, key: str) -> str:
        """Return the statement that reads the last number that a table gave."""
        return (
            f"SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0), "
            f"ifnull((SELECT max({key}) FROM {table}), 0))"
        )

    def keep_numbers(self, statements: Statements, last: dict[str, int]) -> None:
        """Do nothing: AUTOINCREMENT keeps them."""


SQLITE = SqliteDialect()
