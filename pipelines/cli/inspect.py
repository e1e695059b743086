"""``rag-engine inspect``."""

from __future__ import annotations

import dataclasses

from rag_engine.pipelines.cli.options import KbDir, SettingsFile, open_kb
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.tables import table

__all__ = ["inspect"]


def inspect(*, kb: KbDir, settings: SettingsFile = None) -> Outcome:
    """Show what a knowledge base holds."""
    with open_kb(kb, settings, read_only=True) as opened:
        found = opened.inspect()
    total = max(found.chunks, 1)
    languages = [
        {"language": language, "chunks": count, "share": f"{count / total:.1%}"}
        for language, count in found.languages.items()
    ]
    lines = [
        f"{found.documents} documents from {found.sources} files, {found.chunks} chunks",
        f"index: generation {found.generation}, {found.dense or 'none'} + {found.lexical or 'none'}"
        + ("" if found.published else " (and changes since, replayed on opening)"),
        *(f"{name}: {size / 1e6:.1f} MB" for name, size in found.bytes.items()),
        *table(languages),
        "contract:",
        *(f"  {name}: {value}" for name, value in sorted(found.contract.items())),
    ]
    return Outcome(result=dataclasses.asdict(found), lines=lines)
