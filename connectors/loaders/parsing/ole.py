"""Compound files, as Office wrote them until 2003: what kind of document one is."""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.connectors.loaders.parsing.archive import OLE
from rag_engine.connectors.loaders.parsing.parsed import Refused

__all__ = ["check_ole"]


def check_ole(data: bytes, *, kind: str, streams: Sequence[str], new: str) -> None:
    """Refuse what is no compound file with one of these streams.

    ``kind`` is what messages call such a file, ``new`` the ending of its successor.

    Raises:
        Refused: it is empty, another kind of file, or damaged.
    """
    if not data.strip():
        raise Refused("it is empty")
    if data.startswith(b"PK"):
        raise Refused(f"it is no {kind} but an archive, as {new} files are; name it so")
    if not data.startswith(OLE):
        raise Refused(f"it is no {kind}")
    if not any(stream.encode("utf-16-le") in data for stream in streams):
        raise Refused(f"it is no {kind}, or damaged: it has no stream {streams[0]!r}")
