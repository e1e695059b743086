"""The ports: what the engine asks of the outside, each a Protocol that a connector fulfils.

Those of indexes are in ``index_ports``, and can be had from here as well. Vectors are C-contiguous
float32 with rows of unit length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from rag_engine.arrays import Float32Array, Int64Array
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.index_ports import (
    AnalysedPassage,
    ChunkFields,
    DenseIndex,
    DenseIndexFactory,
    FieldsOf,
    IdSelector,
    LexicalIndex,
    LexicalIndexFactory,
    Ranking,
    VectorRows,
)
from rag_engine.records import Document, Note, Problem

__all__ = [
    "AnalysedPassage",
    "ChunkFields",
    "DenseIndex",
    "DenseIndexFactory",
    "Detection",
    "EmbeddedKinds",
    "Embedder",
    "EmbedderContract",
    "FieldsOf",
    "Float32Array",
    "Generator",
    "IdSelector",
    "ImageEmbedder",
    "InstructedEmbedder",
    "Int64Array",
    "LanguageDetector",
    "LexicalIndex",
    "LexicalIndexFactory",
    "ListingDetector",
    "Loader",
    "Prompt",
    "Ranking",
    "ReadBeside",
    "Reranker",
    "SparseEmbedder",
    "SparseVector",
    "TokenEmbedder",
    "TokenVectors",
    "VectorRows",
]


@dataclass(frozen=True, slots=True)
class Detection:
    """A language (BCP-47, or ``und``) and how sure the detector is, 0 to 1."""

    language: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a generator is asked: instructions, numbered sources, the question.

    ``passages`` are the sources' texts in the order of their numbers, for generators that quote;
    ``passage_languages`` are their languages (BCP-47 or ``und``), ``passage_headings`` the titles
    and sections that they are of, and ``passage_scores`` those of the search, in the same order, if
    given.
    """

    system: str
    user: str
    question: str
    language: str
    passages: tuple[str, ...] = ()
    passage_languages: tuple[str, ...] = ()
    passage_headings: tuple[str, ...] = ()
    passage_scores: tuple[float, ...] = ()


@runtime_checkable
class Loader(Protocol):
    """Reads one file into documents.

    A loader may have a ``version`` (a text): files that it read are read again when that changes;
    ``max_bytes`` (a number): it refuses larger files, which are then not even hashed;
    ``in_encoding(name)``: a loader of text that reads files in a named encoding; and
    ``needs_extra`` (two texts, such as ``("ocr", "PIL")``): the extra of this package without
    which it reads nothing, and a module by which it is known to be installed.
    """

    suffixes: frozenset[str]
    """File name endings that this loader reads: lower case, with the dot."""

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield the documents of the file ``path``; ``source`` is its name in the knowledge base.

        A row that can not be read is yielded as a ``Problem``, and the next one is read. A file of
        which there is nothing but a ``Note`` was read, and holds no text.

        Raises:
            LoadError: the file can not be read as documents.
            LoadSkipped: what reads it is not installed; nothing is amiss with the file.
        """
        ...


@runtime_checkable
class LanguageDetector(Protocol):
    """Says which language a text is in.

    A detector may have ``accepts(version)``: whether it opens knowledge bases whose languages a
    detector of that version told.
    """

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
    """Turns texts into vectors. Query and passage are two methods: no prefix can be forgotten.

    It may have ``count_unknown(texts)``: how many characters of each text it can not read.
    """

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


@runtime_checkable
class InstructedEmbedder(Embedder, Protocol):
    """An embedder that may be told what questions ask for, if its model was trained for that."""

    def embed_instructed_queries(self, texts: Sequence[str], instruction: str) -> Float32Array:
        """Embed questions as ``embed_queries`` does, with another task than the model's usual one.

        Raises:
            InvalidInput: the model takes no instructions, or this is none.
        """
        ...


@runtime_checkable
class ImageEmbedder(Protocol):
    """Turns pictures and questions into vectors of one space."""

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        ...

    @property
    def contract(self) -> EmbedderContract:
        """What an index must know to be searched with the same vectors."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length."""
        ...

    def embed_images(self, images: Sequence[bytes]) -> Float32Array:
        """Embed pictures, JPEG or PNG files: ``(n_images, dimension)`` float32, unit rows.

        Raises:
            InvalidInput: one is no such file, or has too many pixels.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of one text: ``vectors`` ``(n, width)``, ``weights`` ``(n,)``, both float32.

    A vector is the model's, in the directions of a basis, over the length of the mean of all the
    text's: on the scale of unit vectors, so that what is subtracted from those can be from these.
    Tokens of the prompt and special tokens are left out. A token weighs its information,
    ``-log p``, in the tokenizer's unigram model; where a model was trained to weigh all alike, 1.
    """

    vectors: Float32Array
    weights: Float32Array


@runtime_checkable
class ReadBeside(Protocol):
    """An embedder whose model another thread may still read when it is handed over."""

    def ready(self) -> None:
        """Wait until it is read.

        Raises:
            ModelError: it can not be read.
        """
        ...


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that tells the vectors of single tokens too, from the same run of the model.

    It may have ``serves_basis(basis)``: whether it tells them in these directions; without, it does
    in any. One whose tokens have a space of their own has ``own_token_space``, a ``TokenSpace``.
    """

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


@dataclass(frozen=True, slots=True)
class SparseVector:
    """What the tokens of one text weigh: ``tokens`` ``(n,)`` int64, ``weights`` ``(n,)`` float32.

    Tokens are ids of the model's tokenizer, ascending and without repeats; weights are above 0.
    Two texts are as near as the inner product of their weights: the sum, over the tokens that both
    hold, of both weights (Chen et al. 2024, "BGE M3-Embedding", section 3.1).
    """

    tokens: Int64Array
    weights: Float32Array


@dataclass(frozen=True, slots=True)
class EmbeddedKinds:
    """Three kinds of vectors of some texts, from one run of the model.

    ``vectors`` is ``(n_texts, dimension)`` float32; ``sparse`` and, where they were asked for,
    ``tokens`` hold one for each text.
    """

    vectors: Float32Array
    sparse: list[SparseVector]
    tokens: list[TokenVectors] | None


@runtime_checkable
class SparseEmbedder(Embedder, Protocol):
    """An embedder that has learnt what tokens weigh, and tells it from the same run of the model.

    ``basis`` is that of ``TokenEmbedder``; None: no vectors of tokens are wanted.
    """

    def embed_query_kinds(
        self, texts: Sequence[str], basis: Float32Array | None = None
    ) -> EmbeddedKinds:
        """Embed questions as ``embed_queries`` does, with the weights of their tokens."""
        ...

    def embed_passage_kinds(
        self, texts: Sequence[str], basis: Float32Array | None = None
    ) -> EmbeddedKinds:
        """Embed passages as ``embed_passages`` does, with the weights of their tokens."""
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
