"""What is asked of this project's own service (``rag-engine serve``) beyond OpenAI's protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rag_engine.connectors.embedders.served_model import (
    Embeddings,
    ServedModel,
    TokenCounts,
    vectors_of,
)
from rag_engine.connectors.embedding_wire import INPUTS, batches, sendable
from rag_engine.connectors.openai_http import OpenAIEndpoint
from rag_engine.embedding.embedder_contract import checked_vectors
from rag_engine.errors import InvalidVectors
from rag_engine.ports import Float32Array

__all__ = ["OwnService"]

_LONGEST_TOKEN = 128
"""Characters of a text that are sent for each token that counts; the rest can not matter."""
_LONGEST_TEXT = 100_000
"""Characters of a text whose tokens are counted: far more than any passage has."""


class OwnService:
    """The service behind ``endpoint``, which said that its ``model`` is ``served``.

    The model reads ``max_tokens`` of a text; ``batch_size`` texts go into one request.
    """

    def __init__(
        self,
        endpoint: OpenAIEndpoint,
        *,
        model: str,
        served: ServedModel,
        max_tokens: int,
        batch_size: int,
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._served = served
        self._longest = max_tokens * _LONGEST_TOKEN
        self._batch_size = batch_size

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text by the model's own tokenizer.

        Raises:
            ServiceError: the server failed.
        """
        counts: list[int] = []
        for batch in batches([sendable(text, _LONGEST_TEXT) for text in texts], INPUTS):
            request = {"model": self._model, "input": batch}
            counts += self._endpoint.post("/token-counts", request, TokenCounts).of(batch)
        return counts

    def embed(
        self, input_type: Literal["query", "passage"], texts: Sequence[str], **more: object
    ) -> Iterator[tuple[Float32Array, Embeddings]]:
        """Yield the vectors of some texts after others, and the service's answer.

        ``more`` is what else the request says.

        Raises:
            InvalidVectors: vectors that are none, or it serves another model by now.
            ServiceError: the server failed.
        """
        for batch in batches([sendable(text, self._longest) for text in texts], self._batch_size):
            reply = self._ask(input_type, batch, **more)
            rows = vectors_of(reply, len(batch), self._model)
            checked_vectors(rows, rows=len(batch), dimension=self._served.dimension)
            yield rows, reply  # to the bit what the model computed

    def _ask(self, input_type: str, batch: Sequence[str], **more: object) -> Embeddings:
        """Ask for vectors; what it serves must be what it served.

        Raises:
            InvalidVectors: it serves another model by now.
            ServiceError: the server failed.
        """
        request = {
            "model": self._model,
            "input": list(batch),
            "encoding_format": "base64",
            "input_type": input_type,
            **more,
        }
        reply = self._endpoint.post("/embeddings", request, Embeddings)
        now = ServedModel.of(reply, self._served.dimension)
        if now != self._served:
            raise InvalidVectors(
                f"{self._endpoint!r} serves another model as {self._model!r} than it did: "
                f"{now.differences(self._served)}; open the knowledge base anew to see whether it "
                "fits"
            )
        return reply
