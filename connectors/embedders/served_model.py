"""What a server of embeddings answers, and what this project's own tells there of its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from rag_engine.connectors.embedding_wire import unpacked_vector
from rag_engine.connectors.openai_http import Reply
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.errors import InvalidVectors, ServiceMalformed
from rag_engine.ports import Float32Array

__all__ = ["Embeddings", "ServedModel", "TokenCounts", "vectors_of"]


class Row(Reply):
    """One vector, and those of the text's tokens where they were asked for."""

    index: int
    embedding: list[float] | str = Field(min_length=1)
    token_vectors: str | None = None
    token_weights: str | None = None


class Contract(Reply):
    """What this project's service says of its model."""

    model: str
    weights: str
    dimension: int = Field(ge=1)
    pooling: str
    normalised: bool
    query_prompt: str
    passage_prompt: str
    max_tokens: int = Field(ge=1)
    token_basis: str | None = None


class Embeddings(Reply):
    """Vectors; ``contract`` comes from this project's service alone."""

    data: list[Row]
    contract: Contract | None = None

    def tokens(self) -> list[tuple[str, str]]:
        """Return the packed vectors and weights of each text's tokens, in the texts' order.

        Raises:
            ServiceMalformed: a text has none.
        """
        packed: list[tuple[str, str]] = []
        for row in sorted(self.data, key=lambda row: row.index):
            if row.token_vectors is None or row.token_weights is None:
                raise ServiceMalformed(f"text {row.index} has no vectors of its tokens")
            packed.append((row.token_vectors, row.token_weights))
        return packed


class TokenCounts(Reply):
    """The numbers of tokens of texts."""

    counts: list[int]

    def of(self, texts: Sequence[str]) -> list[int]:
        """Return the counts of ``texts``.

        Raises:
            ServiceMalformed: there are more or fewer.
        """
        if len(self.counts) != len(texts):
            raise ServiceMalformed(f"{len(texts)} texts, and {len(self.counts)} counts of tokens")
        return self.counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What a server serves: the width of a vector, and what this project's own says besides."""

    dimension: int
    contract: EmbedderContract | None = None
    token_basis: str | None = None

    @classmethod
    def of(cls, reply: Embeddings, width: int) -> ServedModel:
        """Read what a reply tells; its vectors are ``width`` wide."""
        told = reply.contract
        if told is None:
            return cls(dimension=width)
        contract = EmbedderContract(**told.model_dump(exclude={"token_basis"}))
        return cls(dimension=contract.dimension, contract=contract, token_basis=told.token_basis)

    def differences(self, other: ServedModel) -> str:
        """Tell in which fields of the contract this one differs from another, for people."""
        ours, theirs = (
            {} if one.contract is None else one.contract.as_dict() for one in (self, other)
        )
        fields = [name for name in theirs if ours.get(name) != theirs[name]]
        return (
            ", ".join(
                f"{name} {ours.get(name)!r:.80}, before {theirs[name]!r:.80}" for name in fields
            )
            or "the basis of its tokens' vectors"
        )


def vectors_of(reply: Embeddings, count: int, model: str) -> Float32Array:
    """Return the vectors of ``count`` texts in their order, ``(n, width)``, as they were sent.

    Raises:
        ServiceMalformed: they are not those of so many texts.
        InvalidVectors: they have different widths, or are no numbers.
    """
    if sorted(row.index for row in reply.data) != list(range(count)):
        raise ServiceMalformed(
            f"the embeddings of {model!r} can not be used: {count} texts, and embeddings with the "
            f"indexes {[row.index for row in reply.data]!r:.120}"
        )
    if reply.contract is None and any(isinstance(row.embedding, str) for row in reply.data):
        raise ServiceMalformed(f"the embeddings of {model!r} can not be used: texts, not numbers")
    vectors = [
        unpacked_vector(row.embedding) if isinstance(row.embedding, str) else row.embedding
        for row in sorted(reply.data, key=lambda row: row.index)
    ]
    if len({len(vector) for vector in vectors}) > 1:
        raise InvalidVectors(f"{model!r} sent vectors of different widths")
    with np.errstate(over="ignore"):  # what is too great becomes infinite, and is refused
        return np.array(vectors, np.float64).astype(np.float32)
