"""Knowledge bases in a PostgreSQL database: made, found and opened by their address."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rag_engine.connectors.embedders.model_cache import cache_folder
from rag_engine.connectors.postgres.dialect import POSTGRES
from rag_engine.connectors.postgres.schema import IDENTITY, SCHEMA_VERSION, TABLES
from rag_engine.errors import MissingExtra, StoreCorrupt, StoreError, StoreNotFound
from rag_engine.location import ServerAddress
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.failures import storage
from rag_engine.store.files import make_folders
from rag_engine.store.place import OpenPlace
from rag_engine.store.publishing import CachedFiles
from rag_engine.store.statements import Change, put_meta

if TYPE_CHECKING:
    from rag_engine.connectors.postgres.connecting import PooledConnection
    from rag_engine.connectors.postgres.database import PostgresDatabase

__all__ = ["PostgresPlace"]

_FOLDER = "indexes"


class PostgresPlace:
    """A schema of a database, see ``Place``; index files lie in this machine's cache.

    Raises:
        MissingExtra: psycopg is not installed.
    """

    keeps_pictures = False

    def __init__(self, address: ServerAddress) -> None:
        try:
            from rag_engine.connectors.postgres import database  # noqa: F401 (to see that it is)
        except ImportError as error:
            raise MissingExtra("postgres", package=error.name or "psycopg") from error
        self.name = str(address)
        self._address = address

    @contextlib.contextmanager
    def _connected(self, doing: str) -> Iterator[PooledConnection]:
        from rag_engine.connectors.postgres.connecting import connect
        from rag_engine.connectors.postgres.failures import server

        with server(doing, self.name), contextlib.closing(connect(self._address)) as connection:
            yield connection

    def exists(self) -> bool:
        """Tell whether there is a knowledge base of the name."""
        with self._connected("opening the knowledge base") as connection:
            return self._is_there(connection)

    def _is_there(self, connection: PooledConnection) -> bool:
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = %s "
            "AND tablename IN ('meta', 'chunk', 'tombstone')",
            (self._address.kb,),
        ).fetchone()
        return row is not None and row[0] == 3

    def not_found(self) -> StoreNotFound:
        """Return the error that says that there is none, and how one is made."""
        return StoreNotFound(
            f"no knowledge base at {self.name}; make one with `rag-engine index FOLDER --kb "
            f"'{self.name}'` or KnowledgeBase.open({self.name!r})"
        )

    def create(self, meta: Mapping[str, object]) -> None:
        """Make an empty one; afterwards it is there whole, or not at all.

        Raises:
            StoreError: the schema holds something else, or the database is not in UTF-8.
        """
        with self._connected("making a knowledge base") as connection, connection.transaction():
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                (f"rag_engine {self._address.kb}",),
            )
            if not self._is_there(connection):  # else another process was quicker
                self._check_room(connection)
                self._make(connection, meta)

    def _check_room(self, connection: PooledConnection) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(
                f"the database of {self.name} is in {encoding}, which does not hold every language;"
                " use one that was made with ENCODING 'UTF8'"
            )
        others = connection.execute(
            "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s ORDER BY 1 LIMIT 1",
            (self._address.kb,),
        ).fetchone()
        if others is not None:
            raise StoreError(
                f"the schema of {self.name} holds other tables ({others[0]}, ...) and no knowledge "
                "base; name another one with ?kb=NAME"
            )

    def _make(self, connection: PooledConnection, meta: Mapping[str, object]) -> None:
        from rag_engine.connectors.postgres.connecting import PostgresStatements

        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._address.kb}"')
        connection.execute(TABLES)
        change = Change(PostgresStatements(connection), POSTGRES, 0)
        own = {"schema": SCHEMA_VERSION, "revision": 0, IDENTITY: uuid.uuid4().hex}
        for key, value in {**own, **meta}.items():
            put_meta(change.connection, change.tally, key, value)
        change.tally.write(change.connection)

    def open(self, *, read_only: bool) -> OpenPlace:
        """Open it; others may write to it at the same time."""
        catalogue = Catalogue(self._database(read_only=read_only))
        try:
            root = self._index_folder(catalogue)
        except BaseException:
            catalogue.close()
            raise
        return OpenPlace(catalogue=catalogue, root=root, publishing=CachedFiles(root))

    def open_reader(self) -> tuple[CatalogueReader, Path]:
        """Open the catalogue alone for reading."""
        if not self.exists():
            raise self.not_found()
        reader = CatalogueReader(self._database(read_only=True))
        try:
            return reader, self._index_folder(reader)
        except BaseException:
            reader.close()
            raise

    def _database(self, *, read_only: bool) -> PostgresDatabase:
        from rag_engine.connectors.postgres.database import PostgresDatabase

        return PostgresDatabase(self._address, read_only=read_only)

    def _index_folder(self, catalogue: CatalogueReader) -> Path:
        """Return the folder of this machine's cache in which the index files are."""
        identity = catalogue.meta(IDENTITY)
        if not isinstance(identity, str):
            raise StoreCorrupt(f"{self.name} is damaged: what it keeps as {IDENTITY!r} is missing")
        parts = (self._address.server_name, self._address.kb, identity)
        name = hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()[:16]
        folder = cache_folder() / _FOLDER / name
        with storage("making the folder of the index (RAG_ENGINE_CACHE moves it)", folder):
            make_folders(folder)
        return folder
