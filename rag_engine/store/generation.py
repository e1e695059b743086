"""A generation: a segment on disk, published whole or not at all.

All files of a generation lie in one folder and never change. ``manifest.json`` of the knowledge
base names the current one, the revision of the catalogue that it was made from, what it was built
with, and the size and SHA-256 of every file. The manifest is put in place by one atomic rename
after everything else is durable, so that a reader finds the old generation or the new one, whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.calibration.calibration import Calibration
from rag_engine.calibration.language_clusters import LanguageClusters
from rag_engine.calibration.twins import Twins
from rag_engine.errors import StoreCorrupt
from rag_engine.ports import DenseIndexFactory, LexicalIndexFactory
from rag_engine.store.digests import Digest
from rag_engine.store.files import (
    file_digest,
    json_beside,
    put_in_place,
    read_json,
    save_array,
    sync_folder,
    sync_tree,
)
from rag_engine.store.forward_index import ForwardIndex
from rag_engine.store.segment import PassageVectors, Segment
from rag_engine.store.sparse_index import SparseIndex

__all__ = [
    "FORMAT",
    "Generation",
    "Manifest",
    "check_files",
    "load",
    "publish",
    "read_manifest",
]

FORMAT = 5
"""The layout of a generation's files; one that is neither this nor ``_READ`` is refused."""

_READ = {4}
"""Layouts of earlier versions that are read: 4 keeps a hash a term, not a code."""

