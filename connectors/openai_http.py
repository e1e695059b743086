"""The way to a server that speaks the OpenAI protocol: time-outs, retries, typed errors.

The key goes into one header of each request and nowhere else: not into an address, a log line,
an error's message or a ``repr``.
"""

from __future__ import annotations

import json
import os
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from rag_engine.cancellation import Cancellation, current_cancellation
from rag_engine.connectors.abortable import AbortableClient, unless_cancelled
from rag_engine.connectors.retries import Retries, seconds_to_wait
from rag_engine.connectors.server_sent_events import LongLine, NoEvent, event_data
from rag_engine.connectors.trusted_servers import check_server
from rag_engine.errors import (
    InvalidInput,
    ServiceError,
    ServiceMalformed,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
    SettingsError,
)

if TYPE_CHECKING:
    import httpx

__all__ = ["OpenAIEndpoint", "Reply"]

ReplyT = TypeVar("ReplyT", bound="Reply")

_DAY_S, _MOST_RETRIES = 86_400, 100
_MAX_BYTES = 128 * 2**20
"""How much of an answer is read at most."""
_MAX_ERROR_BYTES = 64 * 2**10
"""How much is read of what is shown: a key is found before the text is cut."""
_SHOWN = 300
"""Characters of a server's own error message that are passed on."""


