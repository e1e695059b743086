"""Vectors from any server that speaks OpenAI's embeddings protocol, this project's own among them.

What the server is, its answer to the first request tells: this project's service names the model by
its contract there. Then texts go to it as questions or passages, tokens are counted by the model's
own tokenizer, and the vectors of single tokens can be had, as if the model were in this process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import SecretStr

from rag_engine.connectors.embedders.own_service import OwnService
from rag_engine.connectors.embedders.served_model import Embeddings, ServedModel, vectors_of
from rag_engine.connectors.embedding_wire import basis_name, unpacked_tokens
from rag_engine.connectors.openai_http import OpenAIEndpoint
from rag_engine.connectors.token_estimates import clipped, estimated_tokens
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.embedding.prompts import instructed, resolve_prompts
from rag_engine.errors import InvalidInput, ServiceRefused, SettingsError
from rag_engine.ports import Float32Array, TokenVectors

__all__ = ["OpenAICompatibleEmbedder"]

_MAY_BE_TOO_LONG = frozenset({400, 413, 422, 500})
"""What servers answer to a text of more tokens than they read; 500 is llama.cpp's."""
_SHORT_ENOUGH = 64
"""Characters that every model reads: who refuses them has another reason."""

_MAX_TOKENS = 512
_QUERY, _PASSAGE = 0, 1
_OWN_TYPES: tuple[Literal["query"], Literal["passage"]] = ("query", "passage")

_log = logging.getLogger(__name__)


