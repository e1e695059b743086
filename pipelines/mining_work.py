"""The folder in which mining keeps what took time: vectors and neighbours, and what is done.

``journal.json`` says what they are of (both files by their SHA-256, the model, the index of
neighbours) and how many texts of each side are embedded. It is written after what it speaks of is
durable, so that whoever goes on after a kill reads nothing that is not whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.errors import InvalidInput, StoreCorrupt, StoreLocked
from rag_engine.pipelines.text_lines import TextLines
from rag_engine.ports import Embedder
from rag_engine.store.failures import storage
from rag_engine.store.files import (
    WriterLock,
    make_folders,
    read_json,
    save_array,
    sync_file,
    write_json,
)
from rag_engine.store.progress import OnStage
from rag_engine.tasks.mining import Neighbours

__all__ = ["MiningWork"]

_JOURNAL, _LOCK = "journal.json", "lock"
_VERSION = 1
_BLOCK = 2_048
"""Texts embedded between two entries of the journal: what a kill costs at most."""


class MiningWork:
    """Vectors and neighbours of two files' texts, kept in a folder; use ``opened``.

    ``resumed`` says how many texts were embedded already.
    """

    def __init__(self, folder: Path, sides: Sequence[TextLines], embedder: Embedder) -> None:
        self._folder = folder
        self._sides = sides
        self._embedder = embedder
        self._journal = self._read(self._stated())
        self.resumed = sum(self._journal["embedded"])

    @classmethod
    @contextmanager
    def opened(
        cls, folder: Path, sides: Sequence[TextLines], embedder: Embedder
    ) -> Iterator[MiningWork]:
        """Open the folder, which is made where it is missing, for one process.

        Raises:
            InvalidInput: it is of other files or another model, or holds something else; another
                process mines in it.
            StorageFailed: it can not be written.
        """
        with storage("opening the working folder", folder):
            if folder.exists() and not folder.is_dir():
                raise InvalidInput(f"--work is a folder, and {folder} is none")
            if folder.is_dir() and not (folder / _LOCK).exists() and any(folder.iterdir()):
                raise InvalidInput(
                    f"{folder} holds something else; --work is a folder of its own: name a new one"
                )
            make_folders(folder)
        try:
            lock = WriterLock(folder / _LOCK)
        except StoreLocked as error:
            raise InvalidInput(
                f"another process mines in {folder}; wait until it has ended, or name another "
                "folder with --work"
            ) from error
        try:
            with storage("mining", folder):
                yield cls(folder, sides, embedder)
        finally:
            lock.release()

    def _stated(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "files": [{"sha256": side.digest, "texts": len(side)} for side in self._sides],
            "embedder": self._embedder.contract.as_dict(),
        }

    def _read(self, stated: dict[str, Any]) -> dict[str, Any]:
        path = self._folder / _JOURNAL
        fresh = {**stated, "embedded": [0, 0], "neighbours": {}}
        if not path.exists():
            for number, side in enumerate(self._sides):
                self._open_vectors(number, "w+", len(side))
            write_json(path, fresh)
            return fresh
        journal = read_json(path)
        for field, value in stated.items():
            if journal.get(field) != value:
                raise InvalidInput(
                    f"{self._folder} is of other work: its {field} are "
                    f"{journal.get(field)!r:.300}, now {value!r:.300}; name another folder with "
                    "--work, or delete this one"
                )
        return journal

    def _open_vectors(self, number: int, mode: Any, count: int) -> npt.NDArray[np.float16]:
        path = self._folder / f"vectors-{number}.f16"
        shape = (count, self._embedder.dimension)
        expected = 2 * shape[0] * shape[1]
        if mode != "w+" and (not path.exists() or path.stat().st_size != expected):
            raise StoreCorrupt(
                f"{path} does not hold {expected:,} bytes, as the journal beside it says; delete "
                f"{self._folder} and mine again"
            )
        return np.memmap(path, np.float16, mode, shape=shape)

    def vectors(self, number: int, on_stage: OnStage) -> npt.NDArray[np.float16]:
        """Return the vectors of a side, ``(n, dimension)`` float16 mapped from a file.

        Those that are not there yet are embedded, as questions are: E5 was trained to have both
        texts behind the same prompt where they are alike.
        """
        side, embedded = self._sides[number], self._journal["embedded"]
        mapped = self._open_vectors(number, "r+", len(side))
        stage = f"embedding {side.path.name}"
        for start in range(embedded[number], len(side), _BLOCK):
            on_stage(stage, start, len(side))
            stop = min(len(side), start + _BLOCK)
            mapped[start:stop] = self._embedder.embed_queries(side.texts(start, stop))
            mapped.flush()  # type: ignore[attr-defined]
            sync_file(self._folder / f"vectors-{number}.f16")
            embedded[number] = stop
            write_json(self._folder / _JOURNAL, self._journal)
        on_stage(stage, len(side), len(side))
        return mapped

    def neighbours(
        self, name: str, of: Mapping[str, Any], look: Callable[[], Neighbours]
    ) -> Neighbours:
        """Return neighbours that were kept under a name, or look for them and keep them.

        ``of`` says what they depend on beside the vectors.
        """
        paths = [self._folder / f"{name}-{part}.npy" for part in ("rows", "cosines")]
        if self._journal["neighbours"].get(name) == of and all(map(Path.exists, paths)):
            rows, cosines = (np.load(path, allow_pickle=False) for path in paths)
            return Neighbours(rows, cosines)
        self._journal["neighbours"].pop(name, None)
        write_json(self._folder / _JOURNAL, self._journal)
        found = look()
        save_array(paths[0], found.rows)
        save_array(paths[1], found.cosines)
        for path in paths:
            sync_file(path)
        self._journal["neighbours"][name] = dict(of)
        write_json(self._folder / _JOURNAL, self._journal)
        return found
