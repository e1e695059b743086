"""Answers from any server that speaks OpenAI's chat protocol: a hosted one or llama.cpp, vLLM..."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from pydantic import SecretStr

from rag_engine.connectors.openai_http import OpenAIEndpoint, Reply
from rag_engine.errors import InvalidInput, ServiceMalformed, ServiceRefused
from rag_engine.ports import Prompt

__all__ = ["OpenAICompatibleGenerator"]

_CUT_SHORT = " […]"
"""Ends an answer that reached ``max_tokens``, so that nobody takes it for whole."""


class OpenAICompatibleGenerator:
    """A ``Generator`` that streams from ``{base_url}/chat/completions``.

    ``base_url`` goes up to and with ``/v1``; ``model`` is the name that the server knows. The key
    is ``api_key``, else what the environment variable ``api_key_env`` holds; ``address_stored`` is
    as in ``OpenAIEndpoint``. ``timeout_s`` is how long a connection and then each next piece may
    take; ``max_retries`` how often a request is made again before the first text has come (never
    after it), first after about ``backoff_s`` seconds. ``temperature`` 0 is the likeliest answer.
    It ends after ``max_tokens``, or where one of the texts ``stop`` would begin.

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
        address_stored: bool = False,
        timeout_s: float = 60.0,
        max_retries: int = 2,
        backoff_s: float = 0.5,
        temperature: float = 0.0,
        max_tokens: int = 512,
        stop: Sequence[str] = (),
    ) -> None:
        if isinstance(stop, str) or not all(stop):
            raise InvalidInput(f"stop is a list of texts that are not empty, got {stop!r:.80}")
        if not model or max_tokens < 1 or temperature < 0:
            raise InvalidInput(
                "a generator needs a model's name, max_tokens of at least 1 and a temperature not "
                f"below 0; got {model!r}, {max_tokens!r} and {temperature!r}"
            )
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._stop = list(stop)
        self._endpoint = OpenAIEndpoint(
            base_url=base_url,
            api_key=api_key,
            api_key_env=api_key_env,
            timeout_s=timeout_s,
            max_retries=max_retries,
            backoff_s=backoff_s,
            address_stored=address_stored,
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
            "/chat/completions",
            self._request(prompt),
            _Event,
            begun=lambda event: any(self._content(event)),
        )
        with closing(stream) as events:
            for event in events:
                text, reason = self._content(event)
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
            **({"stop": self._stop} if self._stop else {}),
        }

    def _content(self, event: _Event) -> tuple[str, str | None]:
        """Return the piece of text and the reason for the end, if it is one, of an event."""
        if event.error:
            raise self._refused(event.error)
        if event.choices is None:
            raise ServiceMalformed(f"{self._model!r} answered with an event without choices")
        if not event.choices:  # an event with usage figures only
            return "", None
        choice = event.choices[0]
        message = choice.delta or choice.message
        return (message and message.content) or "", choice.finish_reason

    def _refused(self, error: object) -> ServiceRefused:
        report = error if isinstance(error, dict) else {"message": error}
        code = report.get("code")
        return ServiceRefused(
            f"{self._model!r} stopped with an error: "
            f"{self._endpoint.redacted(str(report.get('message', report)))}",
            status=code if isinstance(code, int) else 500,
        )


class _Message(Reply):
    content: str | None = None


class _Choice(Reply):
    """A piece of an answer: ``delta`` of a streamed one, ``message`` of one that is whole."""

    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Event(Reply):
    choices: list[_Choice] | None = None
    error: object = None
