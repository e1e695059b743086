"""``rag-engine inspect``."""

from __future__ import annotations

import dataclasses

from rag_engine.inspection import inspect_location
from rag_engine.pipelines.cli.options import KbDir
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.tables import table

__all__ = ["inspect"]


def inspect(*, kb: KbDir) -> Outcome:
    """Show what a knowledge base holds."""
    inspection = inspect_location(kb)
    total = max(inspection.chunks, 1)
    languages = [
        {"language": language, "chunks": count, "share": f"{count / total:.1%}"}
        for language, count in inspection.languages.items()
    ]
    lines = [
        f"{inspection.documents} documents from {inspection.sources} files, "
        f"{inspection.chunks} chunks"
        + (f", {inspection.images} pictures" if inspection.images else ""),
        f"index: generation {inspection.generation}, "
        f"{inspection.dense or 'none'} + {inspection.lexical or 'none'}"
        + ("" if inspection.published else " (and changes since, replayed on opening)"),
        *(f"{name}: {size / 1e6:.1f} MB" for name, size in inspection.bytes.items()),
        *table(languages),
        "contract:",
        *(f"  {name}: {value}" for name, value in sorted(inspection.contract.items())),
    ]
    return Outcome(result=dataclasses.asdict(inspection), lines=lines)
