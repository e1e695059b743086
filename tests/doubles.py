"""Doubles for tests in which meaning does not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.ports import EmbeddedKinds, Float32Array, SparseVector


class HashEmbedder:
    """Unit vectors seeded by the text's SHA-256: equal texts are equal, others unrelated."""

    def __init__(self, dimension: int = 128) -> None:
        self.dimension = dimension
        self.max_tokens = 512
        self.contract = EmbedderContract(
            model="hash",
            weights=f"sha256 {dimension}",
            dimension=dimension,
            pooling="none",
            normalised=True,
            query_prompt="",
            passage_prompt="",
            max_tokens=512,
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [1 + len(text) // 4 for text in texts]

    def _embed(self, texts: Sequence[str]) -> Float32Array:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            seed = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big")
            vectors[row] = np.random.default_rng(seed).normal(size=self.dimension)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    embed_queries = _embed
    embed_passages = _embed


class SparseHashEmbedder(HashEmbedder):
    """One that tells what tokens weigh, too: each word its length, in all languages alike."""

    def _kinds(self, texts: Sequence[str], basis: Float32Array | None = None) -> EmbeddedKinds:
        sparse = []
        for text in texts:
            words = {
                int(hashlib.sha256(w.encode()).hexdigest()[:7], 16): len(w) for w in text.split()
            }
            tokens = sorted(words)
            weights = np.array([words[token] for token in tokens], np.float32)
            sparse.append(SparseVector(np.array(tokens, np.int64), weights))
        return EmbeddedKinds(self._embed(texts), sparse, None)

    embed_query_kinds = _kinds
    embed_passage_kinds = _kinds
