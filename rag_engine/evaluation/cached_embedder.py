"""An embedder that remembers: what it embedded once comes from a cache, to the last bit."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag_engine.calibration.model_fit import ModelFit, fit_of
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.ports import Embedder, Float32Array, TokenEmbedder, TokenVectors
from rag_engine.store.token_vectors import EightBits

__all__ = ["CachedEmbedder", "CachedTokenEmbedder", "Counts", "cached_embedder"]

Side = Literal["query", "passage"]

_PROBES = ("What does it weigh?", "Wie viele Tage sind es noch, und wer zählt sie?")
"""Texts whose vectors tell how this machine computes."""
_HEAD = struct.Struct("<BII")
"""How token vectors are kept, how many there are, and their width."""
_AS_COMPUTED, _AS_STORED = 0, 1


@dataclass(slots=True)
class Counts:
    """How many different texts were asked for: those known before, and those embedded now."""

    known: int = 0
    embedded: int = 0

    @property
    def all(self) -> int:
        """How many there were."""
        return self.known + self.embedded


class CachedEmbedder:
    """An ``Embedder`` that asks another only for texts that its cache does not hold.

    A vector is found by the embedder's contract, by what the vectors of two fixed texts are (so
    that another precision, runtime or processor is another embedder; not where ``is_remote``, as
    a server may answer the same question with other last bits), by question or passage, and by the
    text. It comes back bit by bit as it was computed.

    Texts go on in the calls they came in, without those that are known: of an empty cache and of a
    full one the vectors are those without a cache. Some runtimes give a text another vector beside
    other texts (eight-bit arithmetic moves a component by some thousandths). So where a call is
    known in part, or names a text twice, vectors may differ by that from those without a cache;
    what is kept does not change any more, and the next run has the same.
    """

    def __init__(self, embedder: Embedder, cache: VectorCache, *, is_remote: bool = False) -> None:
        self._embedder = embedder
        self._cache = cache
        self._seen: set[bytes] = set()
        self.counts: dict[Side, Counts] = {"query": Counts(), "passage": Counts()}
        contract = json.dumps(embedder.contract.as_dict(), sort_keys=True).encode()
        probes = b""
        if not is_remote:
            for embed in (embedder.embed_queries, embedder.embed_passages):
                probes += np.ascontiguousarray(embed(_PROBES), np.float32).tobytes()
        self._identity = hashlib.blake2b(contract + probes, digest_size=32).digest()

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._embedder.dimension

    @property
    def max_tokens(self) -> int:
        """How many tokens of one text the model reads, prompt and special tokens included."""
        return self._embedder.max_tokens

    @property
    def contract(self) -> EmbedderContract:
        """That of the embedder that is asked."""
        return self._embedder.contract

    @property
    def fit(self) -> ModelFit | None:
        """What was fitted to the model of the embedder that is asked, if anything."""
        return fit_of(self._embedder)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the model's own tokens of each text, without prompt and special tokens."""
        return self._embedder.count_tokens(texts)

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length."""
        return self._vectors("query", texts)

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages: ``(n_texts, dimension)`` float32, rows of unit length."""
        return self._vectors("passage", texts)

    def _vectors(self, side: Side, texts: Sequence[str]) -> Float32Array:
        keys = [self._key(side, text) for text in _listed(texts)]
        found = self._cache.found(set(keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        self._count(side, keys, missing)
        if missing:
            self._cache.keep(self._computed(side, list(missing.values())))
            found |= self._cache.found(missing)
        return self._stacked(found, keys)

    def _computed(self, side: Side, texts: list[str]) -> dict[bytes, bytes]:
        """Return the entries of texts that are not known."""
        embed = self._embedder.embed_queries if side == "query" else self._embedder.embed_passages
        return self._entries(side, texts, embed(texts))

    def _entries(self, side: Side, texts: list[str], vectors: Float32Array) -> dict[bytes, bytes]:
        checked_vectors(vectors, rows=len(texts), dimension=self.dimension)
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        return {self._key(side, text): row.tobytes() for text, row in zip(texts, rows, strict=True)}

    def _stacked(self, found: dict[bytes, bytes], keys: list[bytes]) -> Float32Array:
        stacked = np.empty((len(keys), self.dimension), np.float32)
        for row, key in enumerate(keys):
            if len(found[key]) != stacked[row].nbytes:
                raise self._cache.damaged(key)
            stacked[row] = np.frombuffer(found[key], np.float32)
        return stacked

    def _key(self, side: Side, text: str, more: bytes = b"") -> bytes:
        content = b"\0".join((side.encode(), more, text.encode("utf-8", "surrogatepass")))
        return hashlib.blake2b(content, key=self._identity, digest_size=16).digest()

    def _count(self, side: Side, keys: list[bytes], missing: dict[bytes, str]) -> None:
        for key in set(keys) - self._seen:
            self._seen.add(key)
            if key in missing:
                self.counts[side].embedded += 1
            else:
                self.counts[side].known += 1


class CachedTokenEmbedder(CachedEmbedder):
    """A ``TokenEmbedder`` that remembers.

    With a ``basis``, that of the tokens that will be asked for, a text's vector and those of its
    tokens are computed together, whichever is wanted first. Those of a passage's tokens are what
    an index with eight bits a number keeps of them (``EightBits``), those of a question as
    computed.
    """

    def __init__(
        self,
        embedder: TokenEmbedder,
        cache: VectorCache,
        *,
        basis: Float32Array | None = None,
        is_remote: bool = False,
    ) -> None:
        super().__init__(embedder, cache, is_remote=is_remote)
        self._token_embedder = embedder
        self._basis = basis

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed questions as ``embed_queries`` does, with their tokens."""
        return self._with_tokens("query", texts, basis)

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed passages as ``embed_passages`` does, with their tokens."""
        return self._with_tokens("passage", texts, basis)

    def _with_tokens(
        self, side: Side, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        space = _space_key(side, basis)
        keys = [self._key(side, text) for text in _listed(texts)]
        token_keys = [self._key(side, text, space) for text in texts]
        found = self._cache.found({*keys, *token_keys})
        missing = {
            key: text
            for key, token_key, text in zip(keys, token_keys, texts, strict=True)
            if key not in found or token_key not in found
        }
        self._count(side, keys, missing)
        if missing:
            self._cache.keep(self._computed_tokens(side, list(missing.values()), basis))
            found |= self._cache.found({*keys, *token_keys} - found.keys())
        tokens = []
        for key in token_keys:
            try:
                tokens.append(_read(found[key]))
            except (ValueError, struct.error) as error:
                raise self._cache.damaged(key) from error
        return self._stacked(found, keys), tokens

    def _computed(self, side: Side, texts: list[str]) -> dict[bytes, bytes]:
        if self._basis is None:
            return super()._computed(side, texts)
        return self._computed_tokens(side, texts, self._basis)

    def _computed_tokens(
        self, side: Side, texts: list[str], basis: Float32Array
    ) -> dict[bytes, bytes]:
        embedder = self._token_embedder
        embed = embedder.embed_query_tokens if side == "query" else embedder.embed_passage_tokens
        vectors, tokens = embed(texts, basis)
        entries = self._entries(side, texts, vectors)
        space = _space_key(side, basis)
        for text, its_tokens in zip(texts, tokens, strict=True):
            entries[self._key(side, text, space)] = _written(its_tokens, packed=side == "passage")
        return entries


def cached_embedder(
    embedder: Embedder,
    cache: VectorCache,
    *,
    basis: Float32Array | None = None,
    is_remote: bool = False,
) -> CachedEmbedder:
    """Return the embedder with a memory; it fulfils ``TokenEmbedder`` if that one does.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from rag_engine.components import default_components
    >>> from rag_engine.settings import Settings
    >>> model = default_components(Settings()).embedder
    >>> with tempfile.TemporaryDirectory() as folder, VectorCache(Path(folder)) as cache:
    ...     for _ in range(2):
    ...         remembering = cached_embedder(model, cache)
    ...         print(remembering.embed_queries(["Wer haftet?"]).shape, remembering.counts["query"])
    (1, 384) Counts(known=0, embedded=1)
    (1, 384) Counts(known=1, embedded=0)
    """
    if isinstance(embedder, TokenEmbedder):
        return CachedTokenEmbedder(embedder, cache, basis=basis, is_remote=is_remote)
    return CachedEmbedder(embedder, cache, is_remote=is_remote)


def _listed(texts: Sequence[str]) -> Sequence[str]:
    if isinstance(texts, str):
        raise InvalidInput(
            f"expected a list of texts, got one text {texts[:40]!r}; put it in a list"
        )
    return texts


def _space_key(side: Side, basis: Float32Array) -> bytes:
    """Return what token vectors depend on beside the text: for passages, also how they are kept."""
    content = repr(basis.shape).encode() + np.ascontiguousarray(basis, np.float32).tobytes()
    if side == "passage":
        content += EightBits(4).pack(np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4))
    return hashlib.blake2b(content, digest_size=16).digest()


def _written(tokens: TokenVectors, *, packed: bool) -> bytes:
    """Return tokens as bytes; ``packed`` where an index would keep the same of what is read."""
    vectors = np.ascontiguousarray(tokens.vectors, np.float32)
    weights = np.ascontiguousarray(tokens.weights, np.float32).tobytes()
    count, width = vectors.shape
    if packed and count:
        code = EightBits(width)
        data = code.pack(vectors)
        if code.pack(_unpacked(data, width)) == data:
            return _HEAD.pack(_AS_STORED, count, width) + weights + data
    return _HEAD.pack(_AS_COMPUTED, count, width) + weights + vectors.tobytes()


def _read(data: bytes) -> TokenVectors:
    """Return the tokens that ``_written`` wrote; a ValueError where it can not be."""
    form, count, width = _HEAD.unpack_from(data)
    weights = np.frombuffer(data, np.float32, count, _HEAD.size)
    rest = data[_HEAD.size + weights.nbytes :]
    if form == _AS_STORED and len(rest) == count * (width + 2):
        return TokenVectors(_unpacked(rest, width), weights)
    vectors = np.frombuffer(rest, np.float32)
    return TokenVectors(vectors.reshape(count, width), weights)


def _unpacked(data: bytes, width: int) -> Float32Array:
    return EightBits(width).unpack({0: data}, [0]).vectors
