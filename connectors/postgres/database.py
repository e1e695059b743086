"""A catalogue's rows in a schema of a PostgreSQL database.

Every change takes one lock at its start, that of the row that holds the revision: writers read
files and embed beside each other, and come one after another for the milliseconds of a commit. So
revisions are committed in their order, and whoever has seen one has seen all before it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import psycopg
from psycopg_pool import PoolTimeout

from rag_engine.connectors.postgres.connecting import (
    PooledConnection,
    PostgresStatements,
    connect,
    make_pool,
)
from rag_engine.connectors.postgres.dialect import POSTGRES
from rag_engine.connectors.postgres.failures import is_lost, server
from rag_engine.connectors.postgres.schema import IDENTITY, MIGRATIONS, SCHEMA_VERSION
from rag_engine.errors import StoreCorrupt, StoreError
from rag_engine.location import ServerAddress
from rag_engine.store.database import Database, Dialect, Statements
from rag_engine.store.failures import UNCHANGED, UNCONFIRMED
from rag_engine.store.forks import Home
from rag_engine.store.statements import Change, put_meta

__all__ = ["PostgresDatabase"]

T = TypeVar("T")

_READING = "reading the catalogue"
_CHANGING = "changing the catalogue"
_IDLE_S = 30
"""So long may a writer say nothing in the middle of a change; then the server ends it, and the
others go on. It does nothing but talk to the server there."""
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
    f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_S}s'; "
    "SELECT value FROM meta WHERE key = 'revision' FOR UPDATE"
)
_WHICH = "SELECT value FROM meta WHERE key = ?"
_ONE_MOMENT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _OfThread(threading.local):
    connection: PooledConnection | None = None
    """The one on which this thread sees one moment."""


class PostgresDatabase:
    """The schema of one knowledge base, by a pool of connections, see ``Database``.

    A read whose connection was lost is tried once more on a new one. Of a change it is said whether
    it may have happened.
    """

    dialect: Dialect = POSTGRES

    def __init__(self, address: ServerAddress, *, read_only: bool) -> None:
        self.name = str(address)
        self.read_only = read_only
        self._address = address
        self._home = Home(self.name)
        self._here = _OfThread()
        self._identity: list[tuple[Any, ...]] | None = None
        with server("opening the knowledge base", self.name):
            self._pool = make_pool(address)

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement that changes nothing."""
        if self._here.connection is not None:
            self._home.check()
            with server(_READING, self.name):
                return _rows(self._here.connection, sql, parameters)
        return self._tried_twice(_READING, lambda connection: _rows(connection, sql, parameters))

    def _tried_twice(self, doing: str, work: Callable[[PooledConnection], T]) -> T:
        """Do some work that may be done again, on a new connection where one was lost."""
        self._home.check()
        with server(doing, self.name):
            with self._taken() as connection:
                try:
                    return work(connection)
                except psycopg.Error as error:
                    if not is_lost(error, connection):
                        raise
            self._pool.check()  # after a restart of the server none of those that wait is alive
            with self._taken() as connection:
                return work(connection)

    @contextlib.contextmanager
    def _taken(self) -> Iterator[PooledConnection]:
        """Have a connection for oneself."""
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            # All are busy; or the server was away, and the pool has not tried again yet.
            with contextlib.closing(connect(self._address)) as connection:
                yield connection
            return
        try:
            yield connection
        finally:
            self._pool.putconn(connection)

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Let what this thread reads inside be of one revision."""
        if self._here.connection is not None:
            yield
            return
        with self._moment() as connection:
            self._here.connection = connection
            try:
                yield
            finally:
                self._here.connection = None

    @contextlib.contextmanager
    def _moment(self) -> Iterator[PooledConnection]:
        with contextlib.ExitStack() as stack:

            def begin(connection: PooledConnection) -> None:
                connection.execute(_ONE_MOMENT)

            connection = stack.enter_context(self._begun(begin))
            try:
                yield connection
            finally:
                with contextlib.suppress(psycopg.Error):
                    connection.execute("COMMIT")

    @contextlib.contextmanager
    def _begun(
        self, begin: Callable[[PooledConnection], None], doing: str = _READING
    ) -> Iterator[PooledConnection]:
        """Have a connection on which a transaction began; one that was lost before is replaced."""
        self._home.check()
        with contextlib.ExitStack() as stack:
            with server(doing, self.name, kept=UNCHANGED):
                connection = stack.enter_context(self._taken())
                try:
                    begin(connection)
                except psycopg.Error as error:
                    if not is_lost(error, connection):
                        with contextlib.suppress(psycopg.Error):
                            connection.rollback()
                        raise
                    stack.close()
                    self._pool.check()
                    connection = stack.enter_context(self._taken())
                    begin(connection)
            yield connection

    @contextlib.contextmanager
    def frozen(self) -> Iterator[Database]:
        """Give a database that sees what is there now; nobody waits for it."""
        with self._moment() as connection:
            yield _Frozen(self, connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Statements]:
        """Change something as a whole, after whoever is at it; durable when this ends."""
        if self.read_only:
            raise AssertionError("the catalogue was opened for reading")

        def begin(connection: PooledConnection) -> None:
            connection.execute(_BEGIN)

        with self._begun(begin, _CHANGING) as connection:
            try:
                with server(_CHANGING, self.name, kept=UNCHANGED):
                    self._check_identity(_rows(connection, _WHICH, (IDENTITY,)))
                    yield PostgresStatements(connection)
                with server(_CHANGING, self.name, kept=UNCONFIRMED):
                    connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(psycopg.Error):
                    connection.rollback()
                raise

    def check_in_place(self) -> None:
        """See that the schema was not dropped and made anew: it is asked for by its name."""
        self._check_identity(self.read(_WHICH, (IDENTITY,)))

    def _check_identity(self, found: list[tuple[Any, ...]]) -> None:
        if self._identity is not None and found != self._identity:
            raise StoreError(
                f"{self.name} was dropped and made anew by another process, and what is open here "
                "is the old one; open the knowledge base again"
            )

    def check_tables(self) -> None:
        """Refuse tables of another version; a writer brings older ones up to date."""
        version = self._version()
        if isinstance(version, int) and version in MIGRATIONS:
            if self.read_only:
                raise StoreError(
                    f"{self.name} was written by an older version of rag-engine; open it once for "
                    "writing, which brings it up to date: rag-engine compact --kb ADDRESS"
                )
            self._migrate()
            version = self._version()
        if version != SCHEMA_VERSION:
            raise StoreCorrupt(
                f"the tables of {self.name} have version {version!r}, this version of rag-engine "
                f"reads {SCHEMA_VERSION}; use the version that wrote them"
            )
        self._identity = self.read(_WHICH, (IDENTITY,))

    def _version(self) -> object:
        kept = self.read("SELECT value FROM meta WHERE key = 'schema'")
        version: object = json.loads(kept[0][0]) if kept else None
        return version

    def _migrate(self) -> None:
        with self.transaction() as statements:
            [(text,)] = statements.execute("SELECT value FROM meta WHERE key = 'schema'").fetchall()
            version = int(text)
            change = Change(statements, self.dialect, 0)
            while version in MIGRATIONS:
                statements.execute(MIGRATIONS[version])
                version += 1
                put_meta(statements, change.tally, "schema", version)
            change.tally.write(statements)

    def give_back_space(self) -> None:
        """Let the server use the room of deleted rows again, and count anew what it plans by."""

        def vacuum(connection: PooledConnection) -> None:
            connection.execute("SET statement_timeout = 0")  # it keeps nobody waiting
            try:
                for table in ("document", "field", "chunk", "token_vectors", "tombstone", "source"):
                    connection.execute(f"VACUUM (ANALYZE) {table}")
            finally:  # the connection goes back to the pool
                if not connection.closed:
                    connection.execute("RESET statement_timeout")

        self._tried_twice("giving back the space of what was deleted", vacuum)

    def size(self) -> int:
        """Return how many bytes the tables and their indexes take."""
        sql = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class AS c "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND c.relkind = 'r'"
        )
        return int(self.read(sql, (self._address.kb,))[0][0])

    def close(self) -> None:
        """Close all connections, but not in a fork: they are the parent's."""
        if self._home.is_here:
            self._pool.close()


