"""The passages that are looked at: all of them, or as many as are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_means import subtract_and_normalise
from rag_engine.ports import Float32Array, Int64Array
from rag_engine.store.catalogue_records import FoundChunk
from rag_engine.store.snapshot import Snapshot
from rag_engine.store.view import View

__all__ = ["Places", "Sample", "draw", "every_id", "in_batches"]

Places = npt.NDArray[np.intp]
"""Places of passages in a sample."""
_BATCH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Passages of a knowledge base, by ascending ids, ``n`` in all.

    ``raw`` ``(n, dimension)`` float32 are the embedder's vectors, ``centred`` the same as search
    compares them, languages taken out; both have unit rows. ``codes`` ``(n,)`` are places in
    ``languages``, ``documents`` ``(n,)`` number the documents. ``twins`` are the pairs of places
    that are translations, both ways. ``of`` is how many passages the knowledge base has.
    """

    ids: Int64Array
    raw: Float32Array
    centred: Float32Array
    codes: Places
    documents: Places
    languages: tuple[str, ...]
    chunks: tuple[FoundChunk, ...]
    twins: tuple[Places, Places]
    of: int

    def __len__(self) -> int:
        return len(self.ids)

    def language(self, place: int) -> str:
        """Return the language of a passage."""
        return self.languages[int(self.codes[place])]


def every_id(snapshot: Snapshot) -> Int64Array:
    """Return the ids of all passages, ascending, ``(n,)``."""
    ids = [snapshot.not_deleted(segment.passages.ids) for segment in snapshot.segments]
    every: Int64Array = np.unique(np.concatenate([np.empty(0, np.int64), *ids]))
    return every


def draw(view: View, most: int, seed: int) -> Sample:
    """Draw at most ``most`` passages: each is as likely as any other, the same for a ``seed``.

    The view is to be lenient: what is deleted meanwhile is left out.
    """
    snapshot = view.snapshot
    every = every_id(snapshot)
    ids = every
    if len(every) > most:
        ids = np.sort(np.random.default_rng(seed).choice(every, most, replace=False))
    found = {each.id: each for batch in in_batches(ids) for each in view.chunks(batch).values()}
    ids = np.array([each for each in ids.tolist() if each in found], dtype=np.int64)
    raw, codes = snapshot.vectors(ids)
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    raw = (raw / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    centred = raw
    if snapshot.offsets.enabled and len(ids):
        centred = subtract_and_normalise(raw, snapshot.language_offsets[codes])
    chunks = tuple(found[each] for each in ids.tolist())
    numbers: dict[str, int] = {}
    documents = [numbers.setdefault(each.chunk.document_id, len(numbers)) for each in chunks]
    return Sample(
        ids=ids,
        raw=raw,
        centred=centred,
        codes=codes,
        documents=np.array(documents, dtype=np.intp),
        languages=snapshot.language_names,
        chunks=chunks,
        twins=snapshot.twins.among(ids) if len(ids) else (codes, codes),
        of=len(every),
    )


def in_batches(ids: Int64Array) -> Iterator[list[int]]:
    """Yield ids, so many at a time."""
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH].tolist()