_MANIFEST = "manifest.json"
_NEXT_STEP = "a writer builds the index anew: `rag-engine compact --kb DIR`"
_FOLDER = "generations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the manifest of a knowledge base says of its current generation."""

    number: int
    revision: int
    chunks: int
    dense: str
    lexical: str
    calibration: str
    languages: tuple[str, ...]
    catalogue: Digest | None
    """That of the chunks which the catalogue held; None where an older version wrote it."""
    files: dict[str, dict[str, Any]]

    @property
    def folder(self) -> str:
        """The generation's folder, relative to the knowledge base."""
        return f"{_FOLDER}/{self.number:08d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A searchable segment, what was estimated from it, and its revision.

    ``catalogue`` is the digest of the chunks that it was built from.
    """

    revision: int
    catalogue: Digest
    segment: Segment
    calibration: Calibration
    twins: Twins


def read_manifest(root: Path) -> Manifest | None:
    """Read the manifest of a knowledge base; None if no generation was ever published.

    Raises:
        StoreCorrupt: the manifest is damaged, or of a format that this version does not read.
    """
    path = root / _MANIFEST
    if not path.exists():
        return None
    data = read_json(path)
    if data.get("format") not in {FORMAT, *_READ}:
        raise StoreCorrupt(
            f"{path} has format {data.get('format')!r}, this version reads {FORMAT}; rebuild the "
            "index with `rag-engine compact`, or use the version of rag-engine that wrote it"
        )
    written = data.pop("sha256", None)
    if written != _sha256(data) and not (written is None and "catalogue" not in data):
        raise StoreCorrupt(f"{path} is damaged: it is not what was written; {_NEXT_STEP}")
    try:
        return Manifest(
            number=int(data["number"]),
            revision=int(data["revision"]),
            chunks=int(data["chunks"]),
            dense=str(data["dense"]),
            lexical=str(data["lexical"]),
            calibration=str(data["calibration"]),
            languages=tuple(data["languages"]),
            catalogue=Digest(*map(int, data["catalogue"])) if "catalogue" in data else None,
            files=dict(data["files"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreCorrupt(f"{path} is damaged: {error!r}") from error


def _told(manifest: Manifest) -> dict[str, Any]:
    """Return what is written of a manifest, with the SHA-256 of all the rest."""
    told = {"format": FORMAT, **asdict(manifest), "languages": list(manifest.languages)}
    del told["catalogue"]
    if manifest.catalogue is not None:
        told["catalogue"] = [manifest.catalogue.rows, manifest.catalogue.sum]
    return {**told, "sha256": _sha256(told)}


def _sha256(told: dict[str, Any]) -> str:
    """Return the SHA-256 of what a manifest tells, however it is laid out."""
    text = json.dumps(told, sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def publish(
    root: Path, generation: Generation, dense: DenseIndexFactory, lexical: LexicalIndexFactory
) -> Manifest:
    """Write a generation and make it the current one; remove the others.

    After an error the one before is current; if the very last step failed, it may be either after a
    crash that follows. Both are whole.
    """
    home = root / _FOLDER
    home.mkdir(exist_ok=True)
    number = 1 + max((int(path.name) for path in home.iterdir() if path.name.isdigit()), default=0)
    folder, beside = home / f"{number:08d}", home / f"{number:08d}.new"
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        _write(beside, generation)
        sync_tree(beside)
        beside.rename(folder)
        sync_folder(home)
        sync_folder(root)
        manifest = _manifest_of(folder, number, generation, dense, lexical)
        written = json_beside(root / _MANIFEST, _told(manifest))
    except BaseException:
        # What nobody reads yet must not take the room that others may be waiting for.
        for unread in (beside, folder):
            shutil.rmtree(unread, ignore_errors=True)
        with contextlib.suppress(OSError):  # empty, its own name may not be durable
            home.rmdir()
        (root / f"{_MANIFEST}.new").unlink(missing_ok=True)
        raise
    put_in_place(written, root / _MANIFEST)
    for other in home.iterdir():
        if other != folder:
            with contextlib.suppress(OSError):
                shutil.rmtree(other)
    return manifest


def _manifest_of(
    folder: Path,
    number: int,
    generation: Generation,
    dense: DenseIndexFactory,
    lexical: LexicalIndexFactory,
) -> Manifest:
    segment = generation.segment
    return Manifest(
        number=number,
        revision=generation.revision,
        chunks=len(segment),
        dense=dense.kind,
        lexical=lexical.kind,
        calibration=generation.calibration.version,
        languages=segment.passages.languages,
        catalogue=generation.catalogue,
        files={
            path.relative_to(folder).as_posix(): {
                "size": path.stat().st_size,
                "sha256": file_digest(path),
            }
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    )


def _write(folder: Path, generation: Generation) -> None:
    segment = generation.segment
    save_array(folder / "ids.npy", segment.passages.ids)
    save_array(folder / "vectors.npy", segment.passages.vectors)
    save_array(folder / "language_codes.npy", segment.passages.codes)
    save_array(folder / "twins.npy", generation.twins.pairs)
    assert segment.terms.vocabulary is not None  # only what was read has none
    save_array(folder / "vocabulary.npy", segment.terms.vocabulary)
    save_array(folder / "terms.npy", segment.terms.codes)
    save_array(folder / "term_starts.npy", segment.terms.starts)
    if segment.sparse is not None:
        segment.sparse.save(folder)
    for part in fields(segment.lists):
        save_array(folder / f"lists_{part.name}.npy", getattr(segment.lists, part.name))
    with (folder / "calibration.npz").open("wb") as file:
        # mypy takes each array for savez's other arguments.
        np.savez(file, **generation.calibration.to_arrays())  # type: ignore[arg-type]
    for name, index in (("dense", segment.dense), ("lexical", segment.lexical)):
        (folder / name).mkdir()
        index.save(folder / name)


def load(
    root: Path, manifest: Manifest, dense: DenseIndexFactory, lexical: LexicalIndexFactory
) -> Generation:
    """Open the generation that a manifest names, after checking every file against it.

    Raises:
        StoreCorrupt: a file is missing, damaged, or of another moment than the others.
        OSError: a file can not be read.
    """
    folder = root / manifest.folder
    check_files(folder, manifest)
    try:
        passages = PassageVectors(
            ids=np.load(folder / "ids.npy", allow_pickle=False),
            vectors=np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False),
            codes=np.load(folder / "language_codes.npy", allow_pickle=False),
            languages=manifest.languages,
        )
        twins = Twins(np.load(folder / "twins.npy", allow_pickle=False))
        terms = _load_terms(folder)
        lists = LanguageClusters(
            **{
                part.name: np.load(folder / f"lists_{part.name}.npy", allow_pickle=False)
                for part in fields(LanguageClusters)
            }
        )
        sparse = SparseIndex.load(folder, len(passages.ids))
        with np.load(folder / "calibration.npz", allow_pickle=False) as arrays:
            calibration = Calibration.from_arrays(dict(arrays))
    except (FileNotFoundError, ValueError, KeyError, EOFError) as error:
        raise StoreCorrupt(f"generation {folder}: {error}") from error
    counts = {len(passages.ids), len(passages.vectors), len(passages.codes), manifest.chunks}
    centred = passages.centred(calibration.offsets)
    segment = Segment(
        passages=passages,
        centred=centred,
        dense=dense.load(folder / "dense", passages.ids, centred),
        lexical=lexical.load(folder / "lexical"),
        terms=terms,
        lists=lists,
        leaders=centred[lists.leaders],
        sparse=sparse,
    )
    if manifest.catalogue is None:
        raise StoreCorrupt(f"generation {folder}: the manifest does not tell of which catalogue")
    counts |= {len(segment.dense), len(segment.lexical), len(lists.members), len(terms)}
    if len(counts) != 1:
        raise StoreCorrupt(
            f"generation {folder}: its files hold different numbers of chunks: {sorted(counts)}"
        )
    return Generation(
        revision=manifest.revision,
        catalogue=manifest.catalogue,
        segment=segment,
        calibration=calibration,
        twins=twins,
    )


def _load_terms(folder: Path) -> ForwardIndex:
    terms = np.load(folder / "terms.npy", mmap_mode="r", allow_pickle=False)
    starts = np.load(folder / "term_starts.npy", allow_pickle=False)
    if terms.dtype == np.uint64:
        return ForwardIndex(None, terms, starts)
    vocabulary = np.load(folder / "vocabulary.npy", mmap_mode="r", allow_pickle=False)
    return ForwardIndex(vocabulary, terms, starts)


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file of a generation with its size and SHA-256.

    Raises:
        StoreCorrupt: one is missing, or is not what was written.
    """
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if missing := sorted(set(manifest.files) - present):
        raise StoreCorrupt(f"generation {folder}: {missing[0]} is missing; {_NEXT_STEP}")
    for name, expected in manifest.files.items():
        path = folder / name
        if path.stat().st_size != expected["size"] or file_digest(path) != expected["sha256"]:
            raise StoreCorrupt(f"generation {folder}: {name} is not what was written; {_NEXT_STEP}")
