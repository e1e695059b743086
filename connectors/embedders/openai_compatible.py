"""Vectors from any server that speaks OpenAI's embeddings protocol."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import numpy as np
from pydantic import Field, SecretStr

from rag_engine.connectors.openai_http import OpenAIEndpoint, Reply
from rag_engine.connectors.token_estimates import clipped, estimated_tokens
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.embedding.prompts import instructed, resolve_prompts
from rag_engine.errors import InvalidInput, InvalidVectors, ServiceMalformed, ServiceRefused
from rag_engine.ports import Float32Array

__all__ = ["OpenAICompatibleEmbedder"]

_MAY_BE_TOO_LONG = frozenset({400, 413, 422, 500})
"""What servers answer to a text of more tokens than they read; 500 is llama.cpp's."""
_SHORT_ENOUGH = 64
"""Characters that every model reads: who refuses them has another reason."""

_log = logging.getLogger(__name__)


class OpenAICompatibleEmbedder:
    """An ``Embedder`` that asks ``{base_url}/embeddings``. Safe to share between threads.

    ``base_url`` goes up to and with ``/v1``; ``model`` is the name that the server knows. The key
    is ``api_key``, else what the environment variable ``api_key_env`` holds; ``address_stored`` is
    as in ``OpenAIEndpoint``. Prompts that are not stated are those of the model's family (see
    ``resolve_prompts``). ``batch_size`` texts go into one request. Of a text longer than
    ``max_tokens`` (estimated, as the server's tokenizer is out of reach) the beginning is sent, and
    less of it if the server still refuses. The first use asks the server how wide its vectors are.

    A server does not say which weights it serves, so the contract can not notice when another
    model appears under the same name, unless its vectors have another width.

    Raises:
        InvalidInput: a number out of range.
        SettingsError: an address or a key that can not be used.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key: SecretStr | None = None,
        api_key_env: str = "RAG_ENGINE_EMBEDDINGS_API_KEY",
        address_stored: bool = False,
        timeout_s: float = 60.0,
        max_retries: int = 2,
        backoff_s: float = 0.5,
        batch_size: int = 64,
        max_tokens: int = 512,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
    ) -> None:
        if not model or batch_size < 1 or max_tokens < 1:
            raise InvalidInput(
                "an embedder needs a model's name, and batch_size and max_tokens of at least 1; "
                f"got {model!r}, {batch_size!r} and {max_tokens!r}"
            )
        self._model = model
        self._batch_size = batch_size
        self._max_tokens = max_tokens
        self._prompts = resolve_prompts(
            model, query_prompt=query_prompt, passage_prompt=passage_prompt
        )
        self._endpoint = OpenAIEndpoint(
            base_url=base_url,
            api_key=api_key,
            api_key_env=api_key_env,
            timeout_s=timeout_s,
            max_retries=max_retries,
            backoff_s=backoff_s,
            address_stored=address_stored,
        )
        self._width: int | None = None
        self._width_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"OpenAICompatibleEmbedder(model={self._model!r}, endpoint={self._endpoint!r})"

    @property
    def dimension(self) -> int:
        """The width of a vector; the first use asks the server.

        Raises:
            ServiceError: the server failed.
        """
        with self._width_lock:
            if self._width is None:
                self._width = len(self._request(["width"])[0])
            return self._width

    @property
    def max_tokens(self) -> int:
        """How many tokens of one text are sent, prompt included; an estimate."""
        return self._max_tokens

    @property
    def contract(self) -> EmbedderContract:
        """What an index must know; the first use asks the server for the width.

        Raises:
            ServiceError: the server failed.
        """
        return EmbedderContract(
            model=self._model,
            weights="served",
            dimension=self.dimension,
            pooling="served",
            normalised=True,
            query_prompt=self._prompts.query,
            passage_prompt=self._prompts.passage,
            max_tokens=self._max_tokens,
        )

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate the tokens of each text, rather too many than too few."""
        return [estimated_tokens(text) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length.

        Raises:
            InvalidVectors: the server sent NaN, zeros or another width than before.
            ServiceError: the server failed.
        """
        return self._embed(self._prompts.query, texts)

    def embed_instructed_queries(self, texts: Sequence[str], instruction: str) -> Float32Array:
        """Embed questions as ``embed_queries`` does, with another task than the model's usual one.

        Raises:
            InvalidInput: the model takes no instructions, or this is none.
            ServiceError: the server failed.
        """
        return self._embed(instructed(self._prompts.query, instruction), texts)

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages: ``(n_texts, dimension)`` float32, rows of unit length.

        Raises:
            InvalidVectors: the server sent NaN, zeros or another width than before.
            ServiceError: the server failed.
        """
        return self._embed(self._prompts.passage, texts)

    def _embed(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        if isinstance(texts, str):
            raise InvalidInput(f"expected a list of texts, got one text {texts[:40]!r}")
        # Servers refuse an empty input, so that a blank stands in for it.
        inputs = [clipped(prompt + text, self._max_tokens) or " " for text in texts]
        vectors = np.empty((len(inputs), self.dimension), np.float32)
        for start in range(0, len(inputs), self._batch_size):
            batch = inputs[start : start + self._batch_size]
            vectors[start : start + len(batch)] = self._vectors(batch)
        return vectors

    def _vectors(self, batch: Sequence[str]) -> Float32Array:
        """Embed one batch; a text that the server finds too long is halved until it fits."""
        try:
            return checked_vectors(self._request(batch), rows=len(batch), dimension=self.dimension)
        except ServiceRefused as error:
            longest = max(map(len, batch))
            if error.status not in _MAY_BE_TOO_LONG or longest < _SHORT_ENOUGH:
                raise
            if len(batch) > 1:
                return np.concatenate([self._vectors([text]) for text in batch])
            _log.warning("%s; trying the first half of its %d characters", error, longest)
        return self._vectors([batch[0][: longest // 2]])

    def _request(self, batch: Sequence[str]) -> Float32Array:
        """Return the vectors of one batch in its order, as the server sent them."""
        request = {"model": self._model, "input": list(batch), "encoding_format": "float"}
        rows = self._endpoint.post("/embeddings", request, _Embeddings).data
        vectors = [row.embedding for row in sorted(rows, key=lambda row: row.index)]
        if sorted(row.index for row in rows) != list(range(len(batch))):
            raise ServiceMalformed(
                f"the embeddings of {self._model!r} can not be used: {len(batch)} texts, and "
                f"embeddings with the indexes {[row.index for row in rows]!r:.120}"
            )
        if len({len(vector) for vector in vectors}) > 1:
            raise InvalidVectors(f"{self._model!r} sent vectors of different widths")
        with np.errstate(over="ignore"):  # what is too great becomes infinite, and is refused
            return np.array(vectors, np.float64).astype(np.float32)


class _Row(Reply):
    index: int
    embedding: list[float] = Field(min_length=1)


class _Embeddings(Reply):
    data: list[_Row]