class Reply(BaseModel):
    """The base of what a server sends: what is not named is passed over, no kind is guessed.

    What a server sent, which may hold a key, is in no error's text.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class OpenAIEndpoint:
    """One server. Safe to share between threads.

    ``base_url`` goes up to and with ``/v1``. The key is ``api_key``, else what the environment
    variable ``api_key_env`` holds; without either, none is sent. ``address_stored`` says that only
    a knowledge base's own settings name the address: few are then asked anything
    (see ``trusted_servers``). ``timeout_s`` is how long a
    connection, a whole JSON answer and each next event of a streamed one may take. A request is
    made up to ``max_retries`` times more where that may help (no connection; status 408, 425,
    429, 500, 502, 503, 504), after a pause of about ``backoff_s`` seconds, doubled each time, and
    besides as long as the server asks (``Retry-After``, up to 30 s). In errors ``address`` tells
    how far ``base_url`` goes.

    Raises:
        InvalidInput: a number that is none, negative, or longer than a day.
        SettingsError: an address that is none, or that holds a password or a query; a key that
            no HTTP header can hold.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: SecretStr | None,
        api_key_env: str,
        timeout_s: float,
        max_retries: int,
        backoff_s: float,
        address_stored: bool = False,
        address: str = "up to and with /v1",
    ) -> None:
        if not (0 < timeout_s <= _DAY_S and 0 <= max_retries <= _MOST_RETRIES):
            raise InvalidInput(
                f"timeout_s is above 0 and at most {_DAY_S:,}, max_retries from 0 to "
                f"{_MOST_RETRIES}; got {timeout_s!r} and {max_retries!r}"
            )
        if not 0 <= backoff_s <= _DAY_S:
            raise InvalidInput(f"backoff_s is from 0 to {_DAY_S:,}, got {backoff_s!r}")
        self._url = _checked_url(base_url, address)
        self._address = address
        self._key = _resolve_key(api_key, api_key_env)
        self._key_env = api_key_env
        self._address_stored = address_stored
        self._timeout_s = timeout_s
        self._retries = Retries(max_retries=max_retries, backoff_s=backoff_s)
        self._client = AbortableClient(timeout_s)
        self._close = weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"OpenAIEndpoint({self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._close()

    def post(self, path: str, body: Mapping[str, object], reply: type[ReplyT]) -> ReplyT:
        """Post ``body`` to ``path`` (such as ``/embeddings``); return the answer.

        Work that nobody waits for any more does not wait for it (``rag_engine.cancellation``); the
        server is not told.

        Raises:
            ServiceError: one of its kinds, after the last try.
            SettingsError: nothing may be sent there.
        """

        def once() -> ReplyT:
            with closing(self._open(path, body)) as response:
                return self._whole(response, reply)

        return self._retries.run(partial(unless_cancelled, once, current_cancellation()))

    def stream(
        self,
        path: str,
        body: Mapping[str, object],
        event: type[ReplyT],
        *,
        begun: Callable[[ReplyT], bool],
    ) -> Generator[ReplyT]:
        """Post ``body``; yield each server-sent event until ``[DONE]``.

        A server that can not stream and answers with one JSON object yields that object. An answer
        that fails is asked for again only before the first event of which ``begun`` says that it
        holds some of the answer; ``begun`` may raise what an event reports. Whoever has seen the
        end of an answer may stop iterating: some servers send no ``[DONE]``.

        Raises:
            ServiceError: one of its kinds; ServiceUnreachable if the answer breaks off.
            SettingsError: nothing may be sent there.
        """

        def begin() -> tuple[list[ReplyT], Generator[ReplyT]]:
            seen, events = [], self._stream_once(path, body, event)
            try:
                for one in events:
                    seen.append(one)
                    if begun(one):
                        break
            except ServiceError:
                events.close()
                raise
            return seen, events

        seen, events = self._retries.run(begin)
        with closing(events):
            yield from seen
            yield from events

    def _stream_once(
        self, path: str, body: Mapping[str, object], event: type[ReplyT]
    ) -> Generator[ReplyT]:
        cancellation = current_cancellation()
        with closing(self._open(path, body, cancellation)) as response:
            if "text/event-stream" not in response.headers.get("content-type", ""):
                yield self._whole(response, event)
                return
            for data in self._events(response):
                if data.strip() == b"[DONE]":
                    return
                yield self._read(data, event)
            raise ServiceUnreachable(
                f"the connection to {self._url} was closed before the answer's end; ask again"
            )

    def redacted(self, text: str) -> str:
        """Return a server's message as one short line without the key."""
        if self._key:
            text = text.replace(self._key.get_secret_value(), "[key]")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"

    def _open(
        self, path: str, body: Mapping[str, object], cancellation: Cancellation | None = None
    ) -> httpx.Response:
        """Send one request and return its open answer, which has status 200."""
        import httpx

        headers = {}
        if self._address_stored:
            check_server(self._url)
        if self._key:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        try:
            response = self._client.post(self._url + path, body, headers, cancellation)
        except httpx.HTTPError as exc:
            raise self._failure(exc) from exc
        if response.status_code == httpx.codes.OK:
            return response
        with closing(response):
            raise self._refusal(response)

    def _pieces(self, response: httpx.Response, *, within: float | None) -> Iterator[bytes]:
        """Yield the answer's bytes as they come, all of them ``within`` so many seconds."""
        import httpx

        read, began = 0, time.monotonic()
        try:
            for piece in response.iter_bytes():
                read += len(piece)
                if read > _MAX_BYTES:
                    raise ServiceMalformed(f"{self._url} sent more than {_MAX_BYTES} bytes")
                if within is not None and time.monotonic() - began > within:
                    raise self._too_slow()
                yield piece
        except httpx.HTTPError as exc:
            raise self._failure(exc) from exc

    def _events(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield the data of each server-sent event."""
        try:
            yield from event_data(self._pieces(response, within=None), timeout_s=self._timeout_s)
        except NoEvent:
            raise self._too_slow() from None
        except LongLine as exc:
            raise ServiceMalformed(f"{self._url} sent {exc}") from exc

    def _whole(self, response: httpx.Response, reply: type[ReplyT]) -> ReplyT:
        return self._read(b"".join(self._pieces(response, within=self._timeout_s)), reply)

    def _read(self, data: bytes, reply: type[ReplyT]) -> ReplyT:
        try:
            return reply.model_validate_json(data)
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the answer"
            shown = self.redacted(data[:_MAX_ERROR_BYTES].decode("utf-8", "replace"))
            raise ServiceMalformed(
                f"{self._url} answered {shown!r}, which can not be used ({where}: {first['msg']}); "
                f"is this the address of a server that speaks this protocol, {self._address}?"
            ) from exc

    def _too_slow(self) -> ServiceTimeout:
        return ServiceTimeout(
            f"{self._url} did not answer within {self._timeout_s:g} s; raise timeout_s, or ask for "
            "less at once"
        )

    def _failure(self, exc: httpx.HTTPError) -> ServiceError:
        import httpx

        reason = self.redacted(str(exc)) or type(exc).__name__
        if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
            return ServiceUnreachable(
                f"{self._url} can not be reached ({reason}); check the address and that the server "
                "runs"
            )
        if isinstance(exc, httpx.TimeoutException):
            return self._too_slow()
        if isinstance(exc, httpx.TransportError):
            return ServiceUnreachable(f"the connection to {self._url} broke off ({reason})")
        return ServiceMalformed(f"the answer of {self._url} can not be read ({reason})")

    def _refusal(self, response: httpx.Response) -> ServiceRefused:
        status = response.status_code
        message = self.redacted(_server_message(self._beginning(response)))
        return ServiceRefused(
            f"{self._url} refused with status {status}{f' ({message})' if message else ''}"
            f"{self._advice(status)}",
            status=status,
            retry_after=seconds_to_wait(response.headers.get("retry-after")),
        )

    def _advice(self, status: int) -> str:
        if status in {401, 403}:
            which_key = "the one given" if self._key else "none was given"
            return f"; check the API key ({which_key}; it is read from {self._key_env})"
        if status == 404:
            return f"; check the model's name and the address, {self._address}"
        return ""

    def _beginning(self, response: httpx.Response) -> bytes:
        """Read what fits of an error's body; that it breaks off is no news."""
        body = b""
        with suppress(ServiceError):
            for piece in self._pieces(response, within=self._timeout_s):
                body += piece
                if len(body) > _MAX_ERROR_BYTES:
                    break
        return body[:_MAX_ERROR_BYTES]


def _checked_url(base_url: str, address: str) -> str:
    """Return the address without a slash at its end.

    >>> _checked_url("https://llm.example/v1/", "up to and with /v1")
    'https://llm.example/v1'
    """
    import httpx

    try:
        url = httpx.URL(base_url.strip())
    except (httpx.InvalidURL, TypeError, AttributeError) as exc:
        raise SettingsError(f"base_url is no address: {exc}") from exc
    # The address itself is not shown where it holds a secret.
    if url.userinfo or url.query or url.fragment:
        raise SettingsError(
            "base_url holds a name, password, query or fragment; give the plain address, and the "
            "key by its environment variable"
        )
    if url.scheme not in {"http", "https"} or not url.host:
        raise SettingsError(
            f"base_url must look like https://host/v1, got {str(url)!r}; it goes {address}"
        )
    return str(url).rstrip("/")


def _resolve_key(api_key: SecretStr | None, api_key_env: str) -> SecretStr | None:
    value = api_key.get_secret_value() if api_key else os.environ.get(api_key_env, "")
    value = value.strip()
    if not (value.isascii() and value.isprintable()):
        origin = "api_key" if api_key else f"the environment variable {api_key_env}"
        raise SettingsError(
            f"{origin} holds a character that no key has, such as a line end or a curly quotation "
            "mark; set it again"
        )
    return SecretStr(value) if value else None


def _server_message(body: bytes) -> str:
    """Find the message in an error's body, in the forms that servers use.

    >>> _server_message(b'{"error": {"message": "no such model", "code": 404}}')
    'no such model'
    """
    text = body.decode("utf-8", "replace")
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for name in ("error", "detail", "message"):
        if isinstance(report, dict) and name in report:
            report = report[name]
    return report if isinstance(report, str) else json.dumps(report, ensure_ascii=False)
