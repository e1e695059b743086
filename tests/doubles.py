"""Doubles for tests in which meaning does not matter."""

from __future__ import annotations

import hashlib
import io
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


COLOURS = {"red": (220, 20, 20), "green": (20, 180, 20), "blue": (20, 20, 220)}
"""What ``ColourImages`` knows, in RGB."""


class ColourImages:
    """An ``ImageEmbedder`` that sees one of three colours; all else is noise seeded by its hash."""

    dimension = 32

    def __init__(self, weights: str = "colours 1") -> None:
        self.contract = EmbedderContract(
            model="colours",
            weights=weights,
            dimension=self.dimension,
            pooling="image",
            normalised=True,
            query_prompt="",
            passage_prompt="",
            max_tokens=77,
        )

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        return self._unit([(text.encode(), [c in text.lower() for c in COLOURS]) for text in texts])

    def embed_images(self, images: Sequence[bytes]) -> Float32Array:
        from PIL import Image

        seen = []
        for data in images:
            with Image.open(io.BytesIO(data)) as image:
                middle = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
            far = [np.abs(np.subtract(middle, colour)).max() for colour in COLOURS.values()]
            seen.append((data, [distance < 60 for distance in far]))
        return self._unit(seen)

    def _unit(self, seen: Sequence[tuple[bytes, list[bool]]]) -> Float32Array:
        vectors = np.empty((len(seen), self.dimension), dtype=np.float32)
        for row, (content, colours) in enumerate(seen):
            seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
            noise = np.random.default_rng(seed).normal(size=self.dimension)
            vectors[row] = 0.5 * noise / np.linalg.norm(noise)
            vectors[row, : len(COLOURS)] += colours
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
