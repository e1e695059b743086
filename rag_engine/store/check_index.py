"""Compares the generation on disk with the catalogue that it is derived from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from rag_engine.errors import RagEngineError, StoreCorrupt
from rag_engine.ports import DenseIndexFactory, LexicalIndexFactory
from rag_engine.store import generation as generations
from rag_engine.store.generation import Manifest
from rag_engine.store.progress import OnStage
from rag_engine.store.raw_rows import RawChunk

__all__ = ["IndexCheck"]


class IndexCheck:
    """Takes the chunks of the catalogue one by one, then tells what the index has otherwise."""

    def __init__(self, root: Path) -> None:
        """Read the manifest and verify the files that it names."""
        self._root = root
        self._faults: list[str] = []
        self._manifest: Manifest | None = None
        self.files = 0
        self._ids = np.empty(0, dtype=np.int64)
        self._seen = np.empty(0, dtype=np.bool_)
        self._different: list[int] = []
        self._missing: list[int] = []
        try:
            self._manifest = generations.read_manifest(root)
            if self._manifest is not None:
                self._open(self._manifest)
        except (StoreCorrupt, OSError, ValueError) as error:
            if not self._is_replaced():
                self._faults.append(str(error))
            self._manifest = None

    @property
    def revision(self) -> int | None:
        """The revision of the index; None: there is none, or it can not be read."""
        return None if self._manifest is None else self._manifest.revision

    def leave_out(self) -> None:
        """Compare nothing with the index."""
        self._manifest = None

    def _open(self, manifest: Manifest) -> None:
        folder = self._root / manifest.folder
        generations.check_files(folder, manifest)
        self.files = len(manifest.files)
        if manifest.catalogue is None:
            self._faults.append("an older version wrote the index")
        self._ids = np.load(folder / "ids.npy", allow_pickle=False)
        self._vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
        self._codes = np.load(folder / "language_codes.npy", allow_pickle=False)
        self._seen = np.zeros(len(self._ids), dtype=np.bool_)

    def _is_replaced(self) -> bool:
        """Tell whether a writer has published another generation meanwhile."""
        try:
            return generations.read_manifest(self._root) != self._manifest
        except StoreCorrupt:
            return False

    def compare(self, chunk: RawChunk) -> None:
        """Compare one chunk of the catalogue with the index."""
        manifest = self._manifest
        if manifest is None:
            return
        row = int(np.searchsorted(self._ids, chunk.id))
        if row == len(self._ids) or self._ids[row] != chunk.id:
            if chunk.revision <= manifest.revision:
                self._missing.append(chunk.id)
            return
        self._seen[row] = True
        same = self._vectors[row].tobytes() == chunk.vector
        if not same or manifest.languages[self._codes[row]] != chunk.language:
            self._different.append(chunk.id)

    def finish(
        self,
        deleted_after: Callable[[int], list[int]],
        factories: tuple[DenseIndexFactory, LexicalIndexFactory] | None,
        on_stage: OnStage,
    ) -> Iterator[str]:
        """Yield what is wrong with the index; with ``factories`` it is opened as well.

        ``deleted_after`` tells which chunks were deleted after a revision.
        """
        manifest = self._manifest
        if manifest is not None and not self._is_replaced():
            deleted = deleted_after(manifest.revision)
            foreign = self._ids[~self._seen]
            foreign = foreign[~np.isin(foreign, np.array(deleted, dtype=np.int64))]
            for what, ids in (
                ("the index lacks chunk", self._missing),
                ("the index and the catalogue differ in chunk", self._different),
                ("the index holds what the catalogue does not: chunk", foreign.tolist()),
            ):
                if ids:
                    more = f" and {len(ids) - 1} others" if len(ids) > 1 else ""
                    self._faults.append(f"{what} {ids[0]}{more}")
            if factories is not None and not self._faults:
                on_stage("opening the index", 0, 1)
                self._faults += self._load(manifest, *factories)
                on_stage("opening the index", 1, 1)
        yield from self._faults

    def _load(
        self, manifest: Manifest, dense: DenseIndexFactory, lexical: LexicalIndexFactory
    ) -> Iterator[str]:
        if (manifest.dense, manifest.lexical) != (dense.kind, lexical.kind):
            return  # of other kinds than the settings want: built anew on opening
        try:
            generations.load(self._root, manifest, dense, lexical)
        except (RagEngineError, OSError, ValueError) as error:
            if not self._is_replaced():
                yield str(error)
