"""Opening the knowledge base that a command names, with the settings that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rag_engine.errors import InvalidInput
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import Location, ServerAddress
from rag_engine.settings import Settings

if TYPE_CHECKING:
    from rag_engine.federation import Federation

__all__ = ["folder_of", "load_settings", "open_kb", "open_to_ask"]


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


def open_to_ask(locations: Sequence[Location], settings: Path | None) -> KnowledgeBase | Federation:
    """Open one knowledge base for reading, or several to be asked as one."""
    if len(locations) == 1:
        return open_kb(locations[0], settings, read_only=True)
    if settings is not None:
        raise typer.BadParameter(
            "--settings goes with one knowledge base; several are asked with the settings that "
            "each was made with"
        )
    from rag_engine.federation import Federation  # which one alone need not import

    return Federation.open(locations)
