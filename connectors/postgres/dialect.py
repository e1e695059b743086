"""What PostgreSQL's SQL has of its own, and how values cross to it and back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rag_engine.connectors.postgres.schema import SCHEMA_VERSION
from rag_engine.store.database import FieldRow, Statements

__all__ = ["POSTGRES", "PostgresDialect", "from_text", "parameters_of", "to_sql", "to_text"]

_ESCAPE = "\ue000"
_NUL = "\ue001"
_ITSELF = "\ue002"


class PostgresDialect:
    """The dialect of a catalogue on a server, see ``Dialect``."""

    schema_version = SCHEMA_VERSION
    loses_rows = False  # it has checksums of pages, and unique keys that are kept
    is_shared = True
    sequences = "sequence"

    def by_index(self, name: str) -> str:
        """Return nothing: the server chooses its indexes."""
        return ""

    def field_row(self, row: FieldRow) -> tuple[object, ...]:
        """Return the columns of a row of ``field``: a number stands beside its text.

        >>> POSTGRES.field_row((1, "year", "n", 2024))
        (1, 'year', 'n', '2024', Decimal('2024'))
        """
        document, key, kind, value = row
        number = None if isinstance(value, str) else Decimal(value)
        return document, key, kind, str(value), number

    def field_operand(self, kind: str) -> str:
        """Return the column that values of a kind are compared with."""
        return "f.value" if kind == "t" else "f.number"

    def last_number(self, table: str, key: str) -> str:
        """Return the statement that reads the last number that a table gave."""
        return f"SELECT coalesce((SELECT seq FROM sequence WHERE name = '{table}'), 0)"

    def keep_numbers(self, statements: Statements, last: dict[str, int]) -> None:
        """Keep the last numbers that tables gave."""
        for table, number in sorted(last.items()):
            statements.execute(
                "INSERT INTO sequence VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
                "SET seq = excluded.seq WHERE sequence.seq <> excluded.seq",
                (table, number),
            )


POSTGRES = PostgresDialect()


def to_sql(sql: str) -> str:
    """Return a statement with psycopg's marks for parameters.

    >>> to_sql("SELECT id FROM chunk WHERE id IN (?, ?)")
    'SELECT id FROM chunk WHERE id IN (%s, %s)'
    """
    return sql.replace("%", "%%").replace("?", "%s")


def to_parameter(value: object) -> object:
    """Return a value as PostgreSQL compares it exactly: a boolean is 1 or 0, a float a decimal.

    >>> to_parameter(True), to_parameter(0.5)
    (1, Decimal('0.5'))
    """
    if isinstance(value, str):
        return to_text(value)
    if isinstance(value, bool):
        return int(value)
    return Decimal(value) if isinstance(value, float) else value


def to_text(text: str) -> str:
    r"""Write a text without the character NUL, which PostgreSQL's texts do not hold.

    >>> to_text("a\0b")
    'a\ue000\ue001b'
    """
    if "\0" not in text and _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE, _ESCAPE + _ITSELF).replace("\0", _ESCAPE + _NUL)


def from_text(text: str) -> str:
    r"""Return the text that ``to_text`` wrote.

    >>> all(from_text(to_text(text)) == text for text in ("a\0b", "\ue000", "\ue000\ue001\0"))
    True
    """
    if _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE + _NUL, "\0").replace(_ESCAPE + _ITSELF, _ESCAPE)


def parameters_of(values: Sequence[object]) -> list[object]:
    """Return the parameters of a statement as they are sent."""
    return [to_parameter(value) for value in values]
