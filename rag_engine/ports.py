"""The ports: what the engine asks of the outside, each a Protocol that a connector fulfils.

Vectors are C-contiguous float32 with rows of unit length; ids are int64 and positive. Every
``search`` returns its results by score descending, then id ascending, and never an id below 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.filters import Filter
from rag_engine.records import Document, Problem

__all__ = [
    "DenseIndex",
    "DenseIndexFactory",
    "Detection",
    "Embedder",
    "EmbedderContract",
    "Float32Array",
    "Generator",
    "Int64Array",
    "LanguageDetector",
    "LexicalIndex",
    "LexicalIndexFactory",
    "ListingDetector",
    "Loader",
    "Prompt",
    "Ranking",
    "Reranker",
    "Restriction",
    "Terms",
    "TokenEmbedder",
    "TokenVectors",
    "VectorRows",
]

Float32Array = npt.NDArray[np.float32]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Detection:
    """A language (BCP-47, or ``und``) and how sure the detector is, 0 to 1."""

    language: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ids with their scores, best first; both arrays have shape ``(n,)``."""

    ids: Int64Array
    scores: Float32Array


@dataclass(frozen=True, slots=True)
class Restriction:
    """Which ids a search may return: only ``ids``, or (``exclude``) all but ``ids``.

    ``ids`` is sorted ascending without repeats, shape ``(n,)``. ``where`` is the filter that chose
    them (fewer of them may be left), for an index that can filter by itself.
    """

    ids: Int64Array
    exclude: bool = False
    where: Filter | None = None

    def allows(self, ids: Int64Array) -> npt.NDArray[np.bool_]:
        """Tell for each id whether it may be returned.

        >>> Restriction(np.array([2, 5]), exclude=True).allows(np.array([1, 2, 3])).tolist()
        [True, False, True]
        """
        return np.isin(ids, self.ids, invert=self.exclude)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One passage as the lexical index stores it: its terms, repeated as often as they occur."""

    id: int
    terms: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a generator is asked: instructions, numbered sources, the question.

    ``passages`` are the sources' texts in the order of their numbers, for generators that quote.
    """

    system: str
    user: str
    question: str
    language: str
    passages: tuple[str, ...] = ()


@runtime_checkable
class Loader(Protocol):
    """Reads one file into documents.

    A loader may have a ``version`` (a text): files that it read are read again when that changes.
    """

    suffixes: frozenset[str]
    """File name endings that this loader reads: lower case, with the dot."""

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        """Yield the documents of the file ``path``; ``source`` is its name in the knowledge base.

        A row that can not be read is yielded as a ``Problem``, and the next one is read.

        Raises:
            LoadError: the file can not be read as documents.
        """
        ...


@runtime_checkable
class LanguageDetector(Protocol):
    """Says which language a text is in."""

    version: str
    """Changes when the same text may be detected differently; part of the index contract."""

    def detect(self, text: str) -> Detection:
        """Return the likeliest language, or ``und`` when it can not be told."""
        ...

    def plausible(self, text: str) -> tuple[Detection, ...]:
        """Return every language that the text may well be in, likeliest first, never empty."""
        ...


@runtime_checkable
class ListingDetector(LanguageDetector, Protocol):
    """A detector that tells which languages it can tell."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages (BCP-47, primary subtags) that it may find."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors. Query and passage are two methods: no prefix can be forgotten."""

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """How many tokens of one text the model reads, prompt and special tokens included."""
        ...

    @property
    def contract(self) -> EmbedderContract:
        """What an index must know to be searched with the same vectors."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the model's own tokens of each text, without prompt and special tokens."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages: ``(n_texts, dimension)`` float32, rows of unit length."""
        ...


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of one text: ``vectors`` ``(n, width)``, ``weights`` ``(n,)``, both float32.

    A vector is the model's, in the directions of a basis, over the length of the mean of all the
    text's: on the scale of unit vectors, so that what is subtracted from those can be from these.
    Tokens of the prompt and special tokens are left out. A token weighs its information,
    ``-log p``, in the tokenizer's unigram model.
    """

    vectors: Float32Array
    weights: Float32Array


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that tells the vectors of single tokens too, from the same run of the model."""

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed questions as ``embed_queries`` does, with their tokens.

        ``basis`` ``(width, dimension)`` has orthonormal rows.
        """
        ...

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed passages as ``embed_passages`` does, with their tokens."""
        ...


class VectorRows(Protocol):
    """Vectors ``(n, dimension)``, made or read where they are asked for; or simply an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, dimension)``."""
        ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Return the vectors of a slice, or of an array of rows: float32 or float16."""
        ...


@runtime_checkable
class DenseIndex(Protocol):
    """Nearest vectors by inner product."""

    def __len__(self) -> int:
        """Count the vectors."""
        ...

    def search(
        self, queries: Float32Array, k: int, restriction: Restriction | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer."""
        ...

    def save(self, folder: Path) -> None:
        """Write the index into the existing empty ``folder``; the caller makes it durable."""
        ...


class DenseIndexFactory(Protocol):
    """Builds and loads one kind of dense index."""

    @property
    def kind(self) -> str:
        """The kind's name, written into the manifest of a generation."""
        ...

    def build(self, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Index ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``, sorted ascending."""
        ...

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Load what ``save`` wrote; ``ids`` and ``vectors`` are those that it was built from.

        Raises:
            StoreCorrupt: the files do not fit the ids, or can not be read.
        """
        ...


@runtime_checkable
class LexicalIndex(Protocol):
    """An inverted index over terms that the engine's analyser made."""

    def __len__(self) -> int:
        """Count the passages."""
        ...

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it, shape ``(n_terms,)``."""
        ...

    def search_weighted(
        self, weights: Mapping[str, float], k: int, restriction: Restriction | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold.

        A term counts once however often it occurs. Passages that hold none are not returned.
        """
        ...

    def search_bm25(
        self, terms: Sequence[str], k: int, restriction: Restriction | None = None
    ) -> Ranking:
        """Return the ``k`` best passages by Okapi BM25 (k1 = 1.2, b = 0.75)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the index into the existing empty ``folder``; the caller makes it durable."""
        ...


class LexicalIndexFactory(Protocol):
    """Builds and loads one kind of lexical index."""

    @property
    def kind(self) -> str:
        """The kind's name, written into the manifest of a generation."""
        ...

    def build(self, passages: Iterator[Terms], *, in_memory: bool = False) -> LexicalIndex:
        """Index the passages; ids come ascending and without repeats.

        An index built ``in_memory`` is quicker to make when it is small, and is never saved.
        """
        ...

    def load(self, folder: Path) -> LexicalIndex:
        """Load what ``save`` wrote.

        Raises:
            StoreCorrupt: the files can not be read.
        """
        ...


@runtime_checkable
class Reranker(Protocol):
    """Scores question and passage together."""

    @property
    def name(self) -> str:
        """The model's name, as a report shows it."""
        ...

    def score(self, question: str, passages: Sequence[str]) -> Float32Array:
        """Score each passage, shape ``(n_passages,)``; higher is better."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Writes an answer from a prompt."""

    @property
    def name(self) -> str:
        """What wrote the answer, as a reader is told."""
        ...

    @property
    def quotes(self) -> bool:
        """Whether it only quotes its sources, each in its own language.

        An answer of such a generator is not asked for again in another language.
        """
        ...

    def generate(self, prompt: Prompt) -> Iterator[str]:
        """Yield the answer piece by piece.

        Raises:
            ServiceError: a remote model failed.
        """
        ...
