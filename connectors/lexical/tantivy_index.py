"""Lexical search by tantivy: on disk, and quick enough in memory for what was just added."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.lexical.weights import exact_weights
from rag_engine.connectors.ranking import best_of, nothing
from rag_engine.errors import InvalidInput, MissingExtra, RagEngineError, StoreCorrupt
from rag_engine.ports import (
    AnalysedPassage,
    Float32Array,
    IdSelector,
    Int64Array,
    LexicalIndexFactory,
    Ranking,
)
from rag_engine.store.failures import DOCUMENTS_KEPT, storage_failed

__all__ = ["TantivyFactory", "TantivyIndex"]

_ID, _TERMS = "id", "terms"
_FETCHED_ANYWAY = 2_000
"""So many results cost about as much to fetch as the query costs itself."""
_UNTOLD = 1.5
"""Allowed passages may be rarer among the best than they are in the index."""
_SMALLEST_MB = 15
_PREFIX = "rag-engine-terms-"


def _tantivy() -> Any:
    try:
        import tantivy
    except ImportError as error:
        raise MissingExtra("cpu", package="tantivy") from error
    return tantivy


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    # Signed: tantivy's writer thread panics on an unsigned field filled from Python.
    builder.add_integer_field(_ID, indexed=True, fast=True)
    # "raw" keeps every value as one term, exactly as our analyser made it.
    builder.add_text_field(_TERMS, tokenizer_name="raw", index_option="freq")
    return builder.build()


class TantivyIndex:
    """One immutable tantivy index. Safe to share between threads.

    BM25 has k1 = 1.2, b = 0.75 and Lucene's idf, ``log(1 + (N - n + 0.5) / (n + 0.5))``. Like
    Lucene, tantivy keeps a passage's length in one byte: exact up to 40 terms, rounded down to
    about an eighth above. A term of more than 65,530 bytes is not indexed.

    Equal scores come by id ascending. Where a list ends among equal scores, those with the
    smallest ids are on it as long as the index is one segment, which it is if it was built within
    ``memory_mb``; else it is the first ones in the order of the segments.
    """

    def __init__(self, index: Any, folder: Path | None = None) -> None:
        """Search ``index``; ``folder`` holds its files and is removed together with this object."""
        self._tantivy = _tantivy()
        self._schema = index.schema
        self._searcher = index.searcher()
        self._folder = folder
        if folder is not None:
            weakref.finalize(self, _remove_in, os.getpid(), folder)

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it, shape ``(n_terms,)``."""
        return np.array([self._searcher.doc_freq(_TERMS, term) for term in terms], dtype=np.int64)

    def search_weighted(
        self, weights: Mapping[str, float], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold.

        Raises:
            InvalidInput: a weight is not positive, or out of float32's range.
        """
        constant = self._tantivy.Query.const_score_query
        return self._search(
            [
                constant(self._term(term, "basic"), weight)
                for term, weight in exact_weights(weights).items()
            ],
            k,
            allowed,
        )

    def search_bm25(
        self, terms: Sequence[str], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` best passages by Okapi BM25, of those that hold one of ``terms``.

        A term that is given twice counts twice.
        """
        return self._search([self._term(term, "freq") for term in terms], k, allowed)

    def _term(self, term: str, recorded: str) -> Any:
        return self._tantivy.Query.term_query(self._schema, _TERMS, term, recorded)

    def _search(self, clauses: Sequence[Any], k: int, allowed: IdSelector | None) -> Ranking:
        count = len(self)
        if not clauses or k < 1 or count == 0:
            return nothing()
        should = self._tantivy.Occur.Should
        query = self._tantivy.Query.boolean_query([(should, clause) for clause in clauses])
        if allowed is None:
            return best_of(*self.fetch(query, k), k)
        limit = _over_fetch(k, count, allowed)
        if limit <= max(len(allowed.ids), _FETCHED_ANYWAY):
            ids, scores = self.fetch(query, limit)
            inside = allowed.allows(ids)
            if int(inside.sum()) >= k or len(ids) < limit or limit >= count:
                return best_of(ids[inside], scores[inside], k)
        return best_of(*self.fetch(self._restricted(query, allowed), k), k)

    def fetch(self, query: Any, limit: int) -> tuple[Int64Array, Float32Array]:
        """Return the best results of one of tantivy's queries: ids and scores, ``(n,)`` each."""
        hits = self._searcher.search(query, min(limit, len(self)), count=False).hits
        ids = self._searcher.fast_field_values(_ID, [address for _, address in hits])
        scores = np.array([score for score, _ in hits], dtype=np.float32)
        return np.array(ids, dtype=np.int64), scores

    def _restricted(self, query: Any, allowed: IdSelector) -> Any:
        occur, queries = self._tantivy.Occur, self._tantivy.Query
        ids = queries.term_set_query(self._schema, _ID, allowed.ids.tolist())
        if allowed.exclude:
            return queries.boolean_query([(occur.Must, query), (occur.MustNot, ids)])
        silent = queries.const_score_query(ids, 0.0)
        return queries.boolean_query([(occur.Must, query), (occur.Must, silent)])

    def save(self, folder: Path) -> None:
        """Move the index's files into the existing empty ``folder``, once; searching goes on.

        Raises:
            InvalidInput: the index was built in memory, loaded, or saved before.
        """
        if self._folder is None:
            raise InvalidInput(
                "an index is saved once, after it was built, and not in memory; build it with "
                "in_memory=False"
            )
        for path in _index_files(self._folder):
            shutil.copyfile(path, folder / path.name)  # tantivy's own are not for all to read
        # What is being searched is mapped into memory and stays.
        _remove(self._folder)
        self._folder = None


def _over_fetch(k: int, count: int, allowed: IdSelector) -> int:
    """Guess how many results hold ``k`` allowed ones, if those are spread evenly.

    >>> tombstones, half = np.arange(1, 6), np.arange(1, 501)
    >>> _over_fetch(10, 1000, IdSelector(tombstones, exclude=True))
    15
    >>> _over_fetch(10, 1000, IdSelector(half))
    30
    """
    named = len(allowed.ids)
    allowed_count = max(1, count - named if allowed.exclude else named)
    evenly = max(k, math.ceil(_UNTOLD * k * count / allowed_count))
    # So many excluded ones can not all stand before the k-th allowed one and more.
    return min(count, evenly, k + named) if allowed.exclude else min(count, evenly)


def _index_files(folder: Path) -> list[Path]:
    """Return what makes up the index: not the locks, nor the list for collecting garbage."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


class TantivyFactory(LexicalIndexFactory):
    """Builds and loads tantivy indexes.

    Args:
        memory_mb: what building may hold in memory, at least 15; a passage of 120 terms takes
            about 0.5 kB of it. A greater index consists of several segments.

    Raises:
        InvalidInput: ``memory_mb`` is less than 15, which tantivy needs.
        MissingExtra: tantivy is not installed.
    """

    kind = "tantivy"

    def __init__(self, *, memory_mb: int = 128) -> None:
        _tantivy()
        if memory_mb < _SMALLEST_MB:
            raise InvalidInput(f"memory_mb is at least {_SMALLEST_MB}, got {memory_mb!r}")
        self._memory = memory_mb * 1_000_000

    def build(
        self, passages: Iterator[AnalysedPassage], *, in_memory: bool = False
    ) -> TantivyIndex:
        """Index the passages, in memory or in a temporary folder that goes with the index.

        Raises:
            InvalidInput: ids out of order.
            StorageFailed: tantivy could not write.
        """
        if in_memory:
            return TantivyIndex(self._filled(None, passages))
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            with _writing(folder):
                return TantivyIndex(self._filled(folder, passages), folder)
        except BaseException:
            _remove(folder)
            raise

    def _filled(self, folder: Path | None, passages: Iterator[AnalysedPassage]) -> Any:
        tantivy = _tantivy()
        index = tantivy.Index(_schema(tantivy), path=None if folder is None else str(folder))
        # One thread: passages lie in the order of their ids, and small indexes build quickly.
        writer = index.writer(heap_size=self._memory, num_threads=1)
        try:
            for passage in _ascending(passages):
                writer.add_document(tantivy.Document(id=passage.id, terms=list(passage.terms)))
        finally:
            # Also after an error: its thread must not write into a folder that is being removed.
            writer.commit()
            writer.wait_merging_threads()
        index.reload()
        return index

    def load(self, folder: Path) -> TantivyIndex:
        """Open what ``save`` wrote; the folder is only read, and may be read-only.

        Raises:
            StoreCorrupt: the files can not be read.
            StorageFailed: there is no room in the folder for temporary files.
        """
        # tantivy makes a lock file where it opens an index, so it is shown links. Once it has
        # opened the index, all files are mapped into memory and the links no longer needed.
        links = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            for path in _index_files(folder):
                (links / path.name).symlink_to(path.resolve())
            return _opened(links)
        except BaseException as error:
            if isinstance(error, (ValueError, FileNotFoundError, TypeError)) or _is_panic(error):
                failed = storage_failed(error, "opening the lexical index", links)
                if failed.reason not in {"io", "gone"}:  # the folder for temporary files is full
                    raise failed from error
                raise StoreCorrupt(f"the tantivy index {folder} is damaged: {error}") from error
            raise
        finally:
            _remove(links)


def _opened(folder: Path) -> TantivyIndex:
    tantivy = _tantivy()
    index = TantivyIndex(tantivy.Index.open(str(folder)))
    # The beginning of each kind of file is read now rather than by the first search.
    index.document_frequencies([""])
    index.search_bm25([""], 1)
    if len(index):
        index.fetch(tantivy.Query.all_query(), 1)
    return index


def _remove_in(process: int, folder: Path) -> None:
    if os.getpid() == process:  # not at the end of a child that was forked
        _remove(folder)


def _remove(folder: Path) -> None:
    # A thread of tantivy looks into a folder soon after it was opened, and may just be making its
    # lock file again, which leaves the folder standing.
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)


def _ascending(passages: Iterator[AnalysedPassage]) -> Iterator[AnalysedPassage]:
    last = 0
    for passage in passages:
        if passage.id <= last:
            raise InvalidInput(
                f"ids are positive, ascending and without repeats, got {passage.id} after {last}"
            )
        last = passage.id
        yield passage


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what tantivy raises where it can not write into the engine's error."""
    try:
        yield
    except RagEngineError:
        raise
    except BaseException as error:
        if isinstance(error, ValueError) or _is_panic(error):
            failed = storage_failed(error, "writing the lexical index", folder, kept=DOCUMENTS_KEPT)
            raise failed from error
        raise


def _is_panic(error: BaseException) -> bool:
    """Tell whether tantivy gave up; its exception is no ``Exception`` and can not be imported."""
    return type(error).__module__ == "pyo3_runtime"
