"""Lexical search by rank-bm25: in memory, simple, for small corpora and to check others by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.lexical.weights import exact_weights
from rag_engine.connectors.ranking import best_of, nothing
from rag_engine.errors import InvalidInput, MissingExtra, StoreCorrupt
from rag_engine.ports import AnalysedPassage, IdSelector, Int64Array, LexicalIndexFactory, Ranking

__all__ = ["RankBm25Factory", "RankBm25Index"]

_FILE = "terms.jsonl"
_FORMAT = 1


def _bm25_okapi() -> Any:
    try:
        from rank_bm25 import BM25Okapi
    except ImportError as error:
        raise MissingExtra("cpu", package="rank_bm25") from error
    return BM25Okapi


class RankBm25Index:
    """How often each passage holds each term, in memory. Safe to share between threads.

    BM25 is that of rank-bm25's ``BM25Okapi`` with k1 = 1.2 and b = 0.75. Its idf is
    ``log((N - n + 0.5) / (n + 0.5))``, where N counts the passages and n those that hold the term;
    for terms that more than half of the passages hold, where that is negative, it puts a quarter
    of the mean idf. tantivy, like Lucene, takes ``log(1 + (N - n + 0.5) / (n + 0.5))``, so scores
    differ. In a corpus of very few passages the mean, and so a score, may be negative.
    """

    def __init__(self, ids: Sequence[int], frequencies: Sequence[dict[str, int]]) -> None:
        self._ids = np.array(ids, dtype=np.int64)
        self._frequencies = frequencies
        rows: dict[str, list[int]] = {}
        for row, counts in enumerate(frequencies):
            for term in counts:
                rows.setdefault(term, []).append(row)
        self._rows = {term: np.array(places, dtype=np.intp) for term, places in rows.items()}
        # rank-bm25 divides by the number of terms.
        self._model = (
            _bm25_okapi()(map(_spelled_out, frequencies), k1=1.2, b=0.75) if rows else None
        )

    def __len__(self) -> int:
        return len(self._ids)

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it, shape ``(n_terms,)``."""
        return np.array([len(self._rows.get(term, ())) for term in terms], dtype=np.int64)

    def search_weighted(
        self, weights: Mapping[str, float], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold.

        Raises:
            InvalidInput: a weight is not positive, or out of float32's range.
        """
        sums = np.zeros(len(self), dtype=np.float32)
        for term, weight in exact_weights(weights).items():
            if term in self._rows:
                sums[self._rows[term]] += np.float32(weight)
        rows = self._allowed(np.flatnonzero(sums), allowed)
        return best_of(self._ids[rows], sums[rows], k)

    def search_bm25(
        self, terms: Sequence[str], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` best passages by Okapi BM25, of those that hold one of ``terms``.

        A term that is given twice counts twice.
        """
        holding = [self._rows[term] for term in terms if term in self._rows]
        if self._model is None or not holding:
            return nothing()
        rows = self._allowed(np.unique(np.concatenate(holding)), allowed)
        scores = self._model.get_batch_scores(list(terms), rows.tolist())
        return best_of(self._ids[rows], np.array(scores, dtype=np.float32), k)

    def _allowed(
        self, rows: npt.NDArray[np.intp], allowed: IdSelector | None
    ) -> npt.NDArray[np.intp]:
        return rows if allowed is None else rows[allowed.allows(self._ids[rows])]

    def save(self, folder: Path) -> None:
        """Write ``terms.jsonl`` into the existing empty ``folder``: a header, a line a passage."""
        lines: list[object] = [{"format": _FORMAT, "passages": len(self)}]
        lines += [
            {"id": identifier, "frequencies": counts}
            for identifier, counts in zip(self._ids.tolist(), self._frequencies, strict=True)
        ]
        with (folder / _FILE).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


class RankBm25Factory(LexicalIndexFactory):
    """Builds and loads rank-bm25 indexes."""

    kind = "rank_bm25"

    def __init__(self) -> None:
        _bm25_okapi()

    def build(
        self, passages: Iterator[AnalysedPassage], *, in_memory: bool = False
    ) -> RankBm25Index:
        """Index the passages; ``in_memory`` changes nothing, for it always is.

        Raises:
            InvalidInput: ids out of order.
        """
        ids: list[int] = []
        frequencies: list[dict[str, int]] = []
        for passage in passages:
            ids.append(passage.id)
            frequencies.append(_counted(passage.terms))
        _check_ascending(ids)
        return RankBm25Index(ids, frequencies)

    def load(self, folder: Path) -> RankBm25Index:
        """Load what ``save`` wrote.

        Raises:
            StoreCorrupt: the file can not be read, or is not what ``save`` wrote.
        """
        path = folder / _FILE
        try:
            with path.open(encoding="utf-8") as file:
                header, *passages = map(json.loads, file)
            if header != {"format": _FORMAT, "passages": len(passages)}:
                raise InvalidInput(f"its header is {header!r:.100} before {len(passages)} passages")
            ids = [int(passage["id"]) for passage in passages]
            _check_ascending(ids)
            return RankBm25Index(ids, [_checked(passage["frequencies"]) for passage in passages])
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            raise StoreCorrupt(f"the terms in {path} can not be read: {error!r}") from error


def _counted(terms: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for term in terms:
        counts[term] = counts.get(term, 0) + 1
    return counts


def _spelled_out(counts: Mapping[str, int]) -> list[str]:
    """Repeat each term as often as it occurs.

    >>> _spelled_out({"de:haus": 2, "@de": 1})
    ['de:haus', 'de:haus', '@de']
    """
    return [term for term, count in counts.items() for _ in range(count)]


def _check_ascending(ids: Sequence[int]) -> None:
    if any(after <= before for before, after in zip([0, *ids], ids, strict=False)):
        raise InvalidInput("the ids of an index are positive, ascending and without repeats")


def _checked(counts: Any) -> dict[str, int]:
    if not isinstance(counts, dict) or not all(
        isinstance(count, int) and count > 0 for count in counts.values()
    ):
        raise TypeError(f"frequencies must map terms to counts, got {counts!r:.100}")
    return counts
