"""Structured logs: one JSON object a line, without keys, questions, ids or texts."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from types import TracebackType
from typing import Any, TextIO

__all__ = ["JsonFormatter", "log_to", "logger"]

logger = logging.getLogger("rag_engine.http")
"""What the service says; ``extra={"fields": {...}}`` are its structured part."""

_MOST_FRAMES = 12


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON.

    Of an exception it tells the kind and where it was raised, never its message: that may hold
    what a client sent.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["frames"] = _frames(record.exc_info[2])
        return json.dumps(line, ensure_ascii=True, default=str)


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_MOST_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def log_to(stream: TextIO | None = None) -> None:
    """Send the logs of the service and of uvicorn to a stream (stderr), as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("rag_engine.http", "uvicorn.error"):
        named = logging.getLogger(name)
        named.handlers = [handler]
        named.propagate = False
        named.setLevel(logging.INFO)
