"""What psycopg raises becomes the engine's errors, here and nowhere else; none shows a password."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from rag_engine.errors import (
    InvalidDocument,
    RagEngineError,
    StorageFailed,
    StorageReason,
    StoreClosed,
    StoreCorrupt,
)
from rag_engine.store.failures import UNCHANGED

__all__ = ["is_lost", "server"]

_BY_STATE: tuple[tuple[str, StorageReason], ...] = (
    ("53100", "full"),
    ("53", "limit"),
    ("25006", "read-only"),
    ("42501", "permission"),
    ("28", "permission"),
    ("3D000", "gone"),
    ("55P03", "busy"),
    ("57014", "busy"),
    ("40", "busy"),
    ("25P", "busy"),
    ("08", "gone"),
    ("57P", "gone"),
)
"""By the beginning of SQLSTATE, the first that fits."""
_STEPS: dict[StorageReason, str] = {
    "full": "make room on the server's disk",
    "read-only": "this is a standby or a read-only role: write to the primary (a reader needs "
    "read_only=True, and no more)",
    "permission": "see that user and password are right and the role may use the database",
    "busy": "another writer held the knowledge base too long",
    "limit": "give the server more connections or memory (max_connections)",
    "gone": "see that the server runs and can be reached",
    "io": "look at the server's log",
}


def is_lost(error: BaseException, connection: psycopg.Connection | None) -> bool:
    """Tell whether an error is that the connection to the server is no more."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return connection is None or connection.broken or connection.closed


@contextlib.contextmanager
def server(doing: str, name: str, *, kept: str = UNCHANGED) -> Iterator[None]:
    """Do something with a server; ``name`` is how the knowledge base there is called.

    Raises:
        StorageFailed: the server would not; ``kept`` is what that leaves.
        StoreCorrupt: what was read is damaged.
        StoreClosed: the knowledge base was closed.
        InvalidDocument: a text is larger than a row can be.
    """
    try:
        yield
    except RagEngineError:
        raise
    except PoolClosed as error:
        raise StoreClosed(f"the knowledge base {name} was closed; open it again") from error
    except (PoolTimeout, TooManyRequests) as error:
        raise _failed(doing, name, str(error), "gone", kept) from None
    except psycopg.Error as error:
        raise _translated(error, doing, name, kept) from error


def _translated(error: psycopg.Error, doing: str, name: str, kept: str) -> RagEngineError:
    state = error.sqlstate or ""
    told = str(error).strip().split("\n")[0]
    if state.startswith("XX00"):
        return StoreCorrupt(f"{name}: the server says that it is damaged: {told}; {_STEPS['io']}")
    if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn | errors.InvalidSchemaName):
        return StoreCorrupt(
            f"{name} can not be read: {told}; the role may not use its schema (GRANT USAGE ON "
            "SCHEMA, and SELECT on its tables), or somebody dropped or changed its tables: then "
            "restore it from a backup of the database, or drop the schema and index anew"
        )
    if state.startswith("54"):
        return InvalidDocument(
            f"a document or its metadata are larger than a row of PostgreSQL can be ({told}); "
            "split it"
        )
    reason = next((reason for begin, reason in _BY_STATE if state.startswith(begin)), None)
    if reason is None:
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        reason = _of_connecting(told) if lost else "io"
    return _failed(doing, name, told, reason, kept)


def _of_connecting(told: str) -> StorageReason:
    """Return why no connection came about, which psycopg tells in words alone."""
    if "authentication failed" in told or "no password supplied" in told or "pg_hba" in told:
        return "permission"
    return "gone"


def _failed(doing: str, name: str, cause: str, reason: StorageReason, kept: str) -> StorageFailed:
    step = _STEPS[reason]
    if "permission denied for" in cause:
        step = (
            "grant it to the role: CREATE on the database to make a knowledge base, USAGE on its "
            "schema and rights on its tables to use one"
        )
    elif 'database "' in cause and "does not exist" in cause:
        step = "make the database, or see that its name in the address is right"
    return StorageFailed(doing, cause=f"{name}: {cause}", reason=reason, kept=kept, step=step)
