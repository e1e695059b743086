"""Parts that tell how long they took: each passes every call on and adds up its seconds."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.ports import (
    AnalysedPassage,
    DenseIndex,
    DenseIndexFactory,
    Detection,
    FieldsOf,
    Float32Array,
    IdSelector,
    Int64Array,
    LanguageDetector,
    LexicalIndex,
    LexicalIndexFactory,
    Ranking,
    TokenEmbedder,
    TokenVectors,
    VectorRows,
)

__all__ = [
    "Stopwatch",
    "TimedDense",
    "TimedDenseIndex",
    "TimedDetector",
    "TimedEmbedder",
    "TimedLexical",
]

P = ParamSpec("P")
R = TypeVar("R")


class Stopwatch:
    """Adds up the seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def run(self, stage: str, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make a call and count its time.

        >>> watch = Stopwatch()
        >>> watch.run("adding", sum, [1, 2]), list(watch.seconds)
        (3, ['adding'])
        """
        started = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            self.seconds[stage] += time.perf_counter() - started


class TimedEmbedder:
    """An embedder: stages ``embedding`` and ``counting tokens``."""

    def __init__(self, inner: TokenEmbedder, watch: Stopwatch) -> None:
        self._inner = inner
        self._watch = watch

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._inner.dimension

    @property
    def max_tokens(self) -> int:
        """The longest input."""
        return self._inner.max_tokens

    @property
    def contract(self) -> EmbedderContract:
        """The inner embedder's contract."""
        return self._inner.contract

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens."""
        return self._watch.run("counting tokens", self._inner.count_tokens, texts)

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions."""
        return self._watch.run("embedding", self._inner.embed_queries, texts)

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages."""
        return self._watch.run("embedding", self._inner.embed_passages, texts)

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed questions and their tokens."""
        return self._watch.run("embedding", self._inner.embed_query_tokens, texts, basis)

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed passages and their tokens."""
        return self._watch.run("embedding", self._inner.embed_passage_tokens, texts, basis)


class TimedDetector:
    """A language detector: stage ``detecting languages``."""

    def __init__(self, inner: LanguageDetector, watch: Stopwatch) -> None:
        self._inner = inner
        self._watch = watch
        self.version = inner.version

    def detect(self, text: str) -> Detection:
        """Detect the language of a text."""
        return self._watch.run("detecting languages", self._inner.detect, text)

    def plausible(self, text: str) -> tuple[Detection, ...]:
        """Detect the languages that a text may be in."""
        return self._watch.run("detecting languages", self._inner.plausible, text)


class TimedDense:
    """A factory of dense indexes: stages ``building the dense index`` and ``dense search``.

    ``sealed`` is the index that was loaded or built last, ``vectors`` and ``ids`` what it holds.
    """

    def __init__(self, inner: DenseIndexFactory, watch: Stopwatch) -> None:
        self._inner = inner
        self._watch = watch
        self.kind = inner.kind
        self.sealed: TimedDenseIndex | None = None

    @property
    def local(self) -> DenseIndexFactory:
        """What indexes the few passages that were just added."""
        return self if self._inner.local is self._inner else self._inner.local

    def bind(self, root: Path, fields: FieldsOf) -> TimedDense:
        """Become the factory of one knowledge base."""
        self._inner = self._inner.bind(root, fields)
        return self

    def collect_garbage(self, current: DenseIndex) -> None:
        """Remove what is searched no more."""
        assert isinstance(current, TimedDenseIndex)
        self._inner.collect_garbage(current.inner)

    def build(self, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Build an index."""
        index = self._watch.run("building the dense index", self._inner.build, ids, vectors)
        return self._timed(index, ids, vectors)

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Load an index."""
        stage = "opening the dense index"
        index = self._watch.run(stage, self._inner.load, folder, ids, vectors)
        return self._timed(index, ids, vectors)

    def _timed(self, index: DenseIndex, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        self.sealed = TimedDenseIndex(index, ids, vectors, self._watch)
        return self.sealed


class TimedDenseIndex:
    """A dense index: stage ``dense search``. Keeps the queries, and how many it was asked for."""

    def __init__(
        self, inner: DenseIndex, ids: Int64Array, vectors: VectorRows, watch: Stopwatch
    ) -> None:
        self.inner = inner
        self.ids = ids
        self.vectors = vectors
        self.asked: list[tuple[Float32Array, int]] = []
        self._watch = watch

    def __len__(self) -> int:
        return len(self.inner)

    def search(
        self, queries: Float32Array, k: int, allowed: IdSelector | None = None
    ) -> list[Ranking]:
        """Search."""
        self.asked.append((queries, k))
        return self._watch.run("dense search", self.inner.search, queries, k, allowed)

    def save(self, folder: Path) -> None:
        """Save."""
        self.inner.save(folder)


class TimedLexical:
    """A factory of lexical indexes: stages ``building the lexical index``, ``lexical search``."""

    def __init__(self, inner: LexicalIndexFactory, watch: Stopwatch) -> None:
        self._inner = inner
        self._watch = watch
        self.kind = inner.kind

    def bind(self, root: Path) -> TimedLexical:
        """Become the factory of one knowledge base."""
        self._inner = self._inner.bind(root)
        return self

    def collect_garbage(self, current: LexicalIndex) -> None:
        """Remove what is searched no more."""
        assert isinstance(current, TimedLexicalIndex)
        self._inner.collect_garbage(current.inner)

    def build(
        self, passages: Iterator[AnalysedPassage], *, in_memory: bool = False
    ) -> LexicalIndex:
        """Build an index."""
        stage = "building the lexical index"
        index = self._watch.run(stage, self._inner.build, passages, in_memory=in_memory)
        return TimedLexicalIndex(index, self._watch)

    def load(self, folder: Path) -> LexicalIndex:
        """Load an index."""
        index = self._watch.run("opening the lexical index", self._inner.load, folder)
        return TimedLexicalIndex(index, self._watch)


class TimedLexicalIndex:
    """A lexical index: stage ``lexical search``."""

    def __init__(self, inner: LexicalIndex, watch: Stopwatch) -> None:
        self.inner = inner
        self._watch = watch

    def __len__(self) -> int:
        return len(self.inner)

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count passages."""
        return self._watch.run("lexical search", self.inner.document_frequencies, terms)

    def search_weighted(
        self, weights: Mapping[str, float], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Search by weights."""
        found = self.inner.search_weighted
        return self._watch.run("lexical search", found, weights, k, allowed)

    def search_bm25(
        self, terms: Sequence[str], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Search by BM25."""
        return self._watch.run("lexical search", self.inner.search_bm25, terms, k, allowed)

    def save(self, folder: Path) -> None:
        """Save."""
        self.inner.save(folder)
