"""Asking a server again: after which failures, and how long after."""

from __future__ import annotations

import email.utils
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from rag_engine.errors import ServiceError, ServiceRefused, ServiceUnreachable

__all__ = ["Retries", "seconds_to_wait"]

T = TypeVar("T")

_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S = 30.0
"""A server that asks for a longer wait before the next try gets none: the caller must decide."""

_log = logging.getLogger(__name__)


class Retries:
    """Up to ``max_retries`` more tries where that may help.

    That is without a connection and for the status 408, 425, 429, 500, 502, 503 and 504, after
    ``backoff_s`` seconds, doubled each time, or as long as the server asks (up to 30 s).
    """

    def __init__(self, *, max_retries: int, backoff_s: float) -> None:
        self._max_retries = max_retries
        self._backoff_s = backoff_s

    def run(self, once: Callable[[], T]) -> T:
        """Return what ``once`` returns in the end.

        Raises:
            ServiceError: one of its kinds, after the last try.
        """
        attempt = 0
        while True:
            try:
                return once()
            except ServiceError as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
                _log.info("%s; trying again in %.1f s", error, wait)
            time.sleep(wait)
            attempt += 1

    def _wait(self, error: ServiceError, attempt: int) -> float | None:
        """Return the seconds until the next try, or None if there is none."""
        if attempt >= self._max_retries:
            return None
        # Jitter keeps clients that failed together from coming back together.
        wait: float = self._backoff_s * 2**attempt * random.uniform(0.5, 1.0)
        if isinstance(error, ServiceUnreachable):
            return wait
        if not isinstance(error, ServiceRefused) or error.status not in _RETRIED_STATUS:
            return None
        wait = max(wait, error.retry_after or 0.0)
        return wait if wait <= _LONGEST_WAIT_S else None


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
