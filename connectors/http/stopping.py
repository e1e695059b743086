"""The stop of a service: no more work is taken, what is under way ends within a grace period."""

from __future__ import annotations

import asyncio
import time

__all__ = ["ServiceStopping", "Stopping"]

_WRITES_SHARE = 2 / 3
"""From which part of the grace period on writes end at their next step: a step takes seconds."""


class ServiceStopping(Exception):
    """The service is stopping, and this was not begun, or is given up."""

    def __init__(self) -> None:
        super().__init__("the service is stopping, and did nothing of this; send it again")


class Stopping:
    """Whether, and since when, a service is stopping; ``grace_s`` is in seconds."""

    def __init__(self, grace_s: float) -> None:
        self.grace_s = grace_s
        self.over = asyncio.Event()
        """Set when the grace period is over: nobody waits for answers any more."""
        self._begun: float | None = None

    @property
    def asked(self) -> bool:
        """Tell whether a stop began."""
        return self._begun is not None

    def begin(self) -> None:
        """Begin to stop; a signal's handler may."""
        if self._begun is None:
            self._begun = time.monotonic()

    def writes_end(self) -> bool:
        """Tell a write, between two of its steps, to end; any thread may ask."""
        return self._passed(_WRITES_SHARE * self.grace_s)

    def grace_passed(self) -> bool:
        """Tell whether the grace period has passed."""
        return self._passed(self.grace_s)

    def _passed(self, seconds: float) -> bool:
        return self._begun is not None and time.monotonic() - self._begun >= seconds
