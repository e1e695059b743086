"""Copies a file of SQLite as it is at one moment, while another process is writing to it.

Why not SQLite's own way, the online backup: it copies pages, begins anew whenever another
connection has committed since its last step, and so never ends beside a writer that commits all the
time; done in one step it ends, and a writer waits for all of it. But the rows of a knowledge base
are never changed once they are written, and no other row ever gets the number of one that went. So
rows are copied in ascending order of their numbers, a few at a time, each time with the lock for
some hundredths of a second; then those that came meanwhile, and so on, until one such batch holds
them. For one last moment the lock is held: the rest is copied, what is no list of such rows is
copied whole (counts, digests, plain data), and the numbers of the rows that are there are noted.
What went since it was copied is overwritten afterwards, in the copy alone. As much is read in that
moment as was written during the pass before it, and one more number for each document.

A writer always gets its turn: where it waits for the lock, SQLite lets no new reader in.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rag_engine.store.progress import OnStage
from rag_engine.store.schema import connect

__all__ = ["LiveCopy", "NumberedRows"]

_HELD_S = 0.03
"""Seconds that a batch may hold the lock; the next one takes as many rows as that allows."""
_PASSES = 50
"""After so many the rest is copied whatever it is: a writer may write as fast as this reads."""
_MOST = 65_536
"""Rows of a batch."""
_CACHE_KB = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRows:
    """Rows that never change, under numbers that ascend: those of ``table``, by its column ``key``.

    ``index`` is the smallest index that tells which there are. ``parts`` are tables that hold more
    of each row, with the column that has its number. What stands in the column ``unique`` one row
    has at a time: that with the greater number, if another went. Where a number may be given again,
    to another row, ``identity`` is the column that tells the two apart. ``stage`` is what copying
    is called, ``least`` how many rows are copied at a time at least. ``owner`` is the table that
    names which of them are there, and the column that refers to it, if rows only ever go with what
    they belong to.
    """

    table: str
    key: str
    index: str
    stage: str
    least: int
    parts: tuple[tuple[str, str], ...] = ()
    unique: str | None = None
    identity: str | None = None
    owner: tuple[str, str] | None = None


class LiveCopy:
    """Copies one file: ``copy_most``, then inside ``moment`` ``copy_rest``, then ``settle``.

    Nothing is durable before the caller syncs the file, and after an error it is worth nothing.

    Raises:
        StoreNotFound: there is no source.
        sqlite3.Error: the source can not be read, or the copy not be written (see ``storage``).
    """

    def __init__(
        self, source: Path, target: Path, rows: Sequence[NumberedRows], whole: Sequence[str]
    ) -> None:
        """Make the file ``target``; ``whole`` names the tables that are copied in the moment."""
        self._rows, self._whole = rows, whole
        self._last = dict.fromkeys((group.table for group in rows), 0)
        self._size = {group.table: group.least for group in rows}
        self.longest_s = 0.0
        """The longest time that the lock of the source was held, in seconds."""
        self.passes = 0
        with contextlib.closing(connect(source, read_only=True)) as reader:
            sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            definitions = [definition for (definition,) in reader.execute(sql).fetchall()]
        target.touch(exist_ok=False)
        self._connection = connect(target, read_only=False)
        try:
            # Nobody knows the copy yet, and it is made durable once, when it is whole.
            for pragma in (
                "main.journal_mode=OFF",
                "main.synchronous=OFF",
                f"main.cache_size=-{_CACHE_KB}",
                "temp_store=MEMORY",
                "foreign_keys=OFF",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute("BEGIN")
            for definition in definitions:
                self._connection.execute(definition)
            self._connection.execute("COMMIT")
            # A reader may have to roll back what a killed writer left half-way (see ``connect``).
            mode = (
                "rw" if os.access(source, os.W_OK) and os.access(source.parent, os.W_OK) else "ro"
            )
            self._connection.execute(
                "ATTACH ? AS source", (f"{source.absolute().as_uri()}?mode={mode}",)
            )
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def copy_most(self, on_stage: OnStage) -> None:
        """Copy what is there, a few rows at a time, until little comes meanwhile."""
        for self.passes in range(1, _PASSES + 1):
            batches = [self._pass(group, on_stage) for group in self._rows]
            if max(batches) <= 1:
                break

    @contextlib.contextmanager
    def moment(self) -> Iterator[sqlite3.Connection]:
        """Let nothing be written to the source meanwhile; the tables of it are in ``source``."""
        with self._reading() as connection:
            yield connection

    def copy_rest(self) -> None:
        """Copy what came since, and all that are no such rows; inside ``moment``."""
        for group in self._rows:
            if group.owner is None:
                self._note_numbers(group)
            if group.identity is not None:
                self._take_away(group)
                self._copy_missing(group)
            while self._batch(group):
                pass
        for table in self._whole:
            self._connection.execute(f"DELETE FROM main.{table}")
            self._connection.execute(f"INSERT INTO main.{table} SELECT * FROM source.{table}")

    def settle(self) -> None:
        """Overwrite in the copy what went from the source after it was copied."""
        self._connection.execute("BEGIN")
        for group in self._rows:
            if group.identity is None:
                self._take_away(group)
        self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Have one transaction, in which the source is read from the beginning on."""
        connection = self._connection
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT 1 FROM source.sqlite_schema LIMIT 1").fetchone()
            began = time.monotonic()
            yield connection
            connection.execute("COMMIT")
            self.longest_s = max(self.longest_s, time.monotonic() - began)
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _pass(self, group: NumberedRows, on_stage: OnStage) -> int:
        """Copy the rows that are there by now; return in how many batches."""
        sql = f"SELECT ifnull(max({group.key}), 0) FROM source.{group.table}"
        [(total,)] = self._connection.execute(sql).fetchall()
        batches = 0
        while self._last[group.table] < total:
            size = self._size[group.table]
            with self._reading():
                began = time.monotonic()
                copied = self._batch(group)
                taken = time.monotonic() - began
            if not copied:
                break
            batches += 1
            factor = min(2.0, max(0.25, _HELD_S / max(taken, 1e-6)))
            self._size[group.table] = max(group.least, min(_MOST, int(size * factor)))
            if self.passes == 1:
                on_stage(group.stage, min(self._last[group.table], total), total)
        return batches

    def _batch(self, group: NumberedRows) -> int:
        """Copy the next rows with all their parts; return how many."""
        last, size = self._last[group.table], self._size[group.table]
        [(upto, count)] = self._connection.execute(
            f"SELECT max(number), count(*) FROM (SELECT {group.key} AS number "
            f"FROM source.{group.table} WHERE {group.key} > ? ORDER BY {group.key} LIMIT ?)",
            (last, size),
        ).fetchall()
        if not count:
            return 0
        if group.unique is not None:
            gone = self._connection.execute(
                f"SELECT t.{group.key} FROM source.{group.table} AS s JOIN main.{group.table} AS t "
                f"ON t.{group.unique} = s.{group.unique} WHERE s.{group.key} > ? AND "
                f"s.{group.key} <= ?",
                (last, upto),
            ).fetchall()
            self._delete(group, gone)
        for table, key in self._tables(group):
            self._connection.execute(
                f"INSERT INTO main.{table} SELECT * FROM source.{table} "
                f"WHERE {key} > ? AND {key} <= ?",
                (last, upto),
            )
        self._last[group.table] = upto
        return int(count)

    @staticmethod
    def _tables(group: NumberedRows) -> tuple[tuple[str, str], ...]:
        return ((group.table, group.key), *group.parts)

    def _note_numbers(self, group: NumberedRows) -> None:
        """Note which rows are in the source now."""
        identity = group.identity or "NULL"
        self._connection.execute(
            f"CREATE TEMP TABLE kept_{group.table} (number INTEGER PRIMARY KEY, identity)"
        )
        self._connection.execute(
            f"INSERT INTO temp.kept_{group.table} SELECT {group.key}, {identity} "
            f"FROM source.{group.table} INDEXED BY {group.index}"
        )

    def _take_away(self, group: NumberedRows) -> None:
        """Overwrite those rows of the copy that are not in the source any more."""
        kept, refers = (group.table, group.key) if group.owner is None else group.owner
        same = f"NOT EXISTS (SELECT 1 FROM temp.kept_{kept} AS k WHERE k.number = t.{refers}"
        same += f" AND k.identity = t.{group.identity})" if group.identity else ")"
        gone = self._connection.execute(
            f"SELECT t.{group.key} FROM main.{group.table} AS t INDEXED BY {group.index} "
            f"WHERE {same}"
        ).fetchall()
        self._delete(group, gone)

    def _delete(self, group: NumberedRows, numbers: Sequence[tuple[int]]) -> None:
        for table, key in self._tables(group):
            self._connection.executemany(f"DELETE FROM main.{table} WHERE {key} = ?", numbers)

    def _copy_missing(self, group: NumberedRows) -> None:
        """Copy rows whose number had another before it."""
        missing: list[tuple[Any, ...]] = self._connection.execute(
            f"SELECT number FROM temp.kept_{group.table} WHERE number <= ? EXCEPT "
            f"SELECT {group.key} FROM main.{group.table} INDEXED BY {group.index}",
            (self._last[group.table],),
        ).fetchall()
        for table, key in self._tables(group):
            self._connection.executemany(
                f"INSERT INTO main.{table} SELECT * FROM source.{table} WHERE {key} = ?", missing
            )
