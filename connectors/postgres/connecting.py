"""Connections to the schema of one knowledge base: one that is opened once, and a pool of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.string import TextBinaryLoader, TextLoader
from psycopg_pool import ConnectionPool

from rag_engine.connectors.postgres.dialect import from_text, parameters_of, to_sql
from rag_engine.errors import InvalidInput
from rag_engine.location import ServerAddress

__all__ = ["PooledConnection", "PostgresStatements", "connect", "make_pool"]

PooledConnection = psycopg.Connection[tuple[Any, ...]]

_MOST_CONNECTIONS = 16
"""Of one process; searches that find none free wait for one."""
_CONNECT_S = 10
_WAIT_S = 5
"""Then a connection is opened beside the pool, or it is said why none can be."""
_STATEMENT_S = 600
"""Counting the chunks of some millions takes seconds."""
_LOCK_S = 90
"""Longer than a stopped writer is let hold the others up (see ``database``)."""

_sql = lru_cache(maxsize=1_024)(to_sql)


class _Text(TextLoader):
    def load(self, data: Any) -> str:
        return from_text(str(super().load(data)))


class _BinaryText(TextBinaryLoader):
    def load(self, data: Any) -> str:
        return from_text(str(super().load(data)))


class PostgresStatements:
    """Runs the catalogue's statements on a connection, see ``Statements``."""

    def __init__(self, connection: PooledConnection) -> None:
        self.connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        """Run a statement; what it gives crosses in its binary form, half as many bytes."""
        cursor = self.connection.cursor(binary=True)
        return cursor.execute(_sql(sql), parameters_of(parameters))

    def executemany(self, sql: str, parameters: Any, /) -> None:
        """Run a statement for each tuple of parameters, sent together."""
        rows = [parameters_of(row) for row in parameters]
        self.connection.cursor().executemany(_sql(sql), rows)


def _arguments(address: ServerAddress) -> dict[str, Any]:
    try:
        arguments = conninfo_to_dict(address.server)
    except psycopg.Error:  # what it says may show a password
        raise InvalidInput(
            f"the address {address} can not be read; its parameters are those of PostgreSQL's "
            "client (libpq), and kb"
        ) from None
    options = [
        str(arguments.get("options") or ""),
        f'-csearch_path="{address.kb}"',
        f"-cstatement_timeout={_STATEMENT_S}s",
        f"-clock_timeout={_LOCK_S}s",
    ]
    return {
        "connect_timeout": _CONNECT_S,
        "application_name": "rag_engine",
        **arguments,
        "client_encoding": "UTF8",
        "options": " ".join(filter(None, options)),
    }


def _configure(connection: PooledConnection) -> None:
    connection.adapters.register_loader("text", _Text)
    connection.adapters.register_loader("text", _BinaryText)
    # What is acknowledged is durable, whatever the server does by default.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') = 'off'"
    )


def connect(address: ServerAddress) -> PooledConnection:
    """Open one connection; it commits each statement by itself.

    Raises:
        InvalidInput: the address can not be read.
        psycopg.Error: nobody answers there, or lets this user in.
    """
    connection = psycopg.connect(autocommit=True, **_arguments(address))
    try:
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def make_pool(address: ServerAddress) -> ConnectionPool[PooledConnection]:
    """Return an open pool of such connections."""
    return ConnectionPool(
        "",
        kwargs={"autocommit": True, **_arguments(address)},
        min_size=1,
        max_size=_MOST_CONNECTIONS,
        timeout=_WAIT_S,
        reconnect_timeout=1,  # a later call tries again, at once
        max_idle=300,
        configure=_configure,
        name=f"rag_engine {address.kb}",
        open=True,
    )
