"""How much the service takes on: sizes, times, places."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rag_engine.errors import SettingsError

__all__ = ["Limits"]

_MB = 1_000_000


def _default_workers() -> int:
    return min(16, 2 * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in MB (10^6 bytes), times in seconds, places in requests.

    A request that finds all workers busy waits in a queue; one that finds the queue full is
    answered 429 at once. Searching, answering and writing have workers and queues of their own,
    so that none of them holds up the others.

    >>> Limits(search_queue=8).search_queue
    8
    >>> Limits(write_workers=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.SettingsError: write_workers is at least 1, got 0
    """

    search_workers: int = _default_workers()
    search_queue: int = 64
    ask_workers: int = _default_workers()
    ask_queue: int = 64
    write_workers: int = 1
    write_queue: int = 16
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
    """How long a stop waits for requests that are under way."""

    def __post_init__(self) -> None:
        for name in ("search_workers", "ask_workers", "write_workers", "upload_files", "stop_s"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is at least 1, got {getattr(self, name)}")
        for name in ("search_queue", "ask_queue", "write_queue"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is at least 0, got {getattr(self, name)}")
        for name in ("body_mb", "documents_mb", "upload_mb", "idle_s", "body_s", "keep_alive_s"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{name} is above 0, got {getattr(self, name)}")

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
