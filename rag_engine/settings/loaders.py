"""The settings of loaders."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from rag_engine.settings.base import Frozen
from rag_engine.settings.plugins import Plugin

__all__ = ["LoaderPluginSettings", "LoaderSettings"]


_MEMORY_MB = 512


class LoaderPluginSettings(Plugin):
    """A ``Loader`` of one's own; its name alone will do."""

    stage = "loaders"

    @model_validator(mode="before")
    @classmethod
    def _from_its_name(cls, data: Any) -> Any:
        named = {"kind": data} if isinstance(data, str) else data
        if isinstance(named, dict):
            cls.check_choice(named)
        return named


class LoaderSettings(Frozen):
    """How files become documents."""

    stage = "loaders"
    text_columns: tuple[str, ...] = ()
    """CSV, TSV, JSONL: the columns that hold the text; empty: found by their names."""
    title_column: str = ""
    """CSV, TSV, JSONL: the column with the title; empty: found by its name."""
    id_column: str = ""
    """CSV, TSV, JSONL: the column with the id; empty: found by its name."""
    metadata_columns: tuple[str, ...] | None = None
    """CSV, TSV, JSONL: the columns that are kept as metadata; none stated: every other column."""
    max_file_mb: int = Field(200, ge=1, le=1_000_000)
    """Largest file that is read whole, in 10^6 bytes."""
    timeout_s: float = Field(20.0, gt=0, le=86_400)
    """Seconds that one file may take; one of rows that, and again for each MB of it. Those in which
    other programs have the processors do not count, up to ten times as many."""
    memory_mb: int = Field(_MEMORY_MB, ge=256, le=1_000_000)
    """Memory that the process which parses a file may take, in MiB."""
    extra: tuple[LoaderPluginSettings, ...] = ()
    """Loaders of one's own, asked before the others: ``"module:Class"``, the name of an entry
    point (group ``rag_engine.loaders``), or a table of ``kind`` and ``options``."""

    def omitted(self) -> set[str]:
        """Write no empty ``extra``, and no memory but one of one's own.

        Files are read anew when what is written here changes.
        """
        usual = {"memory_mb"} if self.memory_mb == _MEMORY_MB else set()
        return usual if self.extra else {"extra", *usual}
