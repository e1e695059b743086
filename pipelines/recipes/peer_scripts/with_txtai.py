"""txtai: its embeddings database with ``hybrid=True``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from peer import DEPTH, measure
from txtai import Embeddings


def build(
    model: str, ids: list[str], texts: list[str], vectors: Any
) -> Callable[[str], Sequence[str]]:
    """Index the corpus; vectors that are given are not computed."""
    settings: dict[str, Any] = {"hybrid": True}
    if vectors is None:
        settings |= {
            "path": model,
            "method": "sentence-transformers",
            "instructions": {"query": "query: ", "data": "passage: "},
        }
    else:
        from sentence_transformers import SentenceTransformer

        encoder = SentenceTransformer(model, device="cpu")
        known = dict(zip(texts, vectors, strict=True))

        def transform(inputs: Sequence[str]) -> Any:
            if all(each in known for each in inputs):
                return np.array([known[each] for each in inputs], dtype=np.float32)
            return encoder.encode_query(list(inputs), show_progress_bar=False)

        settings |= {"method": "external", "transform": transform}
    embeddings = Embeddings(**settings)
    embeddings.index(zip(ids, texts, strict=True))
    return lambda question: [each for each, _ in embeddings.search(question, DEPTH)]


measure(build)
