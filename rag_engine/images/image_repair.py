"""Verifies the pictures of a knowledge base, and saves what is intact of a damaged file of them.

As of a catalogue, nothing is mended where it lies: pictures whose vector and thumbnail are whole go
into a new file, and the damaged one is kept beside under a name of its own. The new one has another
``identity``, so that `rag-engine index` reads the files with pictures once more and brings those
that were lost; what is there costs it no embedding.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_engine.errors import StoreCorrupt
from rag_engine.images.document_image import IMAGE_KEY, image_of
from rag_engine.images.image_store import IMAGES, IMAGES_VERSION, ImageStore, StoredImage
from rag_engine.store.checksums import row_checksum
from rag_engine.store.failures import storage
from rag_engine.store.files import WriterLock, put_in_place, sync_folder
from rag_engine.store.raw_rows import rows_until_error
from rag_engine.store.recognised import CATALOGUE
from rag_engine.store.schema import SQLITE_ERRORS, connect

__all__ = ["ImagesCheck", "ImagesRepair", "WithoutPicture", "check_images", "repair_images"]

_SIDES = ("-journal", "-wal", "-shm")
"""What SQLite keeps beside a file: one that is left would be played into the next of its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutPicture:
    """A document that names a picture which is not there."""

    id: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesCheck:
    """What was found: ``count`` pictures, what is damaged, and which are missing, of whom."""

    count: int
    damage: tuple[str, ...]
    missing: tuple[WithoutPicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesRepair:
    """How many pictures are there now, and of which documents none is.

    ``damaged_file`` is where the damaged one is; None: it was not damaged.
    """

    saved: int
    damaged_file: Path | None
    missing: tuple[WithoutPicture, ...]


def check_images(root: Path, catalogue: sqlite3.Connection) -> ImagesCheck:
    """Verify the pictures, and that all which documents of ``catalogue`` name are there."""
    sql = (
        "SELECT d.id, d.source, f.value FROM field AS f JOIN document AS d ON d.number = f.document"
        " WHERE f.key = ? ORDER BY d.number"
    )
    named = [
        (WithoutPicture(id=name, source=source), digest)
        for name, source, value in catalogue.execute(sql, (IMAGE_KEY,))
        if (digest := image_of({IMAGE_KEY: value})) is not None
    ]
    if not (root / IMAGES).is_file():
        return ImagesCheck(count=0, damage=(), missing=tuple(one for one, _ in named))
    try:
        with contextlib.closing(ImageStore(root / IMAGES, read_only=True)) as store:
            damage = tuple(store.damage())
            absent = store.missing({digest for _, digest in named})
            return ImagesCheck(
                count=store.count(),
                damage=damage,
                missing=tuple(one for one, digest in named if digest in absent),
            )
    except StoreCorrupt as error:
        return ImagesCheck(count=0, damage=(str(error),), missing=())


def repair_images(root: Path) -> ImagesRepair:
    """Write a damaged file of pictures anew; let files be read again for those that are missing.

    Raises:
        StoreLocked: another process is writing to the knowledge base; nothing was changed.
        StoreCorrupt: a newer version of this package wrote the file; nothing was changed.
        StorageFailed: it can not be read, or not be written.
    """
    path = root / IMAGES
    lock = WriterLock(root / "writer.lock")
    try:
        beside = None if not path.is_file() or _is_whole(path) else _written_anew(path)
        with (
            storage("reading the catalogue", root / CATALOGUE),
            contextlib.closing(connect(root / CATALOGUE, read_only=True)) as catalogue,
        ):
            found = check_images(root, catalogue)
        return ImagesRepair(saved=found.count, damaged_file=beside, missing=found.missing)
    finally:
        lock.release()


def _is_whole(path: Path) -> bool:
    """Tell whether nothing that is there is damaged; then let files be read again."""
    try:
        with contextlib.closing(ImageStore(path, read_only=False)) as store:
            if store.damage():
                return False
            store.set_meta("identity", secrets.token_hex(8))
            return True
    except StoreCorrupt:
        return False


def _written_anew(path: Path) -> Path:
    """Put what is intact in the place of a damaged file; return where that is now."""
    new = path.with_name(f"{IMAGES}.repaired")
    for name in ("", *_SIDES):
        new.with_name(f"{new.name}{name}").unlink(missing_ok=True)
    saved = _saved(path, new)
    beside = _free_name(path)
    with storage("setting the damaged pictures aside", path):
        for name in _SIDES:  # first: a kill in between leaves none beside a new file
            side = path.with_name(f"{path.name}{name}")
            if side.exists():
                side.replace(beside.with_name(f"{beside.name}{name}"))
        if saved:
            put_in_place(new, path, keep=beside)
        else:
            path.replace(beside)
            sync_folder(path.parent)
    return beside


def _saved(path: Path, new: Path) -> bool:
    """Write the pictures that are intact to ``new``; False: not even their contract is."""
    doing = "reading the damaged pictures"
    try:
        with storage(doing, path), contextlib.closing(connect(path, read_only=True)) as damaged:
            contract = _contract(damaged)
    except StoreCorrupt:  # it is no database any more
        return False
    version = contract.pop("schema")
    if isinstance(version, int) and version > IMAGES_VERSION:
        raise StoreCorrupt(
            f"the pictures in {path} were written by a newer version of rag-engine (their schema "
            f"is {version}, this one reads {IMAGES_VERSION}); update rag-engine"
        )
    if not isinstance(contract.get("dimension"), int):
        return False
    with (
        storage(doing, path),
        contextlib.closing(connect(path, read_only=True)) as damaged,
        contextlib.closing(ImageStore.create(new, contract)) as store,
    ):
        store.add(_intact(damaged, int(str(contract["dimension"]))))
    return True


def _free_name(path: Path) -> Path:
    """Return a name that no file has: what was set aside before is never overwritten."""
    names = (f"{IMAGES}.damaged", *(f"{IMAGES}.damaged-{number}" for number in range(2, 1_000)))
    taken = {entry.name for entry in path.parent.iterdir()}
    return path.with_name(
        next(name for name in names if not any(f"{name}{side}" in taken for side in ("", *_SIDES)))
    )


def _contract(connection: sqlite3.Connection) -> dict[str, object]:
    """Return what the pictures were embedded with, and ``schema``, as far as both are intact."""
    meta: dict[str, object] = {}
    for key, value, checksum in rows_until_error(connection, "SELECT * FROM meta"):
        if row_checksum((key, value)) == checksum:
            meta[key] = json.loads(value)
    contract = meta.get("contract")
    known = contract if isinstance(contract, dict) else {}
    return {**known, "schema": meta.get("schema")}


def _intact(connection: sqlite3.Connection, dimension: int) -> Iterator[StoredImage]:
    """Yield the pictures whose vector and thumbnail are as they were written."""
    numbers: set[int] = set()
    for order in ("ASC", "DESC"):  # of a table with a damaged page, from both of its ends
        sql = f"SELECT number FROM image NOT INDEXED ORDER BY number {order}"
        numbers.update(number for (number,) in rows_until_error(connection, sql))
    seen: set[str] = set()
    for number in sorted(numbers):
        try:
            sql = "SELECT digest, vector, checksum FROM image WHERE number = ?"
            [(digest, vector, of_vector)] = connection.execute(sql, (number,)).fetchall()
            sql = "SELECT data, checksum FROM thumbnail WHERE number = ?"
            [(data, of_data)] = connection.execute(sql, (number,)).fetchall()
        except (*SQLITE_ERRORS, ValueError):
            continue
        whole = row_checksum((digest, vector)) == of_vector and len(vector) == 2 * dimension
        if whole and row_checksum((digest, data)) == of_data and digest not in seen:
            seen.add(digest)
            yield StoredImage(digest, np.frombuffer(vector, np.float16).astype(np.float32), data)