class _Frozen:
    """The database as one connection sees it."""

    dialect: Dialect = POSTGRES
    read_only = True

    def __init__(self, database: PostgresDatabase, connection: PooledConnection) -> None:
        self.name = database.name
        self._database = database
        self._connection = connection

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement that changes nothing."""
        with server(_READING, self.name):
            return _rows(self._connection, sql, parameters)

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Do nothing: it always is of one."""
        return contextlib.nullcontext()

    def frozen(self) -> AbstractContextManager[Database]:
        """Give this one."""
        return contextlib.nullcontext(self)

    def transaction(self) -> AbstractContextManager[Statements]:
        """Refuse to change anything."""
        raise AssertionError("what is frozen does not change")

    def check_in_place(self) -> None:
        """Do nothing."""

    def check_tables(self) -> None:
        """Do nothing: the database did."""

    def give_back_space(self) -> None:
        """Refuse to change anything."""
        raise AssertionError("what is frozen does not change")

    def size(self) -> int:
        """Return how many bytes the tables and their indexes take."""
        return self._database.size()

    def close(self) -> None:
        """Do nothing: who gave it ends it."""


def _rows(
    connection: PooledConnection, sql: str, parameters: Sequence[object]
) -> list[tuple[Any, ...]]:
    return PostgresStatements(connection).execute(sql, parameters).fetchall()
