"""What LangChain's models raise, as the engine's errors.

Every provider's package has exceptions of its own, and none of them is imported here: they are
told apart by what they have in common, a status, a built-in base class, the name of their class.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from rag_engine.connectors.retries import seconds_to_wait
from rag_engine.errors import (
    RagEngineError,
    ServiceError,
    ServiceMalformed,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
)

__all__ = ["as_service_error", "service_errors"]

_SHOWN = 300
"""Characters of a foreign message that are passed on."""
_UNREACHABLE = ("ConnectError", "ConnectionError", "APIConnectionError", "TransportError")
_MALFORMED = (
    "JSONDecodeError",
    "ValidationError",
    "ResponseValidationError",
    "OutputParserException",
)

_EMPTY = "No generation"
"""How LangChain's own error about a stream without a piece begins; it has no class of its own."""


@contextmanager
def service_errors(model: Any, name: str) -> Iterator[None]:
    """Turn what is raised inside into a ``ServiceError`` that names the model ``name``.

    The engine's own errors pass. No key of ``model`` (a field that holds a ``SecretStr``) gets
    into the message, nor into a traceback.
    """
    try:
        yield
    except RagEngineError:
        raise
    except Exception as exc:
        secrets = _secrets(model)
        error = as_service_error(exc, name, secrets)
        if any(secret in str(exc) for secret in secrets):
            raise error from None
        raise error from exc


def as_service_error(exc: Exception, name: str, secrets: tuple[str, ...] = ()) -> ServiceError:
    """Return the engine's error for what the model ``name`` raised.

    >>> as_service_error(TimeoutError("read"), "my-model")
    ServiceTimeout("'my-model' did not answer in time (TimeoutError: read)")
    """
    kinds = [kind.__name__ for kind in type(exc).__mro__]
    cause = f"{kinds[0]}: {_shown(exc, secrets)}"
    status = _status(exc)
    if status is not None:
        return ServiceRefused(
            f"{name!r} refused with status {status} ({cause})",
            status=status,
            retry_after=_retry_after(exc),
        )
    if any("Timeout" in kind for kind in kinds):
        return ServiceTimeout(f"{name!r} did not answer in time ({cause})")
    if any(kind.endswith(_UNREACHABLE) for kind in kinds):
        return ServiceUnreachable(
            f"{name!r} can not be reached, or broke off ({cause}); check the address and that the "
            "server runs"
        )
    if any(kind.endswith(_MALFORMED) for kind in kinds) or str(exc).startswith(_EMPTY):
        return ServiceMalformed(f"the answer of {name!r} can not be used ({cause})")
    if "APIError" in kinds:  # an error told within a stream, after the status 200
        return ServiceRefused(f"{name!r} stopped with an error ({cause})", status=500)
    return ServiceError(f"{name!r} failed ({cause})")


def _status(exc: Exception) -> int | None:
    """Return the HTTP status that an exception carries, itself or on its response."""
    for holder in (exc, getattr(exc, "response", None)):
        for attribute in ("status_code", "code", "status"):
            status = getattr(holder, attribute, None)
            if isinstance(status, int) and 400 <= status <= 599:
                return status
    return None


def _retry_after(exc: Exception) -> float | None:
    headers = getattr(getattr(exc, "response", None), "headers", None) or {}
    value = headers.get("retry-after") if hasattr(headers, "get") else None
    return seconds_to_wait(value if isinstance(value, str) else None)


def _secrets(model: Any) -> tuple[str, ...]:
    values = getattr(model, "__dict__", {}).values()
    secrets = (value.get_secret_value() for value in values if isinstance(value, SecretStr))
    return tuple(secret for secret in secrets if secret)


def _shown(exc: Exception, secrets: tuple[str, ...]) -> str:
    text = str(exc)
    for secret in secrets:
        text = text.replace(secret, "[key]")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
