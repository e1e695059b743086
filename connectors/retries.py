"""Asking a server again: after which failures, and how long after."""

from __future__ import annotations

import email.utils
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from rag_engine.cancellation import current_cancellation
from rag_engine.errors import ServiceRefused, ServiceUnreachable

if TYPE_CHECKING:
    import tenacity

__all__ = ["Retries", "seconds_to_wait"]

T = TypeVar("T")

_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S = 30.0
"""A server that asks for a longer wait before the next try gets none: the caller must decide."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Up to ``max_retries`` more tries where that may help.

    That is without a connection and for the status 408, 425, 429, 500, 502, 503 and 504, after
    at most ``backoff_s`` seconds, doubled each time, and at least half of it; besides as long as
    the server asks (up to 30 s).
    """

    max_retries: int
    backoff_s: float

    def run(self, once: Callable[[], T]) -> T:
        """Return what ``once`` returns in the end.

        Raises:
            ServiceError: one of its kinds, after the last try.
        """
        import tenacity

        # Chance keeps clients that failed together from coming back together.
        backoff = tenacity.wait_random_exponential(
            self.backoff_s, _LONGEST_WAIT_S, min=self.backoff_s / 2
        )
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            stop=tenacity.stop_after_attempt(self.max_retries + 1),
            wait=lambda state: backoff(state) + _asked_for(state),
            sleep=_sleep,
            before_sleep=tenacity.before_sleep_log(_log, logging.INFO),
            reraise=True,
        )
        return tries(once)


def _sleep(seconds: float) -> None:
    """Wait, but not for longer than somebody waits for the answer."""
    cancellation = current_cancellation()
    if cancellation is None:
        time.sleep(seconds)
    else:
        cancellation.sleep(seconds)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, ServiceRefused):
        return error.status in _RETRIED_STATUS and (error.retry_after or 0.0) <= _LONGEST_WAIT_S
    return isinstance(error, ServiceUnreachable)


def _asked_for(state: tenacity.RetryCallState) -> float:
    """Return the seconds that the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    return getattr(error, "retry_after", None) or 0.0


def seconds_to_wait(value: str | None) -> float | None:
    """Read a ``Retry-After`` header, seconds or a date (RFC 9110, 10.2.3), as seconds.

    >>> seconds_to_wait("7"), seconds_to_wait("soon")
    (7.0, None)
    >>> seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT")
    0.0
    """
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
