"""What an index promises about its vectors, and the gate that every vector passes."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.errors import InvalidVectors

__all__ = ["EmbedderContract", "checked_vectors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderContract:
    """Everything that must be equal for two vectors to be comparable.

    ``model`` is a name for people; ``weights`` identifies the weights (a SHA-256, or a revision).
    ``query_prompt`` and ``passage_prompt`` are put before each text. Precision and device are
    not part of it: they change a vector by less than they may.
    """

    model: str
    weights: str
    dimension: int
    pooling: str
    normalised: bool
    query_prompt: str
    passage_prompt: str
    max_tokens: int

    def as_dict(self) -> dict[str, str | int | bool]:
        """Return the fields as plain data for a manifest.

        >>> EmbedderContract(model="m", weights="w", dimension=2, pooling="mean", normalised=True,
        ...     query_prompt="query: ", passage_prompt="passage: ", max_tokens=512
        ... ).as_dict()["query_prompt"]
        'query: '
        """
        return asdict(self)


def checked_vectors(
    vectors: npt.ArrayLike, *, rows: int, dimension: int
) -> npt.NDArray[np.float32]:
    """Return ``vectors`` as C-contiguous float32 of shape ``(rows, dimension)``, unit rows.

    This is the one gate on the way into an index and into a search.

    Raises:
        InvalidVectors: another shape, NaN or infinity, or a row of zeros.

    >>> checked_vectors([[3.0, 4.0]], rows=1, dimension=2).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.shape != (rows, dimension):
        raise InvalidVectors(
            f"expected {rows} vectors of width {dimension}, got an array of shape {array.shape}; "
            "check that the embedder is the one that the knowledge base was built with"
        )
    if not np.isfinite(array).all():
        bad = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise InvalidVectors(
            f"vector {bad} of {rows} holds NaN or infinity; the embedder is faulty"
        )
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    if rows and float(norms.min()) < 1e-12:
        bad = int(np.argmin(norms))
        raise InvalidVectors(f"vector {bad} of {rows} is all zeros; the embedder is faulty")
    unit: npt.NDArray[np.float32] = array / norms
    return unit
