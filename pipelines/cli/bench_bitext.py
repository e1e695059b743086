"""``rag-engine bench bitext``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import ReportFile, SettingsFile, write_report
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["bitext"]


def bitext(
    file: Annotated[
        Path, typer.Argument(metavar="JSONL", help="Lines of language, text, english.")
    ],
    *,
    report: ReportFile = None,
    settings: SettingsFile = None,
) -> Outcome:
    """How often a sentence finds its translation, and how well pairs are mined."""
    from rag_engine.pipelines.bench.bitext import bench_bitext

    return write_report(bench_bitext(file, load_settings(settings) or Settings()), report)
