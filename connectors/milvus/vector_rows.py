"""What a collection of vectors is sent: its fields, its rows, and batches of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from rag_engine.ports import ChunkFields, FieldsOf, Float32Array, Int64Array, VectorRows

__all__ = ["Row", "add_fields", "in_batches", "rows_to_send", "vectors_digest"]

_FIELD_BYTES = 60_000
"""What one row's fields may take; Milvus's own limit is 65,536."""
_LOOKED_UP = 1_000
"""Passages whose fields are looked up at a time."""
_DIGESTED = 256

Row = tuple[dict[str, Any], int]
"""A row as Milvus takes it, and about how many bytes it has."""


def add_fields(dimension: int, schema: Any, types: Any) -> None:
    """Give a new collection's schema its fields, beside the id; ``types`` are pymilvus's."""
    schema.add_field("vector", types.FLOAT_VECTOR, dim=dimension)
    schema.add_field("language", types.VARCHAR, max_length=64)
    schema.add_field("document", types.JSON)
    schema.add_field("metadata", types.JSON)


def rows_to_send(
    ids: Int64Array, vectors: VectorRows, fields: FieldsOf | None, *, first: int
) -> Iterator[Row]:
    """Yield the rows of ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``, from ``first`` on.

    A row whose fields find no room has none.
    """
    for start in range(first, len(ids), _LOOKED_UP):
        some = ids[start : start + _LOOKED_UP]
        known: Mapping[int, ChunkFields] = fields(some) if fields else {}
        block = np.asarray(vectors[start : start + _LOOKED_UP], dtype=np.float32)
        for identifier, vector in zip(some.tolist(), block, strict=True):
            yield _row(identifier, vector, known.get(identifier, ChunkFields()))


def _row(identifier: int, vector: Float32Array, fields: ChunkFields) -> Row:
    parts = {"document": dict(fields.document), "metadata": dict(fields.metadata)}
    sizes = [len(json.dumps(part, ensure_ascii=False).encode()) for part in parts.values()]
    if max(sizes) > _FIELD_BYTES:
        parts = {name: {} for name in parts}
    data = {"id": identifier, "vector": vector, "language": fields.language, **parts}
    return data, vector.nbytes + sum(sizes)


def in_batches(rows: Iterable[Row], limit: int) -> Iterator[list[Row]]:
    """Gather rows until they have ``limit`` bytes.

    >>> [[data["id"] for data, _ in batch] for batch in in_batches([({"id": 1}, 5)] * 3, 10)]
    [[1, 1], [1]]
    """
    batch: list[Row] = []
    size = 0
    for row in rows:
        if batch and size + row[1] > limit:
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row[1]
    if batch:
        yield batch


def vectors_digest(ids: Int64Array, vectors: VectorRows) -> str:
    """Return a digest of the ids and of vectors here and there."""
    rows = np.linspace(0, len(ids) - 1, min(_DIGESTED, len(ids))).astype(np.intp)
    some = np.ascontiguousarray(vectors[rows], dtype=np.float32)
    return hashlib.sha256(ids.tobytes() + some.tobytes()).hexdigest()
