"""Corpora of any size that behave like real ones.

A million real passages are hours of embedding, so beyond the real ones they are drawn.

*Vectors.* Each real vector is its language's mean and a rest that says what the passage is about.
A drawn one is the mean of a language with the rests of three passages a, b and c::

    mean + (rest_a + s * (rest_b - rest_c)) / sqrt(1 + 2 * s**2),   s = 0.25, scaled to unit length

which keeps mean and covariance of the real ones and makes as many different ones as are wanted.
``bench search`` compares recall on real and on drawn vectors. The vectors of its tokens are those
of passage a.

*Texts.* Words are drawn from a language's vocabulary by the law of Zipf and Mandelbrot, frequency
proportional to ``1 / (rank + 2.7)``: the real words first, by their own frequency, then words put
together from halves of real ones. A number makes each text unique.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag_engine.calibration.token_space import TokenSpace
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.ports import Float32Array, LanguageDetector, TokenEmbedder, TokenVectors
from rag_engine.records import Document

__all__ = ["DrawnCorpus", "DrawnEmbedder"]

_SPREAD = 0.25
_VOCABULARY = 20_000
_SHIFT = 2.7
_WORDS = 60
_LONGEST_WORD = 24
_MARK = "No."
_SPACELESS = ("zh", "ja", "th")
_PIECE = 2


@dataclass(frozen=True)
class _Language:
    words: tuple[str, ...]
    cumulated: Float32Array
    joined_by: str


class DrawnCorpus:
    """Documents, their vectors and their tokens' vectors, drawn after real ones.

    The number of a document decides everything about it. ``real`` documents are embedded.
    """

    def __init__(
        self,
        real: Sequence[Document],
        embedder: TokenEmbedder,
        space: TokenSpace,
        detector: LanguageDetector,
    ) -> None:
        self.real = real
        texts = [each.text for each in real]
        self.vectors, self.tokens = embedder.embed_passage_tokens(texts, space.basis)
        languages = [detector.detect(text).language for text in texts]
        self._names = sorted(set(languages))
        codes = np.array([self._names.index(each) for each in languages])
        self._means = np.array(
            [self.vectors[codes == code].mean(axis=0) for code in range(len(self._names))]
        )
        self._rests = self.vectors - self._means[codes]
        self._shares = np.bincount(codes) / len(codes)
        self._languages = [
            _language(
                [text for text, its in zip(texts, languages, strict=True) if its == name], name
            )
            for name in self._names
        ]

    def _choices(self, number: int) -> tuple[np.random.Generator, int, list[int]]:
        random = np.random.default_rng([20_261_125, number])
        language = int(random.choice(len(self._names), p=self._shares))
        return random, language, random.integers(len(self.real), size=3).tolist()

    def document(self, number: int) -> Document:
        """Draw the text of a document."""
        random, language, _ = self._choices(number)
        drawn = self._languages[language]
        count = random.integers(_WORDS // 2, _WORDS * 3 // 2)
        places = np.searchsorted(drawn.cumulated, random.random(count, dtype=np.float32))
        text = drawn.joined_by.join(drawn.words[place] for place in places)
        return Document(id=f"drawn-{number}", text=f"{text} {_MARK}{number}")

    def documents(self, count: int) -> Iterator[Document]:
        """Return the real documents, and drawn ones until there are ``count``."""
        drawn = map(self.document, itertools.count())
        return itertools.islice(itertools.chain(self.real, drawn), count)

    def vector(self, number: int) -> Float32Array:
        """Draw the vector of a document, ``(dimension,)`` of unit length."""
        _, language, (a, b, c) = self._choices(number)
        rest = self._rests[a] + _SPREAD * (self._rests[b] - self._rests[c])
        vector: Float32Array = self._means[language] + rest / np.sqrt(1 + 2 * _SPREAD**2)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def token_vectors(self, number: int) -> TokenVectors:
        """Return the vectors of a document's tokens, those of a real passage."""
        return self.tokens[self._choices(number)[2][0]]


def _language(texts: Sequence[str], name: str) -> _Language:
    spaceless = name in _SPACELESS
    if spaceless:
        pieces = ["".join(text.split()) for text in texts]
        words = [
            piece[start : start + _PIECE] for piece in pieces for start in range(0, len(piece), 2)
        ]
    else:
        words = [word[:_LONGEST_WORD] for text in texts for word in text.split()]
    ranked = [word for word, _ in Counter(words).most_common(_VOCABULARY)]
    random = np.random.default_rng(len(ranked))
    invented: dict[str, None] = {}
    for one, other in zip(*(random.integers(len(ranked), size=(2, 2 * _VOCABULARY))), strict=True):
        head, tail = ranked[one], ranked[other]
        invented[head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :]] = None
    everything = tuple(dict.fromkeys([*ranked, *invented]))[:_VOCABULARY]
    shares = 1 / (np.arange(1, len(everything) + 1) + _SHIFT)
    cumulated = np.cumsum(shares / shares.sum()).astype(np.float32)
    cumulated[-1] = 1.0
    return _Language(everything, cumulated, "" if spaceless else " ")


class DrawnEmbedder:
    """The embedder of a drawn corpus: what was drawn for its texts, and questions for real.

    A text with a document's number at its end gets what was drawn for that number; every other
    text is embedded.
    """

    def __init__(self, inner: TokenEmbedder, corpus: DrawnCorpus) -> None:
        self._inner = inner
        self._corpus = corpus

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
        """The inner embedder's contract: the vectors are compared with its own."""
        return self._inner.contract

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate: so many texts are not counted for nothing; none is cut in two."""
        return [len(text) // 8 for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions."""
        return self._inner.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Draw, or embed, passages."""
        return self.embed_passage_tokens(texts, np.zeros((0, self.dimension), np.float32))[0]

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed questions and their tokens."""
        return self._inner.embed_query_tokens(texts, basis)

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Draw, or embed, passages and their tokens."""
        known = {each.text: row for row, each in enumerate(self._corpus.real)}
        vectors: list[Float32Array] = []
        tokens: list[TokenVectors | None] = []
        others = []
        for place, text in enumerate(texts):
            _, marked, number = text.rpartition(_MARK)
            if marked and number.isdecimal():
                vectors.append(self._corpus.vector(int(number)))
                tokens.append(self._corpus.token_vectors(int(number)))
            elif text in known:
                vectors.append(self._corpus.vectors[known[text]])
                tokens.append(self._corpus.tokens[known[text]])
            else:
                vectors.append(np.zeros(self.dimension, np.float32))
                tokens.append(None)
                others.append(place)
        if others:
            found, their_tokens = self._inner.embed_passage_tokens(
                [texts[place] for place in others], basis
            )
            for place, vector, each in zip(others, found, their_tokens, strict=True):
                vectors[place], tokens[place] = vector, each
        joined = np.array(vectors, np.float32).reshape(-1, self.dimension)
        return joined, [each for each in tokens if each is not None]
