"""``rag-engine check``: verifies all that a knowledge base holds, and says what can be repaired.

It changes nothing, needs no model, reads what can not be opened, and goes on after what it finds.
Beside a writer it works too: it reads in short transactions, a document at a time.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rag_engine.errors import StoreCorrupt, StoreError, StoreNotFound
from rag_engine.images.image_repair import WithoutPicture, check_images
from rag_engine.images.image_store import IMAGES
from rag_engine.ports import DenseIndexFactory, LexicalIndexFactory
from rag_engine.records import Problem
from rag_engine.store import digests
from rag_engine.store.check_index import IndexCheck
from rag_engine.store.progress import OnStage, counted, silent
from rag_engine.store.raw_rows import (
    RawDocument,
    document_numbers,
    name_of,
    read_raw,
    rows_until_error,
)
from rag_engine.store.recognised import CATALOGUE
from rag_engine.store.row_sets import check_set, read_set
from rag_engine.store.schema import (
    SQLITE_ERRORS,
    changed_definitions,
    check_header,
    check_schema,
    connect,
    is_damage,
)
from rag_engine.store.sqlite_dialect import SQLITE
from rag_engine.store.statements import read_meta

__all__ = [
    "REBUILD",
    "REPAIR",
    "CheckReport",
    "DamagedDocument",
    "Indexes",
    "check_store",
    "read_all_meta",
    "sets_to_check",
    "vector_fault",
]

REPAIR = "rag-engine check --repair"
REBUILD = "rag-engine compact"
"""The commands that mend what is found."""

Indexes = Callable[[Mapping[str, object]], tuple[DenseIndexFactory, LexicalIndexFactory] | None]
"""Gives what loads the indexes, for the settings that a knowledge base keeps; None: not here."""

_UNIT = 0.01
"""So far from 1 may the length of a vector be: float16 moves it by a thousandth."""
_PAGES_SHOWN = 20
_PICTURES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedDocument:
    """A document that is damaged; ``id`` and ``source`` are empty where they can not be read."""

    number: int
    id: str
    source: str
    reason: str


@dataclass(slots=True)
class CheckReport:
    """What a check verified and found; ``problems`` is empty where all is as it was written.

    ``repairs`` are commands that mend what was found; where something was found and there is none,
    only a backup helps, or indexing the documents into a new knowledge base. ``without_picture``
    are documents whose pictures are not there.
    """

    documents: int = 0
    chunks: int = 0
    token_vectors: int = 0
    index_files: int = 0
    images: int = 0
    problems: list[Problem] = field(default_factory=list)
    damaged: list[DamagedDocument] = field(default_factory=list)
    without_picture: tuple[WithoutPicture, ...] = ()
    repairs: list[str] = field(default_factory=list)

    def note(self, source: str, reason: str, repair: str | None = None) -> None:
        """Add a problem, and the command that mends it."""
        self.problems.append(Problem(source=source, reason=reason))
        if repair is not None and repair not in self.repairs:
            self.repairs.append(repair)


def check_store(
    root: Path,
    indexes: Indexes | None = None,
    *,
    catalogue: str = CATALOGUE,
    on_stage: OnStage = silent,
) -> CheckReport:
    """Verify a knowledge base; it is read only.

    ``catalogue`` is the file's name where it has another one: of a copy that is not finished.

    Raises:
        StoreNotFound: there is none.
        StoreError: the machine failed to read it, or an older version wrote it.
    """
    path = root / catalogue
    if not path.is_file():
        raise StoreNotFound(f"no knowledge base at {root}: there is no {catalogue} in it")
    report = CheckReport()
    try:
        connection = connect(path, read_only=True)
        with contextlib.closing(connection):
            check_schema(connection, path)
            _check_header(path, report)
            _check_catalogue(root, connection, report, indexes, on_stage)
            _check_images(root, connection, report)
    except StoreCorrupt as error:
        report.note(CATALOGUE, str(error))
    except SQLITE_ERRORS as error:
        if is_damage(error):
            report.note(CATALOGUE, f"it can not be read: {error}")
            return report
        raise StoreError(f"the catalogue {path} can not be read now: {error}") from error
    return report


def _check_images(root: Path, connection: sqlite3.Connection, report: CheckReport) -> None:
    """Verify the pictures; a repair lets files be read again for those that are missing."""
    found = check_images(root, connection)
    report.images, report.without_picture = found.count, found.missing
    for reason in found.damage:
        report.note(IMAGES, reason, REPAIR)
    if found.missing:
        names = [repr(one.id) for one in found.missing[:_PICTURES_SHOWN]]
        more = len(found.missing) - len(names)
        told = ", ".join(names) + (f" and {more:,} more" if more > 0 else "")
        report.note(
            IMAGES, f"pictures of {len(found.missing):,} documents are missing: {told}", REPAIR
        )


def _check_header(path: Path, report: CheckReport) -> None:
    try:
        check_header(path)
    except StoreCorrupt as error:
        report.note(CATALOGUE, str(error))


def _check_catalogue(
    root: Path,
    connection: sqlite3.Connection,
    report: CheckReport,
    indexes: Indexes | None,
    on_stage: OnStage,
) -> None:
    _check_pages(connection, report, on_stage)
    _check_sets(root, connection, report, on_stage)
    meta = read_all_meta(connection)
    for key in ("settings", "contract", "revision", "schema"):
        if key not in meta:
            report.note(CATALOGUE, f"what it keeps as {key!r} is missing or unreadable")
    contract = meta.get("contract")
    dimension = contract.get("embedder.dimension") if isinstance(contract, dict) else None
    settings = meta.get("settings")
    index = IndexCheck(root)
    for raw in _sound_documents(connection, report, on_stage):
        report.documents += 1
        report.chunks += len(raw.chunks)
        report.token_vectors += sum(bool(chunk.tokens) for chunk in raw.chunks)
        for chunk in raw.chunks:
            if reason := vector_fault(chunk.vector, dimension):
                report.note(_named(raw.document.id), f"the vector of chunk {chunk.id} {reason}")
            index.compare(chunk)
    factories = None
    if indexes is not None and isinstance(settings, dict):
        factories = indexes(settings)
    report.index_files = index.files

    def deleted_after(revision: int) -> list[int]:
        sql = "SELECT chunk FROM tombstone WHERE revision > ?"
        return [chunk for (chunk,) in rows_until_error(connection, sql, (revision,))]

    for reason in index.finish(deleted_after, factories, on_stage):
        report.note("index", reason, REBUILD)
    of_catalogue = any(problem.source != "index" for problem in report.problems)
    if of_catalogue and all(key in meta for key in ("settings", "contract", "revision")):
        report.repairs[:] = [REPAIR]  # which builds the index anew as well


def _check_pages(connection: sqlite3.Connection, report: CheckReport, on_stage: OnStage) -> None:
    """Let SQLite look at its pages, and compare its indexes with its tables."""
    try:
        for name in changed_definitions(connection):
            report.note(CATALOGUE, f"{name} is not defined as this version defines it")
    except SQLITE_ERRORS as error:
        report.note(CATALOGUE, str(error))
    tables = [
        name
        for (name,) in rows_until_error(
            connection, "SELECT name FROM sqlite_schema WHERE type = 'table'"
        )
    ]
    # Table by table, so that a writer never waits long.
    for table in counted(tables, "checking pages", len(tables), on_stage):
        try:
            found = connection.execute(f"PRAGMA integrity_check({table})").fetchall()
        except SQLITE_ERRORS as error:
            report.note(CATALOGUE, f"table {table}: {error}")
            continue
        lines = [line for (text,) in found for line in str(text).splitlines() if text != "ok"]
        for line in lines[:_PAGES_SHOWN]:
            report.note(CATALOGUE, f"table {table}: {line.strip()}")
    try:
        # Page by page: what belongs to no table, and the file's header.
        for (text,) in connection.execute("PRAGMA quick_check(1)").fetchall():
            if text != "ok":
                report.note(CATALOGUE, str(text).strip())
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    except SQLITE_ERRORS as error:
        report.note(CATALOGUE, str(error))
        return
    for table, row, parent, _ in orphans[:_PAGES_SHOWN]:
        report.note(CATALOGUE, f"row {row} of {table} belongs to no {parent}")


def sets_to_check(names: Iterable[object], keys: Iterable[object]) -> list[str]:
    """Return all sets of rows of a catalogue that has some digests, and fields of some keys."""
    fields = {digests.field_set(str(key)) for key in keys}
    fields.update(str(name) for name in names if str(name).startswith(digests.field_set("")))
    return [
        digests.DIGESTS,
        digests.META,
        digests.SOURCES,
        digests.DOCUMENTS,
        digests.DOCUMENT_IDS,
        digests.CHUNK_PLACES,
        digests.TOMBSTONES,
        digests.SEQUENCES,
        *sorted(fields),
        digests.CHUNKS,
    ]


def _check_sets(
    root: Path, connection: sqlite3.Connection, report: CheckReport, on_stage: OnStage
) -> None:
    """Compare every set of rows with what was counted when it was written."""
    names = [name for (name,) in rows_until_error(connection, "SELECT name FROM digest")]
    keys = [key for (key,) in rows_until_error(connection, "SELECT DISTINCT key FROM field")]
    wanted = sets_to_check(names, keys)
    for name in counted(wanted, "checking sets of rows", len(wanted), on_stage):
        try:
            with _one_moment(connection):
                digest = digests.kept_digest(connection, name)
                if name == digests.CHUNKS:
                    _check_chunk_set(connection, digest)
                    continue
                check_set(
                    name, connection.execute(*read_set(name, SQLITE)).fetchall(), digest, root
                )
        except (*SQLITE_ERRORS, StoreCorrupt, TypeError, ValueError) as error:
            text = str(error).partition(";")[0]
            report.note(CATALOGUE, f"{name!r}: {text}")


def _check_chunk_set(connection: sqlite3.Connection, kept: digests.Digest) -> None:
    found = connection.execute("SELECT id, checksum FROM chunk NOT INDEXED").fetchall()
    table = np.array(found, dtype=np.int64).reshape(-1, 2)
    if digests.chunk_digest(table[:, 0], table[:, 1]) != kept:
        raise StoreCorrupt(f"{len(found)} passages are there, {kept.rows} were written")


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("COMMIT")


def read_all_meta(connection: sqlite3.Connection) -> dict[str, object]:
    """Return the plain data that a catalogue keeps, as far as it is intact."""
    meta: dict[str, object] = {}
    for row in rows_until_error(connection, "SELECT key, value, checksum FROM meta"):
        with contextlib.suppress(StoreCorrupt, ValueError):
            meta[row[0]] = json.loads(read_meta(row))
    return meta


def _sound_documents(
    connection: sqlite3.Connection, report: CheckReport, on_stage: OnStage
) -> Iterator[RawDocument]:
    """Yield what is intact, and note what is not."""
    numbers = document_numbers(connection)
    for number in counted(numbers, "checking documents", len(numbers), on_stage):
        try:
            with _one_moment(connection):
                raw = read_raw(connection, number)
        except StoreCorrupt as error:
            identifier, source = name_of(connection, number)
            if not identifier and not _is_there(connection, number):
                continue  # it was deleted while this was reading
            report.damaged.append(
                DamagedDocument(number=number, id=identifier, source=source, reason=str(error))
            )
            report.note(
                _named(identifier) if identifier else f"document number {number}", str(error)
            )
        else:
            yield raw


def _is_there(connection: sqlite3.Connection, number: int) -> bool:
    for table in ("chunk", "field"):
        sql = f"SELECT 1 FROM {table} WHERE document = ? LIMIT 1"
        try:
            if connection.execute(sql, (number,)).fetchone():
                return True
        except SQLITE_ERRORS:
            return True
    return False


def _named(identifier: str) -> str:
    return f"document {identifier!r}"


def vector_fault(data: bytes, dimension: object) -> str | None:
    """Tell what is wrong with a vector as it is kept, if anything is.

    >>> vector_fault(np.array([0.6, 0.8], np.float16).tobytes(), 2)
    >>> vector_fault(np.array([0.6, np.nan], np.float16).tobytes(), 2)
    'is not finite'
    """
    vector = np.frombuffer(data, dtype=np.float16).astype(np.float32)
    if dimension is not None and len(vector) != dimension:  # None: it is lost, which is told
        return f"has {len(vector)} numbers, not {dimension}"
    if not np.isfinite(vector).all():
        return "is not finite"
    length = float(np.linalg.norm(vector))
    return None if abs(length - 1) < _UNIT else f"is {length:.3f} long, not 1"
