"""Lexical search by tantivy: on disk, and quick enough in memory for what was just added."""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.errors import InvalidInput, MissingExtra, StoreCorrupt
from rag_engine.ports import Int64Array, Ranking, Restriction, Terms

__all__ = ["TantivyFactory", "TantivyIndex"]

_MANY_TOMBSTONES = 200
"""Up to this many excluded ids are fetched too and dropped; more become part of the query."""
_WRITER_LOCK = ".tantivy-writer.lock"
_MIN_HEAP = 15_000_000  # tantivy refuses less a thread


def _tantivy() -> Any:
    try:
        import tantivy
    except ImportError as error:
        raise MissingExtra("cpu", package="tantivy") from error
    return tantivy


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    # Signed: tantivy's writer thread panics on an unsigned field filled from Python.
    builder.add_integer_field("id", stored=True, indexed=True, fast=True)
    # "raw" keeps every value as one term, exactly as our analyser made it.
    builder.add_text_field("terms", stored=False, tokenizer_name="raw", index_option="freq")
    return builder.build()


class TantivyIndex:
    """One immutable tantivy index. Safe to share between threads.

    Passages of equal score come by id ascending within what a search returns; which of several
    equal passages stand at the very end of a list is tantivy's choice (index order, that is by
    id too, within one segment).
    """

    def __init__(self, index: Any, temporary: Path | None) -> None:
        self._tantivy = _tantivy()
        self._schema = index.schema
        self._searcher = index.searcher()
        self._temporary = temporary
        if temporary is not None:
            weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it, shape ``(n_terms,)``."""
        return np.array([self._searcher.doc_freq("terms", term) for term in terms], dtype=np.int64)

    def search_weighted(
        self, weights: Mapping[str, float], k: int, restriction: Restriction | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold.

        Raises:
            InvalidInput: a weight is not positive and finite.
        """
        query = self._tantivy.Query
        should = self._tantivy.Occur.Should
        clauses = []
        for term, weight in weights.items():
            if not (weight > 0 and math.isfinite(weight)):
                raise InvalidInput(f"a weight is positive and finite, got {term!r}: {weight!r}")
            inner = query.term_query(self._schema, "terms", term, "basic")
            clauses.append((should, query.const_score_query(inner, float(weight))))
        return self._search(clauses, k, restriction)

    def search_bm25(
        self, terms: Sequence[str], k: int, restriction: Restriction | None = None
    ) -> Ranking:
        """Return the ``k`` best passages by Okapi BM25 (k1 = 1.2, b = 0.75, Lucene's idf)."""
        query = self._tantivy.Query
        should = self._tantivy.Occur.Should
        clauses = [
            (should, query.term_query(self._schema, "terms", term, "freq")) for term in terms
        ]
        return self._search(clauses, k, restriction)

    def _search(
        self, clauses: Sequence[tuple[Any, Any]], k: int, restriction: Restriction | None
    ) -> Ranking:
        nothing = Ranking(np.empty(0, np.int64), np.empty(0, np.float32))
        if not clauses or k < 1 or len(self) == 0:
            return nothing
        wanted = min(k, len(self))
        query = self._tantivy.Query.boolean_query(list(clauses))
        if restriction is not None:
            if not restriction.exclude and len(restriction.ids) == 0:
                return nothing
            if restriction.exclude and len(restriction.ids) <= _MANY_TOMBSTONES:
                wanted = min(k + len(restriction.ids), len(self))
            else:
                query = self._restricted(query, restriction)
        hits = self._searcher.search(query, wanted, count=False).hits
        ids = np.array(
            self._searcher.fast_field_values("id", [address for _, address in hits]),
            dtype=np.int64,
        )
        scores = np.array([score for score, _ in hits], dtype=np.float32)
        if restriction is not None:
            allowed = restriction.allows(ids)
            ids, scores = ids[allowed], scores[allowed]
        order = np.lexsort((ids, -scores))[:k]
        return Ranking(ids[order], scores[order])

    def _restricted(self, query: Any, restriction: Restriction) -> Any:
        occur = self._tantivy.Occur
        all_of = self._tantivy.Query
        ids = all_of.term_set_query(self._schema, "id", restriction.ids.tolist())
        if restriction.exclude:
            return all_of.boolean_query([(occur.Must, query), (occur.MustNot, ids)])
        silent = all_of.const_score_query(ids, 0.0)
        return all_of.boolean_query([(occur.Must, query), (occur.Must, silent)])

    def save(self, folder: Path) -> None:
        """Copy the index's files into the existing empty ``folder``."""
        if self._temporary is None:
            raise InvalidInput("only an index that was just built, and not in memory, can be saved")
        for path in sorted(self._temporary.iterdir()):
            if path.name != _WRITER_LOCK:
                shutil.copyfile(path, folder / path.name)


class TantivyFactory:
    """Builds and loads tantivy indexes; ``memory_mb`` is what building may hold in memory."""

    kind = "tantivy"

    def __init__(self, *, memory_mb: int = 128) -> None:
        _tantivy()
        self._heap = max(_MIN_HEAP, memory_mb * 1_000_000)

    def build(self, passages: Iterator[Terms], *, in_memory: bool = False) -> TantivyIndex:
        """Index the passages, in memory or in a temporary folder that goes with the index."""
        tantivy = _tantivy()
        folder = None if in_memory else Path(tempfile.mkdtemp(prefix="rag-engine-terms-"))
        index = tantivy.Index(_schema(tantivy), path=None if folder is None else str(folder))
        # One thread: passages lie in the order of their ids, and small indexes build quickly.
        writer = index.writer(heap_size=self._heap, num_threads=1)
        for passage in passages:
            document = tantivy.Document()
            document.add_integer("id", passage.id)
            for term in passage.terms:
                document.add_text("terms", term)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return TantivyIndex(index, folder)

    def load(self, folder: Path) -> TantivyIndex:
        """Open what ``save`` wrote; nothing in the folder is changed.

        Raises:
            StoreCorrupt: the files can not be read.
        """
        tantivy = _tantivy()
        try:
            if not tantivy.Index.exists(str(folder)):
                raise StoreCorrupt(f"no tantivy index in {folder}")
            return TantivyIndex(tantivy.Index.open(str(folder)), None)
        except (ValueError, OSError) as error:
            raise StoreCorrupt(f"the tantivy index {folder} can not be read: {error}") from error
