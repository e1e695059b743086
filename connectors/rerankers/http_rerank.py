"""A reranker behind a ``/rerank`` address, as Cohere and Jina have it and as servers imitate it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import AliasChoices, Field, SecretStr, model_validator

from rag_engine.connectors.openai_http import OpenAIEndpoint, Reply
from rag_engine.connectors.token_estimates import clipped
from rag_engine.errors import InvalidInput, ServiceMalformed, ServiceRefused
from rag_engine.ports import Float32Array

__all__ = ["HttpReranker", "RerankProtocol"]

RerankProtocol = Literal["cohere", "tei"]
"""How a request looks: Cohere's, or Text Embeddings Inference's own."""

_MAY_BE_TOO_LONG = frozenset({400, 413, 422, 500})
"""What servers answer to a pair of more tokens than they read; 500 is llama.cpp's."""
_SHORT_ENOUGH = 64
"""Characters that every model reads: who refuses them has another reason."""

_log = logging.getLogger(__name__)


class HttpReranker:
    """A ``Reranker`` that asks ``{base_url}/rerank``. Safe to share between threads.

    ``base_url`` goes up to what stands before ``/rerank``; ``model`` is the name that the server
    knows. What a request holds, by ``protocol``:

    - ``cohere`` (Cohere, Jina, vLLM, Infinity, llama.cpp): ``model``, ``query``, ``documents``,
      ``top_n``; answered by ``results``, each with ``index`` and ``relevance_score``
      (https://docs.cohere.com/reference/rerank, https://api.jina.ai/redoc);
    - ``tei`` (Text Embeddings Inference): ``query``, ``texts``, ``truncate``; answered by a list,
      each with ``index`` and ``score`` (https://huggingface.github.io/text-embeddings-inference).

    Either answer is understood. Scores may be logits or lie between 0 and 1: the engine uses their
    order. The key is ``api_key``, else what the environment variable ``api_key_env`` holds;
    ``address_stored`` is as in ``OpenAIEndpoint``. ``batch_size`` passages go into one request,
    which may take ``timeout_s`` seconds and is made up to ``max_retries`` times more, first after
    about ``backoff_s`` seconds. Of a text longer than ``max_tokens`` (estimated, as the server's
    tokenizer is out of reach) the beginning is sent, and less of passages if the server still
    refuses.

    Raises:
        InvalidInput: a number out of range, or a protocol that is none.
        SettingsError: an address or a key that can not be used.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        protocol: RerankProtocol = "cohere",
        api_key: SecretStr | None = None,
        api_key_env: str = "RAG_ENGINE_RERANK_API_KEY",
        address_stored: bool = False,
        timeout_s: float = 10.0,
        max_retries: int = 1,
        backoff_s: float = 0.5,
        batch_size: int = 32,
        max_tokens: int = 512,
    ) -> None:
        if not model or batch_size < 1 or max_tokens < 8 or protocol not in {"cohere", "tei"}:
            raise InvalidInput(
                "a reranker needs a model's name, a protocol 'cohere' or 'tei', batch_size of at "
                f"least 1 and max_tokens of at least 8; got {model!r}, {protocol!r}, "
                f"{batch_size!r} and {max_tokens!r}"
            )
        self._model = model
        self._protocol = protocol
        self._batch_size = batch_size
        self._max_tokens = max_tokens
        self._endpoint = OpenAIEndpoint(
            base_url=base_url,
            api_key=api_key,
            api_key_env=api_key_env,
            timeout_s=timeout_s,
            max_retries=max_retries,
            backoff_s=backoff_s,
            address_stored=address_stored,
            address="up to what stands before /rerank",
        )

    def __repr__(self) -> str:
        return f"HttpReranker(model={self._model!r}, endpoint={self._endpoint!r})"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def score(self, question: str, passages: Sequence[str]) -> Float32Array:
        """Score each passage, shape ``(n_passages,)`` float32; higher is better.

        Raises:
            ServiceError: the server failed, or scored other passages than it was sent.
        """
        query = clipped(question, self._max_tokens) or " "
        texts = [clipped(passage, self._max_tokens) or " " for passage in passages]
        scores = np.empty(len(texts), np.float32)
        for start in range(0, len(texts), self._batch_size):
            batch = texts[start : start + self._batch_size]
            scores[start : start + len(batch)] = self._of_batch(query, batch)
        return scores

    def _of_batch(self, query: str, texts: Sequence[str]) -> list[float]:
        """Score one batch; while the server finds a text too long, the longest are halved."""
        longest = max(map(len, texts))
        try:
            return self._request(query, texts)
        except ServiceRefused as error:
            if error.status not in _MAY_BE_TOO_LONG or longest < _SHORT_ENOUGH:
                raise
            _log.warning("%s; trying the first %d characters of passages", error, longest // 2)
        return self._of_batch(query, [text[: longest // 2] for text in texts])

    def _request(self, query: str, texts: Sequence[str]) -> list[float]:
        body: dict[str, object]
        if self._protocol == "tei":
            body = {"query": query, "texts": list(texts), "truncate": True}
        else:
            body = {
                "model": self._model,
                "query": query,
                "documents": list(texts),
                "top_n": len(texts),
            }
        rows = self._endpoint.post("/rerank", body, _Reranked).results
        by_index = {row.index: row.score for row in rows}
        if len(rows) != len(texts) or by_index.keys() != set(range(len(texts))):
            raise ServiceMalformed(
                f"the scores of {self._model!r} can not be used: {len(texts)} passages, and scores "
                f"with the indexes {[row.index for row in rows]!r:.120}"
            )
        with np.errstate(over="ignore"):  # what is too great becomes infinite, and is refused
            scores = np.array([by_index[index] for index in range(len(texts))]).astype(np.float32)
        if not np.isfinite(scores).all():
            raise ServiceMalformed(f"{self._model!r} scored a passage with NaN or infinity")
        found: list[float] = scores.tolist()
        return found


class _Row(Reply):
    index: int
    score: float = Field(validation_alias=AliasChoices("relevance_score", "score"))


class _Reranked(Reply):
    results: list[_Row]

    @model_validator(mode="before")
    @classmethod
    def _of_a_list(cls, data: Any) -> Any:
        return {"results": data} if isinstance(data, list) else data
