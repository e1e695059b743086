"""How long the parts of a knowledge base take: their own methods tell, stage by stage."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from rag_engine.components import Components
from rag_engine.ports import (
    DenseIndex,
    DenseIndexFactory,
    Float32Array,
    Int64Array,
    LexicalIndex,
    LexicalIndexFactory,
    Ranking,
    TokenEmbedder,
    VectorRows,
)

__all__ = ["DenseSearches", "Stopwatch", "timed_components"]

P = ParamSpec("P")
R = TypeVar("R")


class Stopwatch:
    """Adds up the seconds of each stage.

    >>> class Adder:
    ...     def add(self, one, other):
    ...         return one + other
    >>> watch, adder = Stopwatch(), Adder()
    >>> watch.time(adder.add, "adding")
    >>> adder.add(1, 2), list(watch.seconds)
    (3, ['adding'])
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._running = threading.local()

    def time(
        self,
        method: Callable[P, R],
        stage: str,
        then: Callable[..., object] | None = None,
    ) -> None:
        """Let every call of an object's method, from now on, count for a stage.

        A call within another of the same stage is no call of its own. ``then`` is called with what
        the method returned and what it was called with; its time does not count.
        """

        @functools.wraps(method)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            stages: set[str] = self._running.__dict__.setdefault("stages", set())
            if stage in stages:
                return method(*args, **kwargs)
            stages.add(stage)
            started = time.perf_counter()
            try:
                result = method(*args, **kwargs)
            finally:
                stages.remove(stage)
                self.seconds[stage] += time.perf_counter() - started
            if then is not None:
                then(result, *args, **kwargs)
            return result

        part = method.__self__  # type: ignore[attr-defined]
        object.__setattr__(part, method.__name__, timed)  # some are frozen


class DenseSearches:
    """What was searched in the dense index that was built or loaded last.

    ``search`` is that index's, untimed; ``ids`` and ``vectors`` are what it holds, ``queries`` what
    it was asked for: vectors, and how many of the nearest.
    """

    search: Callable[[Float32Array, int], list[Ranking]]
    ids: Int64Array
    vectors: VectorRows

    def __init__(self) -> None:
        self.queries: list[tuple[Float32Array, int]] = []


def timed_components(parts: Components, watch: Stopwatch) -> DenseSearches:
    """Let every part tell ``watch`` how long it took; return what the dense index is asked.

    Stages are ``embedding``, ``counting tokens``, ``detecting languages``, and of each index
    ``building``, ``opening`` and searching it.
    """
    embedder, detector = parts.embedder, parts.detector
    assert isinstance(embedder, TokenEmbedder)
    watch.time(embedder.count_tokens, "counting tokens")
    watch.time(embedder.embed_queries, "embedding")
    watch.time(embedder.embed_passages, "embedding")
    watch.time(embedder.embed_query_tokens, "embedding")
    watch.time(embedder.embed_passage_tokens, "embedding")
    watch.time(detector.detect, "detecting languages")
    watch.time(detector.plausible, "detecting languages")
    searches = DenseSearches()
    _time_dense(parts.dense, watch, searches)
    _time_lexical(parts.lexical, watch)
    return searches


def _time_dense(factory: DenseIndexFactory, watch: Stopwatch, searches: DenseSearches) -> None:
    def built(index: DenseIndex, ids: Int64Array, vectors: VectorRows) -> None:
        searches.search, searches.ids, searches.vectors = index.search, ids, vectors
        watch.time(index.search, "dense search", then=searched)

    def loaded(index: DenseIndex, _: Path, ids: Int64Array, vectors: VectorRows) -> None:
        built(index, ids, vectors)

    def searched(_: object, queries: Float32Array, k: int, *__: object, **___: object) -> None:
        searches.queries.append((queries, k))

    watch.time(factory.build, "building the dense index", then=built)
    watch.time(factory.load, "opening the dense index", then=loaded)

    def bound(own: DenseIndexFactory, *_: object, **__: object) -> None:
        if own is not factory:
            _time_dense(own, watch, searches)

    watch.time(factory.bind, "opening the dense index", then=bound)


def _time_lexical(factory: LexicalIndexFactory, watch: Stopwatch) -> None:
    def built(index: LexicalIndex, *_: object, **__: object) -> None:
        watch.time(index.document_frequencies, "lexical search")
        watch.time(index.search_weighted, "lexical search")
        watch.time(index.search_bm25, "lexical search")

    watch.time(factory.build, "building the lexical index", then=built)
    watch.time(factory.load, "opening the lexical index", then=built)

    def bound(own: LexicalIndexFactory, *_: object, **__: object) -> None:
        if own is not factory:
            _time_lexical(own, watch)

    watch.time(factory.bind, "opening the lexical index", then=bound)
