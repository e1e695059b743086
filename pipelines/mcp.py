"""``rag-engine mcp``: a knowledge base as an MCP server on stdin and stdout."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rag_engine.following import Following
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import Location
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.process_memory import give_memory_back
from rag_engine.settings import Settings

__all__ = ["serve_mcp"]


def serve_mcp(path: Location, settings: Settings | None) -> Outcome:
    """Serve the knowledge base at ``path`` until the client closes stdin.

    It is opened for reading, beside whoever writes to it; what is added meanwhile is found, and one
    that takes its place is opened.
    Nothing but the protocol is written to stdout.

    Raises:
        MissingExtra: the package ``mcp`` is not installed.
        StoreError: the knowledge base can not be opened.
    """
    from rag_engine.connectors.mcp_server import build_mcp_server

    give_memory_back()

    def opened() -> KnowledgeBase:
        return KnowledgeBase.open(path, settings=settings, read_only=True)

    with _stdout_is_stderr():  # a library that prints while it loads would break the protocol
        kb = opened()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # While it serves, what is printed goes to stderr; held back, it would come out at the end.
        sys.stdout.reconfigure(line_buffering=True)
    with Following(kb, opened) as following:
        build_mcp_server(following).run("stdio")
    return Outcome(result={}, lines=[])


@contextmanager
def _stdout_is_stderr() -> Iterator[None]:
    """Send what is written to stdout, by Python or below it, to stderr."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
