"""The way to a Milvus server, or to Milvus Lite's file: time-outs, retries, typed errors.

The token goes to the server and nowhere else: not into an address, a log line, an error's message
or a ``repr``.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rag_engine.connectors.retries import Retries
from rag_engine.connectors.trusted_servers import check_server
from rag_engine.errors import (
    MissingExtra,
    ServiceError,
    ServiceMalformed,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
    SettingsError,
)
from rag_engine.settings import MilvusSettings

__all__ = ["CollectionMissing", "MilvusService"]

T = TypeVar("T")

_MISSING, _LIMITED = 100, frozenset({8, 9, 49})
"""Milvus's codes: no such collection; too many requests, or writing denied for now."""
_TRIES, _BACKOFF_S = 4, 0.5
_IN_THE_LOG = 2_000
_POLLED_S = 0.2
_SHOWN = 300
_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")

_log = logging.getLogger(__name__)


class CollectionMissing(ServiceRefused):
    """The server has no such collection."""


class MilvusService:
    """One server and one database of it. Safe to share between threads; connects when first asked.

    A call is made up to four times more where that may help (no connection, too many requests),
    after half a second, doubled each time. It may take ``timeout_s`` seconds.

    Raises:
        MissingExtra: pymilvus, or for a file milvus-lite, is not installed.
        SettingsError: an address that is none or that holds a password, a prefix that no
            collection's name can begin with.
    """

    def __init__(self, settings: MilvusSettings) -> None:
        try:
            import pymilvus
        except ImportError as error:
            raise MissingExtra("milvus", package="pymilvus") from error
        # It logs a traceback of every error, also of those that are handled or typed here.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self._pymilvus = pymilvus
        self._settings = settings
        self._retries = Retries(max_retries=_TRIES, backoff_s=_BACKOFF_S)
        self._known: Any = None
        self.uri = _checked_uri(settings.uri)
        if not _PREFIX.fullmatch(settings.prefix):
            raise SettingsError(
                "milvus.prefix is a letter or '_', then letters, digits and '_', at most 100; got "
                f"{settings.prefix!r:.120}"
            )

    def __repr__(self) -> str:
        return f"MilvusService({self.uri!r})"

    @property
    def prefix(self) -> str:
        """What the names of this project's collections begin with."""
        return self._settings.prefix

    @property
    def batch_bytes(self) -> int:
        """How much is sent at a time."""
        return self._settings.batch_mb * 2**20

    def create(self, name: str, add_fields: Callable[[Any, Any], None]) -> None:
        """Make an empty collection; ``add_fields`` gets its schema and pymilvus's data types."""

        def make(client: Any) -> None:
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", self._pymilvus.DataType.INT64, is_primary=True)
            add_fields(schema, self._pymilvus.DataType)
            client.create_collection(name, schema=schema, timeout=self._settings.timeout_s)

        self._ask(make)

    def upsert(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows; one whose id is there takes its place, so that a repeated call is harmless.

        In a database that is still empty this costs no more than an insertion.
        """
        self._ask(lambda client: client.upsert(name, list(rows), timeout=self._settings.timeout_s))

    def finish(
        self,
        name: str,
        indexes: Mapping[str, Mapping[str, object]],
        *,
        rows: int,
        patience_s: float,
    ) -> None:
        """Index fields of a collection of so many rows, and load it to be searched.

        A few rows are left in a server's log, where they are durable too, and compared one by
        one: writing them to files would take seconds. A file's log is durable only when closed.
        """

        def index_and_load(client: Any) -> None:
            if rows > _IN_THE_LOG or self.uri.endswith(".db"):
                client.flush(name, timeout=patience_s)
            parameters = client.prepare_index_params()
            there = client.list_indexes(name)
            for field, index in indexes.items():
                if field not in there:
                    parameters.add_index(field, index_name=field, **index)
            if len(parameters):
                client.create_index(name, parameters, timeout=patience_s)
            self._wait_for_indexes(client, name, indexes, patience_s)
            client.load_collection(name, timeout=patience_s)

        self._ask(index_and_load)

    def _wait_for_indexes(
        self, client: Any, name: str, fields: Iterable[str], patience_s: float
    ) -> None:
        until = time.monotonic() + patience_s
        for field in fields:
            while client.describe_index(name, field).get("pending_index_rows", 0):
                if time.monotonic() > until:
                    raise ServiceTimeout(
                        f"Milvus at {self.uri}: the field {field} of {name} is not indexed after "
                        f"{patience_s:.0f} s; the same command goes on from there"
                    )
                time.sleep(_POLLED_S)

    def load(self, name: str) -> None:
        """Load a collection, if it is not loaded, so that it can be searched."""
        self._ask(lambda client: client.load_collection(name, timeout=self._settings.timeout_s))

    def count(self, name: str) -> int:
        """Count a collection's rows, everything that was written before included."""
        rows = self._ask(
            lambda client: client.query(
                name,
                filter="",
                output_fields=["count(*)"],
                consistency_level="Strong",
                timeout=self._settings.timeout_s,
            )
        )
        return int(rows[0]["count(*)"])

    def version(self) -> tuple[int, int]:
        """Return the server's version, of which 2.5 is ``(2, 5)``; Milvus Lite 3 counts as 2.5."""
        answer = str(self._ask(lambda client: client.get_server_version()))
        numbers = re.search(r"(\d+)\.(\d+)", answer)
        if numbers is None:
            raise ServiceMalformed(f"Milvus at {self.uri} has the version {answer!r:.80}")
        version = (int(numbers[1]), int(numbers[2]))
        return (2, 5) if "lite-3" in answer else version

    def some(self, name: str, expression: str) -> bool:
        """Tell whether any row fulfils an expression."""
        rows = self._ask(
            lambda client: client.query(
                name,
                filter=expression,
                output_fields=["id"],
                limit=1,
                consistency_level="Strong",
                timeout=self._settings.timeout_s,
            )
        )
        return len(rows) > 0

    def vectors(self, name: str, ids: Sequence[int]) -> dict[int, list[float]]:
        """Return the vectors of those of ``ids`` that are there."""
        rows = self._ask(
            lambda client: client.query(
                name,
                filter=f"id in {[int(identifier) for identifier in ids]}",
                output_fields=["id", "vector"],
                consistency_level="Strong",
                timeout=self._settings.timeout_s,
            )
        )
        return {int(row["id"]): row["vector"] for row in rows}

    def search(
        self,
        name: str,
        field: str,
        queries: Sequence[Any],
        k: int,
        *,
        parameters: Mapping[str, object],
        expression: str = "",
    ) -> list[list[tuple[int, float]]]:
        """Return ids and scores of the ``k`` best rows of each query, best first, or fewer.

        Collections are searched after they were filled and never change: whatever the server's
        consistency level is, all searches see the same, and they ask for the quickest.
        """
        results = self._ask(
            lambda client: client.search(
                name,
                data=list(queries),
                anns_field=field,
                limit=k,
                filter=expression,
                output_fields=["id"],
                search_params=dict(parameters),
                consistency_level="Eventually",
                timeout=self._settings.timeout_s,
            )
        )
        return [[(int(hit["id"]), float(hit["distance"])) for hit in hits] for hits in results]

    def drop(self, name: str) -> None:
        """Drop a collection, if it is there."""
        try:
            self._ask(lambda client: client.drop_collection(name, timeout=self._settings.timeout_s))
        except CollectionMissing:
            _log.debug("the collection %s was gone already", name)

    def close(self) -> None:
        """Close the connection; it opens again when something is asked."""
        client, self._known = self._known, None
        if client is not None:
            client.close()

    def _client(self) -> Any:
        if self._known is None:
            settings = self._settings
            if settings.from_store and "://" in self.uri:
                check_server(self.uri)
            secure = {"server_pem_path": settings.ca_file} if settings.ca_file else {}
            self._known = self._pymilvus.MilvusClient(
                uri=self.uri,
                token=os.environ.get(settings.token_env, ""),
                db_name=settings.database,
                timeout=settings.timeout_s,
                **secure,
            )
        return self._known

    def _ask(self, what: Callable[[Any], T]) -> T:
        def once() -> T:
            try:
                return what(self._client())
            except self._pymilvus.MilvusException as error:
                raise self._as_service_error(error) from error
            except ImportError as error:  # a file, without milvus-lite
                raise MissingExtra("milvus", package="milvus_lite") from error

        return self._retries.run(once)

    def _as_service_error(self, error: Any) -> ServiceError:
        reason = str(error.message)[:_SHOWN]
        message = f"Milvus at {self.uri}: {reason} (code {error.code})"
        if error.code == _MISSING:
            return CollectionMissing(message, status=404)
        if error.code in _LIMITED:
            return ServiceRefused(message, status=429)
        lowered = reason.lower()
        if "timeout" in lowered or "deadline" in lowered:
            return ServiceTimeout(message)
        if any(word in lowered for word in ("connect", "unavailable", "server not ready")):
            return ServiceUnreachable(message)
        return ServiceRefused(message, status=400)


def _checked_uri(uri: str) -> str:
    """Return an address: ``http(s)://host:port``, or the path of a file that ends in ``.db``."""
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https"} and parts.hostname:
        if parts.username or parts.password or parts.query:
            raise SettingsError(
                "milvus.uri holds a name, a password or a query; give http(s)://host:port, and the "
                "token in the environment variable that milvus.token_env names"
            )
        return uri
    if uri.endswith(".db") and "://" not in uri:
        return uri
    raise SettingsError(
        "milvus.uri is http(s)://host:port of a server, or the path of a file for Milvus Lite that "
        f"ends in '.db'; got {uri!r:.120}"
    )
