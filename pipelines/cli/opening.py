"""Opening the knowledge base that a command names, with the settings that it names."""

from __future__ import annotations

from pathlib import Path

from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.settings import Settings

__all__ = ["load_settings", "open_kb"]


def load_settings(path: Path | None) -> Settings | None:
    """Read a file of settings, if one is named."""
    return None if path is None else Settings.from_toml(path)


def open_kb(
    path: Path, settings: Path | None, *, read_only: bool, create: bool = False
) -> KnowledgeBase:
    """Open a knowledge base, with the settings of a file if one is named."""
    return KnowledgeBase.open(
        path, settings=load_settings(settings), read_only=read_only, create=create
    )
