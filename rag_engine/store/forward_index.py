"""Which terms each chunk holds, by row: the lexical index the other way round.

A lexical index finds the chunks that hold a term. How much of a question some given chunks hold is
read off here, many times quicker than by a search restricted to them.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.ports import AnalysedPassage, Float32Array, Int64Array

__all__ = ["ForwardIndex", "ForwardIndexBuilder", "hash_of_term"]

Hashes = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint32]

_LAST_BITS = 0xFFFF
_TOGETHER = 1 << 17
"""Codes held in memory at once: before they are written, and when they are put in order."""


def hash_of_term(term: str) -> int:
    """Return a term's hash, 64 bits."""
    # 64 bits: of 20,000 terms of candidates and 50 of a question, two are taken for each other
    # once in ten thousand billion questions.
    return int.from_bytes(hashlib.blake2b(term.encode("utf-8"), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class ForwardIndex:
    """The distinct terms of chunks: ``codes`` ``(total,)``, row after row, perhaps mapped.

    ``vocabulary`` ``(v,)`` holds the hashes of all terms, ascending; a code is a term's place in
    it. None: codes are the hashes themselves, as version 0.7 and before kept them. ``starts``
    ``(n + 1,)`` int64 says where each row begins.
    """

    vocabulary: Hashes | None
    codes: Codes | Hashes
    starts: Int64Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    def sums(
        self,
        rows: npt.NDArray[np.signedinteger[Any]],
        weightings: Sequence[Mapping[str, float]],
    ) -> Float32Array:
        """Return for each row the sum of each weighting over the terms that it holds.

        The shape is ``(n_weightings, n_rows)``.

        >>> with ForwardIndexBuilder() as builder:
        ...     for terms in (["a", "b", "a"], [], ["c"]):
        ...         builder.add(terms)
        ...     table = builder.finished()
        >>> table.sums(np.array([0, 1, 2]), [{"a": 0.5, "c": 0.25}, {"b": 1.0}]).tolist()
        [[0.5, 0.0, 0.25], [1.0, 0.0, 0.0]]
        """
        keys, terms = self._codes_of({term for weights in weightings for term in weights})
        lengths = self.starts[rows + 1] - self.starts[rows]
        firsts = self.starts[rows] - (np.cumsum(lengths) - lengths)
        held = self.codes[np.arange(int(lengths.sum())) + np.repeat(firsts, lengths)]
        if len(keys) == 0 or len(held) == 0:
            return np.zeros((len(weightings), len(rows)), dtype=np.float32)
        likely = np.zeros(_LAST_BITS + 1, dtype=np.bool_)
        likely[keys & _LAST_BITS] = True
        matches = np.flatnonzero(likely[held & _LAST_BITS])  # all but a few: so few are looked up
        places = np.minimum(np.searchsorted(keys, held[matches]), len(keys) - 1)
        same = keys[places] == held[matches]
        matches, places = matches[same], places[same]
        owners = np.repeat(np.arange(len(rows)), lengths)[matches]
        sums = np.zeros((len(weightings), len(rows)), dtype=np.float32)
        for row, weights in enumerate(weightings):
            values = np.array([weights.get(term, 0.0) for term in terms])
            sums[row] = np.bincount(owners, weights=values[places], minlength=len(rows))
        return sums

    def _codes_of(self, terms: Iterable[str]) -> tuple[Codes | Hashes, list[str]]:
        """Return the codes, ascending, of those of ``terms`` that any chunk holds; these terms."""
        terms_by_hash = {hash_of_term(term): term for term in terms}
        hashes = np.array(sorted(terms_by_hash), dtype=np.uint64)
        if self.vocabulary is None:
            return hashes, [terms_by_hash[key] for key in hashes.tolist()]
        places = np.searchsorted(self.vocabulary, hashes)
        places[places == len(self.vocabulary)] = 0
        known = self.vocabulary[places] == hashes if len(self.vocabulary) else places < 0
        held = [terms_by_hash[key] for key in hashes[known].tolist()]
        return places[known].astype(np.uint32), held


class ForwardIndexBuilder:
    """Takes the terms of one chunk after another; they are kept in a file without a name.

    A table ``in_memory`` takes no room on a disk: for few chunks, or where there is none.
    """

    def __init__(self, *, in_memory: bool = False) -> None:
        self._codes: defaultdict[str, int] = defaultdict(itertools.count().__next__)
        self._pending: list[int] = []
        self._starts = [0]
        self._memory = io.BytesIO() if in_memory else None
        self._file = self._memory or tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)

    def __enter__(self) -> ForwardIndexBuilder:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()  # what is mapped stays

    def add(self, terms: Sequence[str]) -> None:
        """Take the terms of the next chunk."""
        distinct = set(terms)
        self._pending.extend(map(self._codes.__getitem__, distinct))
        self._starts.append(self._starts[-1] + len(distinct))
        if len(self._pending) >= _TOGETHER:
            self._write()

    def passing(self, passages: Iterable[AnalysedPassage]) -> Iterator[AnalysedPassage]:
        """Take the terms of passages on their way to somewhere else."""
        for passage in passages:
            self.add(passage.terms)
            yield passage

    def _write(self) -> None:
        self._file.write(np.array(self._pending, dtype=np.uint32).tobytes())
        self._pending.clear()

    def finished(self) -> ForwardIndex:
        """Return the table of all chunks taken."""
        self._write()
        self._file.flush()
        starts = np.array(self._starts, dtype=np.int64)
        codes: Codes
        if starts[-1] == 0:
            codes = np.empty(0, dtype=np.uint32)
        elif self._memory is not None:
            codes = np.frombuffer(self._memory.getbuffer(), dtype=np.uint32).copy()
        else:
            codes = np.memmap(self._file, dtype=np.uint32, mode="r+")
        hashes = np.fromiter(map(hash_of_term, self._codes), np.uint64, len(self._codes))
        order = np.argsort(hashes)
        places = np.empty(len(order), dtype=np.uint32)
        places[order] = np.arange(len(order), dtype=np.uint32)
        for start in range(0, len(codes), _TOGETHER):
            block = slice(start, start + _TOGETHER)
            codes[block] = places[codes[block]]
        return ForwardIndex(hashes[order], codes, starts)
