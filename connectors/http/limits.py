"""How much the service takes on: sizes, times, places."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from rag_engine.errors import SettingsError

__all__ = ["Limits"]

_MB = 1_000_000


def _cores() -> int:
    return min(16, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What a limit may be, and what the command line calls it."""

    least: float
    most: float
    option: str = ""
    whole: bool = True

    def check(self, name: str, value: object) -> None:
        """Refuse what is no number within the bounds; no comparison with ``nan`` holds."""
        known = int if self.whole else int | float
        sound = isinstance(value, known) and not isinstance(value, bool)
        if not (sound and self.least <= value <= self.most):  # type: ignore[operator]
            told = f"{name} (--{self.option})" if self.option else name
            kind = "a whole number" if self.whole else "a number"
            raise SettingsError(
                f"{told} is {kind} from {self.least:,} to {self.most:,}, got {value!r:.80}"
            )


_MOST_WORKERS, _MOST_PLACES = 1_024, 100_000
_SECONDS, _MEGABYTES = (0.001, 86_400), (0.001, 1_000_000)
_BOUNDS = {
    "search_workers": _Bounds(1, _MOST_WORKERS, "workers"),
    "search_queue": _Bounds(0, _MOST_PLACES, "queue"),
    "ask_workers": _Bounds(1, _MOST_WORKERS),
    "ask_queue": _Bounds(0, _MOST_PLACES),
    "max_wait_s": _Bounds(*_SECONDS, "max-wait", whole=False),
    "write_workers": _Bounds(1, _MOST_WORKERS),
    "write_queue": _Bounds(0, _MOST_PLACES),
    "write_wait_s": _Bounds(*_SECONDS, whole=False),
    "body_mb": _Bounds(*_MEGABYTES, whole=False),
    "documents_mb": _Bounds(*_MEGABYTES, whole=False),
    "upload_mb": _Bounds(*_MEGABYTES, "upload-mb", whole=False),
    "upload_files": _Bounds(1, 10_000),
    "idle_s": _Bounds(*_SECONDS, whole=False),
    "body_s": _Bounds(*_SECONDS, whole=False),
    "keep_alive_s": _Bounds(*_SECONDS, whole=False),
    "stop_s": _Bounds(1, 86_400, "grace"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in MB (10^6 bytes), times in seconds, places in requests.

    A request that finds all workers busy waits in a queue; one that would wait there for too long
    is answered 429 or 503 at once. Searching, answering and writing have workers and queues of
    their own, so that none of them holds up the others.

    >>> Limits(search_queue=8).search_queue
    8
    >>> Limits(write_workers=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.SettingsError: write_workers is a whole number from 1 to 1,024, got 0
    """

    search_workers: int = 8
    """However many cores there are: those that wait for the model meanwhile are embedded together,
    and eight of them cost it half of what they cost one by one. With more, a flood of one tenant
    would keep the others waiting longer."""
    search_queue: int = 64
    ask_workers: int = min(16, 2 * _cores())
    ask_queue: int = 64
    max_wait_s: float | None = None
    """Longest wait of a search or an answer for its turn; None: 2 + 4 / workers times what 99 of
    100 of them take, as measured."""
    write_workers: int = 1
    write_queue: int = 16
    write_wait_s: float = 30.0
    """Longest wait of a write for its turn."""
    body_mb: float = 1.0
    """Largest body of a request that carries no documents."""
    documents_mb: float = 8.0
    """Largest body of a request that carries documents."""
    upload_mb: float = 64.0
    """Largest body of an upload, all its files together."""
    upload_files: int = 20
    """Most files of one upload."""
    idle_s: float = 15.0
    """Longest pause in the middle of a request's body."""
    body_s: float = 60.0
    """Longest time that a body may take, an upload ten times as long."""
    keep_alive_s: float = 15.0
    """A stream that says nothing for so long is sent a comment, so that no proxy cuts it."""
    stop_s: int = 30
    """How long a stop waits for requests that are under way. After two thirds of it, writes end at
    their next step."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, bounds = getattr(self, field.name), _BOUNDS[field.name]
            if value is not None or field.name != "max_wait_s":
                bounds.check(field.name, value)

    def body_bytes(self, method: str, path: str) -> int:
        """Return how large the body of a request may be."""
        if path.startswith("/v1/files"):
            return int(self.upload_mb * _MB)
        if path.startswith("/v1/documents") and method in {"POST", "PUT"}:
            return int(self.documents_mb * _MB)
        return int(self.body_mb * _MB)

    def body_seconds(self, path: str) -> float:
        """Return how long the body of a request may take to come."""
        return self.body_s * (10 if path.startswith("/v1/files") else 1)
