"""``rag-engine backup`` and ``restore``: a copy of a knowledge base that is one itself.

A backup holds the documents of one revision, whatever is written meanwhile, their pictures, and the
index that there is (see ``live_copy`` and ``index_copy``). It is made beside, under another name,
with its catalogue under another name too; once it is verified and durable it gets its own. Nobody
can take an unfinished one for a backup: what a kill leaves is no knowledge base, and the next
backup of the same name clears it away.

A restoration is the same the other way: the copy is verified before it gets its name.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_engine.errors import StorageFailed, StoreCorrupt, StoreError
from rag_engine.images.image_store import IMAGES
from rag_engine.store import digests
from rag_engine.store.check import Indexes, check_store
from rag_engine.store.copied_rows import (
    CATALOGUE_ROWS,
    CATALOGUE_WHOLE,
    IMAGE_ROWS,
    IMAGE_WHOLE,
)
from rag_engine.store.copying import unfinished_copy
from rag_engine.store.failures import caller_stage, storage
from rag_engine.store.files import sync_tree
from rag_engine.store.index_copy import MANIFEST, OpenIndex, open_index
from rag_engine.store.live_copy import LiveCopy
from rag_engine.store.new_folder import check_new, new_folder
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.recognised import CATALOGUE, find_catalogue, no_knowledge_base
from rag_engine.store.row_sets import check_set, read_set
from rag_engine.store.schema import check_schema, connect
from rag_engine.store.sqlite_dialect import SQLITE
from rag_engine.store.statements import read_meta

__all__ = ["BackupReport", "backup_store", "restore_store"]

_UNFINISHED = unfinished_copy(Path(CATALOGUE)).name
_OURS = frozenset({CATALOGUE, _UNFINISHED, IMAGES, MANIFEST, "generations"})
"""What an unfinished backup may hold."""
_MOMENTS = 1_000
"""So often it is tried to see catalogue, pictures and index of one moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What a copy of a knowledge base holds, and what of the original it does not.

    ``revision`` is the one that it is of, ``bytes`` what it takes on disk. ``index`` tells whether
    the index was copied, ``index_left_out`` why it was not, if there is one: it is then built anew
    on opening. ``longest_wait_s`` is the longest time, in seconds, that a writer had to wait.
    """

    folder: Path
    documents: int
    chunks: int
    images: int
    revision: int
    index: bool
    index_left_out: str | None
    bytes: int
    longest_wait_s: float


def backup_store(
    root: Path,
    target: Path,
    indexes: Indexes | None = None,
    *,
    with_index: bool = True,
    verified: bool = True,
    on_stage: OnStage = silent,
) -> BackupReport:
    """Copy the knowledge base ``root`` into the new folder ``target``, while others write to it.

    With ``indexes``, the index is opened when the copy is ``verified``. Not ``verified``, only the
    counts and sums over all rows are compared.

    Raises:
        StoreNotFound: there is no knowledge base.
        StoreCorrupt: it is damaged.
        StoreError: ``target`` exists, or an older version wrote the knowledge base.
        StoreLocked: another process is making the same backup.
        InvalidInput: ``target`` is inside of the knowledge base.
        StorageFailed: there is no room, or something can not be read or written.
    """
    kept = "the knowledge base is as it was, and nothing is left of the backup"
    said = _Words("backing up", kept, "no backup of it was made")
    return _copied(root, target, said, indexes, with_index, verified, on_stage)


def restore_store(
    backup: Path,
    target: Path,
    indexes: Indexes | None = None,
    *,
    with_index: bool = True,
    on_stage: OnStage = silent,
) -> BackupReport:
    """Copy a backup into the new folder ``target``, and verify all of it before it is there.

    Raises:
        StoreNotFound: ``backup`` is none.
        StoreCorrupt: it is damaged, or was written by a newer version of this package.
        StoreError: ``target`` exists: nothing is ever overwritten.
        InvalidInput: ``target`` is inside of the backup.
        StorageFailed: there is no room, or something can not be read or written.
    """
    kept = "the backup is as it was, and nothing was restored"
    said = _Words("restoring", kept, "nothing was restored; use another backup")
    return _copied(backup, target, said, indexes, with_index, True, on_stage)


@dataclass(frozen=True, slots=True)
class _Words:
    """How a copy is spoken of: what is done, what a failure leaves, what damage means."""

    doing: str
    kept: str
    damaged: str


def _copied(
    root: Path,
    target: Path,
    said: _Words,
    indexes: Indexes | None,
    with_index: bool,
    verified: bool,
    on_stage: OnStage,
) -> BackupReport:
    if find_catalogue(root) is None:
        raise no_knowledge_base(root)
    check_new(target, source=root)
    with (
        caller_stage(on_stage) as told,
        storage(said.doing, target, kept=said.kept),
        new_folder(target, ours=_OURS) as unfinished,
    ):
        copy = _Copy(root, unfinished, said, told)
        with ExitStack() as files:
            index = copy.copy_rows(files, with_index=with_index)
            if index is not None:
                copy.copy_index(index)
        copy.verify(indexes, rows=verified)
        size = sum(path.stat().st_size for path in unfinished.rglob("*") if path.is_file())
        sync_tree(unfinished)
        copy.catalogue.rename(unfinished / CATALOGUE)
    return BackupReport(
        folder=target,
        documents=copy.documents,
        chunks=copy.chunks,
        images=copy.images,
        revision=copy.revision,
        index=copy.index,
        index_left_out=copy.index_left_out,
        bytes=size,
        longest_wait_s=copy.longest_wait_s,
    )


class _Copy:
    """One copy while it is made."""

    def __init__(self, root: Path, unfinished: Path, said: _Words, on_stage: OnStage) -> None:
        self._root, self._unfinished, self._said = root, unfinished, said
        self._on_stage = on_stage
        self.catalogue = unfinished / _UNFINISHED
        self.documents = self.chunks = self.images = self.revision = 0
        self.index = False
        self.index_left_out: str | None = None
        self.longest_wait_s = 0.0

    def copy_rows(self, files: ExitStack, *, with_index: bool) -> OpenIndex | None:
        """Copy catalogue and pictures as they are at one moment; open the index of then.

        ``files`` closes what is opened.

        Raises:
            StoreError: another process wrote the catalogue anew, or an older version wrote it.
        """
        path = self._root / CATALOGUE
        with self._storage(path):
            with contextlib.closing(connect(path, read_only=True)) as connection:
                check_schema(connection, path)
            key = _file_key(path)
            rows = files.enter_context(
                LiveCopy(path, self.catalogue, CATALOGUE_ROWS, CATALOGUE_WHOLE)
            )
            pictures = self._copy_of_pictures(files)
            for one in (pictures, rows):
                if one is not None:
                    one.copy_most(self._on_stage)
            now = files.enter_context(contextlib.closing(connect(path, read_only=True)))
            for _ in range(_MOMENTS):
                with ExitStack() as moment:
                    connection = moment.enter_context(rows.moment())
                    if _file_key(path) != key:
                        raise StoreError(
                            f"{path} was written anew by another process meanwhile; do it again"
                        )
                    self.revision = _revision(connection, "source")
                    pictures = pictures or self._copy_of_pictures(files)
                    if pictures is not None:
                        moment.enter_context(pictures.moment())
                    index = self._open_index(files) if with_index else None
                    if _is_overtaken(connection, now, self.revision):
                        continue
                    for one in (rows, pictures):
                        if one is not None:
                            one.copy_rest()
                    break
            else:
                raise StoreError(f"{self._root} changes all the time; do it again")
            for one in (rows, pictures):
                if one is not None:
                    one.settle()
                    self.longest_wait_s = max(self.longest_wait_s, one.longest_s)
            return index

    @contextlib.contextmanager
    def _storage(self, path: Path) -> Iterator[None]:
        """Tell what fails of the original from the want of room for its copy."""
        with storage(self._said.doing, path, kept=self._said.kept):
            try:
                yield
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_FULL:
                    raise
                raise StorageFailed(
                    self._said.doing,
                    cause=f"{self._unfinished}: {error}",
                    reason="full",
                    kept=self._said.kept,
                ) from error

    def _copy_of_pictures(self, files: ExitStack) -> LiveCopy | None:
        path = self._root / IMAGES
        if not path.is_file():
            return None
        return files.enter_context(
            LiveCopy(path, self._unfinished / IMAGES, IMAGE_ROWS, IMAGE_WHOLE)
        )

    def _open_index(self, files: ExitStack) -> OpenIndex | None:
        try:
            return open_index(self._root, files)
        except StoreCorrupt as error:
            self.index_left_out = str(error).partition(";")[0]
            return None

    def copy_index(self, opened: OpenIndex) -> None:
        """Copy the index, if it is in its files, and as it was written."""
        if kind := opened.in_service:
            self.index_left_out = f"it lies in a service ({kind})"
            return
        try:
            opened.copy_to(self._unfinished, self._on_stage)
            self.index = True
        except StoreCorrupt as error:
            self._leave_index_out(str(error))

    def _leave_index_out(self, reason: str) -> None:
        """Remove the copy of the index: it is derived, and is built anew on opening."""
        (self._unfinished / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(self._unfinished / "generations", ignore_errors=True)
        self.index, self.index_left_out = False, reason.partition(";")[0]

    def verify(self, indexes: Indexes | None, *, rows: bool) -> None:
        """See that the copy is whole; an index that is not is left out.

        Raises:
            StoreCorrupt: it is not.
        """
        with contextlib.closing(connect(self.catalogue, read_only=True)) as connection:
            self._compare_sums(connection)
        if (self._unfinished / IMAGES).is_file():
            with contextlib.closing(connect(self._unfinished / IMAGES, read_only=True)) as pictures:
                [(self.images,)] = pictures.execute("SELECT count(*) FROM image").fetchall()
        if not rows:
            return
        report = check_store(
            self._unfinished, indexes, catalogue=self.catalogue.name, on_stage=self._on_stage
        )
        found = [problem for problem in report.problems if problem.source != "index"]
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            raise StoreCorrupt(
                f"{self._root} is damaged: {found[0].source}: "
                f"{found[0].reason.partition(';')[0]}{more}; {self._said.damaged}; "
                f"`rag-engine check --kb {self._root}` names all of it"
            )
        if report.problems:
            self._leave_index_out(report.problems[0].reason)

    def _compare_sums(self, connection: sqlite3.Connection) -> None:
        """Compare the documents and passages that are there with what was counted in the moment."""
        name = digests.DOCUMENT_IDS
        found = connection.execute(*read_set(name, SQLITE)).fetchall()
        check_set(name, found, digests.kept_digest(connection, name), self._root)
        self.documents = len(found)
        table = np.array(
            connection.execute("SELECT id, checksum FROM chunk").fetchall(), dtype=np.int64
        ).reshape(-1, 2)
        self.chunks = len(table)
        wanted = digests.kept_digest(connection, digests.CHUNKS)
        if digests.chunk_digest(table[:, 0], table[:, 1]) != wanted:
            raise StoreCorrupt(
                f"{self._root} is damaged: {len(table)} passages are there, {wanted.rows} were "
                f"written; {self._said.damaged}"
            )


def _file_key(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _revision(connection: sqlite3.Connection, schema: str) -> int:
    sql = f"SELECT key, value, checksum FROM {schema}.meta WHERE key = 'revision'"
    row = connection.execute(sql).fetchone()
    return 0 if row is None else int(read_meta(row))


def _is_overtaken(held: sqlite3.Connection, now: sqlite3.Connection, revision: int) -> bool:
    """Tell whether the catalogue went on, so that pictures or index may be of another moment.

    It does so beside a write-ahead log alone; else the lock keeps it, and to ask by another
    connection could be to wait for a writer that waits for this one.
    """
    if held.execute("PRAGMA source.journal_mode").fetchone() != ("wal",):
        return False
    return _revision(now, "main") != revision
