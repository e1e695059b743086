"""Answers from any server that speaks OpenAI's chat protocol: a hosted one or llama.cpp, vLLM..."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from pydantic import SecretStr

from rag_engine.connectors.openai_http import OpenAIEndpoint
from rag_engine.errors import InvalidInput, ServiceMalformed, ServiceRefused
from rag_engine.ports import Prompt

__all__ = ["OpenAICompatibleGenerator"]

_CUT_SHORT = " […]"
"""Ends an answer that reached ``max_tokens``, so that nobody takes it for whole."""


class OpenAICompatibleGenerator:
    """A ``Generator`` that streams from ``{base_url}/chat/completions``.

    ``base_url`` goes up to and with ``/v1``; ``model`` is the name that the server knows. The key
    is ``api_key``, else what the environment variable ``api_key_env`` holds. ``timeout_s`` is how
    long a connection and then each next piece may take; ``max_retries`` how often a request is
    made again before the first text has come (never after it), first after about ``backoff_s``
    seconds. ``temperature`` 0 is the likeliest answer; ``max_tokens`` limits its length.

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
        api_key_env: str = "RAG_ENGINE_LLM_API_KEY",
        timeout_s: float = 60.0,
        max_retries: int = 2,
        backoff_s: float = 0.5,
        temperature: float = 0.0,
        max_tokens: int = 512,
    ) -> None:
        if not model or max_tokens < 1 or temperature < 0:
            raise InvalidInput(
                "a generator needs a model's name, max_tokens of at least 1 and a temperature not "
                f"below 0; got {model!r}, {max_tokens!r} and {temperature!r}"
            )
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._endpoint = OpenAIEndpoint(
            base_url=base_url,
            api_key=api_key,
            api_key_env=api_key_env,
            timeout_s=timeout_s,
            max_retries=max_retries,
            backoff_s=backoff_s,
        )

    def __repr__(self) -> str:
        return f"OpenAICompatibleGenerator(model={self._model!r}, endpoint={self._endpoint!r})"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model

    @property
    def quotes(self) -> bool:
        """It writes in its own words, in the language that it is asked for."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def generate(self, prompt: Prompt) -> Iterator[str]:
        """Yield the answer piece by piece.

        An answer that the server ended at ``max_tokens`` ends with ``[…]``.

        Raises:
            ServiceError: one of its kinds. ServiceUnreachable if the answer broke off; what was
                yielded before is then not the whole answer.
        """
        stream = self._endpoint.stream(
            "/chat/completions", self._request(prompt), begun=lambda event: any(self._read(event))
        )
        with closing(stream) as events:
            for event in events:
                text, reason = self._read(event)
                if text:
                    yield text
                if reason == "content_filter":
                    raise ServiceRefused(
                        f"the service's content filter stopped the answer of {self._model!r}",
                        status=200,
                    )
                if reason == "length":
                    yield _CUT_SHORT
                if reason is not None:
                    return

    def _request(self, prompt: Prompt) -> dict[str, object]:
        return {
            "model": self._model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "temperature": self._temperature,
            "max_tokens": self._max_tokens,
            "stream": True,
        }

    def _read(self, event: Any) -> tuple[str, str | None]:
        """Return the piece of text and the reason for the end, if it is one, of an event."""
        if isinstance(event, dict) and event.get("error"):
            raise self._error(event["error"])
        try:
            if not event["choices"]:  # an event with usage figures only
                return "", None
            choice = event["choices"][0]
            message = choice.get("delta") or choice.get("message") or {}
            text, reason = message.get("content") or "", choice.get("finish_reason")
        except (AttributeError, IndexError, KeyError, TypeError) as exc:
            raise self._malformed(event) from exc
        if not isinstance(text, str) or not isinstance(reason, str | None):
            raise self._malformed(event)
        return text, reason

    def _error(self, error: Any) -> ServiceRefused:
        found = error if isinstance(error, dict) else {"message": error}
        code = found.get("code")
        return ServiceRefused(
            f"{self._model!r} stopped with an error: "
            f"{self._endpoint.redacted(str(found.get('message', found)))}",
            status=code if isinstance(code, int) else 500,
        )

    def _malformed(self, event: Any) -> ServiceMalformed:
        return ServiceMalformed(
            f"{self._model!r} answered with an event that is none of the chat protocol: "
            f"{self._endpoint.redacted(str(event))}"
        )