class OpenAICompatibleEmbedder:
    """An ``Embedder`` that asks ``{base_url}/embeddings``. Safe to share between threads.

    ``base_url`` goes up to and with ``/v1``; ``model`` is the name that the server knows. The key
    is ``api_key``, else what the environment variable ``api_key_env`` holds; ``address_stored`` is
    as in ``OpenAIEndpoint``. ``batch_size`` texts go into one request. The first use asks the
    server what it serves.

    This project's own service (``rag-engine serve``) says which model that is: the contract is the
    model's, with its prompts, and whatever is embedded is as if the model were in this process. It
    is a ``TokenEmbedder`` then. That the service serves another model is noticed with the next
    answer. Prompts and ``max_tokens`` can not be stated: they are the model's.

    Of another server prompts that are not stated are those of the model's family (see
    ``resolve_prompts``); servers that want to be told what is a question take ``input_types``,
    their words for a question and for a passage, such as ``("query", "document")``. Of a text
    longer than ``max_tokens`` (512 unless it is stated; estimated, as the server's tokenizer is out
    of reach) the beginning is sent, and less of it if the server still refuses. Such a server does
    not say which weights it serves, so the contract can not notice when another model appears under
    the same name, unless its vectors have another width.

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
        max_tokens: int | None = None,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        input_types: tuple[str, str] | None = None,
    ) -> None:
        if not model or batch_size < 1 or (max_tokens is not None and max_tokens < 1):
            raise InvalidInput(
                "an embedder needs a model's name, and batch_size and max_tokens of at least 1; "
                f"got {model!r}, {batch_size!r} and {max_tokens!r}"
            )
        self._model = model
        self._batch_size = batch_size
        self._stated = {
            "max_tokens": max_tokens,
            "query_prompt": query_prompt,
            "passage_prompt": passage_prompt,
            "input_types": input_types,
        }
        self._input_types = input_types
        self._max_tokens = _MAX_TOKENS if max_tokens is None else max_tokens
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
        self._served: ServedModel | None = None
        self._asking = threading.Lock()

    def __repr__(self) -> str:
        return f"OpenAICompatibleEmbedder(model={self._model!r}, endpoint={self._endpoint!r})"

    @property
    def dimension(self) -> int:
        """The width of a vector; the first use asks the server.

        Raises:
            ServiceError: the server failed.
        """
        return self._what_is_served().dimension

    @property
    def max_tokens(self) -> int:
        """How many tokens of one text are read, prompt included; an estimate, or the model's."""
        own = self._what_is_served().contract
        return self._max_tokens if own is None else own.max_tokens

    @property
    def contract(self) -> EmbedderContract:
        """What an index must know: what the service says of its model, or what is known of it.

        Raises:
            ServiceError: the server failed.
        """
        served = self._what_is_served()
        if served.contract is not None:
            return served.contract
        told = self._input_types
        return EmbedderContract(
            model=self._model,
            weights="served",
            dimension=served.dimension,
            pooling="served" if told is None else f"served as {'/'.join(told)}",
            normalised=True,
            query_prompt=self._prompts.query,
            passage_prompt=self._prompts.passage,
            max_tokens=self._max_tokens,
        )

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text by the served model's own tokenizer, if it can be asked.

        Else they are estimated, rather too many than too few.

        Raises:
            ServiceError: the server failed.
        """
        own = self._own_service()
        return (
            [estimated_tokens(text) for text in texts] if own is None else own.count_tokens(texts)
        )

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length.

        Raises:
            InvalidVectors: the server sent NaN, zeros or another width than before.
            ServiceError: the server failed.
        """
        return self._embed(_QUERY, texts)

    def embed_instructed_queries(self, texts: Sequence[str], instruction: str) -> Float32Array:
        """Embed questions as ``embed_queries`` does, with another task than the model's usual one.

        Raises:
            InvalidInput: the model takes no instructions, or this is none.
            ServiceError: the server failed.
        """
        prompt = instructed(self.contract.query_prompt, instruction)
        return self._embed(_QUERY, texts, prompt=prompt, instruction=instruction)

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages: ``(n_texts, dimension)`` float32, rows of unit length.

        Raises:
            InvalidVectors: the server sent NaN, zeros or another width than before.
            ServiceError: the server failed.
        """
        return self._embed(_PASSAGE, texts)

    def serves_basis(self, basis: Float32Array) -> bool:
        """Tell whether the server gives the vectors of tokens in these directions.

        Raises:
            ServiceError: the server failed.
        """
        return self._what_is_served().token_basis == basis_name(basis)

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed questions as ``embed_queries`` does, with their tokens.

        Raises:
            InvalidInput: the server gives no tokens in this ``basis``.
            InvalidVectors: the server sent vectors that are none.
            ServiceError: the server failed.
        """
        return self._embed_tokens(_QUERY, texts, basis)

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed passages as ``embed_passages`` does, with their tokens.

        Raises:
            InvalidInput: the server gives no tokens in this ``basis``.
            InvalidVectors: the server sent vectors that are none.
            ServiceError: the server failed.
        """
        return self._embed_tokens(_PASSAGE, texts, basis)

    def _what_is_served(self) -> ServedModel:
        """Return what the server serves; the first call asks it.

        Raises:
            SettingsError: it has prompts and a longest text of its own, and others were stated.
            ServiceError: the server failed.
        """
        with self._asking:
            if self._served is None:
                request = {"model": self._model, "input": ["width"], "encoding_format": "float"}
                told = dict(request, **self._input_type(_PASSAGE))
                reply = self._endpoint.post("/embeddings", told, Embeddings)
                served = ServedModel.of(reply, len(vectors_of(reply, 1, self._model)[0]))
                if served.contract is not None:
                    self._check_nothing_stated()
                self._served = served
            return self._served

    def _own_service(self) -> OwnService | None:
        """Return this project's service, if the server is it."""
        served = self._what_is_served()
        if served.contract is None:
            return None
        return OwnService(
            self._endpoint,
            model=self._model,
            served=served,
            max_tokens=served.contract.max_tokens,
            batch_size=self._batch_size,
        )

    def _check_nothing_stated(self) -> None:
        for name, value in self._stated.items():
            if value is not None:
                raise SettingsError(
                    f"embedder.{name} = {value!r:.80} has no effect: the server is rag_engine's "
                    "own, and the model that it serves has its own; leave it out"
                )

    def _embed(
        self,
        side: int,
        texts: Sequence[str],
        *,
        prompt: str | None = None,
        instruction: str | None = None,
    ) -> Float32Array:
        _check_list(texts)
        own = self._own_service()
        if own is not None:
            more = {} if instruction is None else {"instruction": instruction}
            return self._stacked([rows for rows, _ in own.embed(_OWN_TYPES[side], texts, **more)])
        if prompt is None:
            prompt = (self._prompts.query, self._prompts.passage)[side]
        # Servers refuse an empty input, so that a blank stands in for it.
        inputs = [clipped(prompt + text, self._max_tokens) or " " for text in texts]
        starts = range(0, len(inputs), self._batch_size)
        parts = [inputs[start : start + self._batch_size] for start in starts]
        return self._stacked([self._vectors(side, part) for part in parts])

    def _embed_tokens(
        self, side: int, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        _check_list(texts)
        own = self._own_service()
        if own is None or not self.serves_basis(basis):
            raise InvalidInput(
                f"the server gives no vectors of tokens of {self._model!r} in this basis; what it "
                "gives, serves_basis tells"
            )
        vectors: list[Float32Array] = []
        tokens: list[TokenVectors] = []
        for rows, reply in own.embed(_OWN_TYPES[side], texts, token_vectors=True):
            vectors.append(rows)
            tokens += [
                unpacked_tokens(*packed, len(basis), of_query=side == _QUERY)
                for packed in reply.tokens()
            ]
        return self._stacked(vectors), tokens

    def _stacked(self, parts: Sequence[Float32Array]) -> Float32Array:
        return np.concatenate([np.empty((0, self.dimension), np.float32), *parts])

    def _checked(self, reply: Embeddings, count: int) -> Float32Array:
        rows = vectors_of(reply, count, self._model)
        return checked_vectors(rows, rows=count, dimension=self.dimension)

    def _input_type(self, side: int) -> dict[str, str]:
        return {} if self._input_types is None else {"input_type": self._input_types[side]}

    def _vectors(self, side: int, batch: Sequence[str]) -> Float32Array:
        """Embed one batch; a text that the server finds too long is halved until it fits."""
        request = {"model": self._model, "input": list(batch), "encoding_format": "float"}
        told = dict(request, **self._input_type(side))
        try:
            return self._checked(self._endpoint.post("/embeddings", told, Embeddings), len(batch))
        except ServiceRefused as error:
            longest = max(map(len, batch))
            if error.status not in _MAY_BE_TOO_LONG or longest < _SHORT_ENOUGH:
                raise
            if len(batch) > 1:
                return np.concatenate([self._vectors(side, [text]) for text in batch])
            _log.warning("%s; trying the first half of its %d characters", error, longest)
        return self._vectors(side, [batch[0][: longest // 2]])


def _check_list(texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise InvalidInput(f"expected a list of texts, got one text {texts[:40]!r}")
