"""How much the service takes on: sizes, times, places."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rag_engine.errors import SettingsError

__all__ = ["Limits"]

_MB = 1_000_000


def _cores() -> int:
    return min(16, os.cpu_count() or 1)


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
    rag_engine.errors.SettingsError: write_workers is at least 1, got 0
    """

    search_workers: int = _cores()
    """One a core: a model uses all cores for each search, and more at a time only wait for it."""
    search_queue: int = 64
    ask_workers: int = min(16, 2 * _cores())
    ask_queue: int = 64
    max_wait_s: float | None = None
    """Longest wait of a search or an answer for its turn; None: twice what 99 of 100 of them take,
    as measured."""
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
        for name in ("search_workers", "ask_workers", "write_workers", "upload_files", "stop_s"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is at least 1, got {getattr(self, name)}")
        for name in ("search_queue", "ask_queue", "write_queue"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is at least 0, got {getattr(self, name)}")
        if self.max_wait_s is not None and self.max_wait_s <= 0:
            raise SettingsError(f"max_wait_s is above 0, or None, got {self.max_wait_s}")
        for name in (
            "write_wait_s",
            "body_mb",
            "documents_mb",
            "upload_mb",
            "idle_s",
            "body_s",
            "keep_alive_s",
        ):
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
