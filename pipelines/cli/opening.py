"""Opening the knowledge base that a command names, with the settings that it names."""

from __future__ import annotations

from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import Location, ServerAddress
from rag_engine.settings import Settings

__all__ = ["folder_of", "load_settings", "open_kb"]


def folder_of(location: Location, what: str, step: str) -> Path:
    """Return the folder that a location is, for what is done to files alone.

    Raises:
        InvalidInput: it is on a server; ``step`` is what is done there instead.
    """
    if isinstance(location, ServerAddress):
        raise InvalidInput(
            f"{what} is for a knowledge base in a folder; {location} is on a server: {step}"
        )
    return location


def load_settings(path: Path | None) -> Settings | None:
    """Read a file of settings, if one is named."""
    return None if path is None else Settings.from_toml(path)


def open_kb(
    path: Location, settings: Path | None, *, read_only: bool, create: bool = False
) -> KnowledgeBase:
    """Open a knowledge base, with the settings of a file if one is named."""
    return KnowledgeBase.open(
        path, settings=load_settings(settings), read_only=read_only, create=create
    )
