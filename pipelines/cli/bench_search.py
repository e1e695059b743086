"""``rag-engine bench search``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import (
    KeptKbDir,
    ReportFile,
    SettingsFile,
    write_report,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import DenseKind, Settings

__all__ = ["search"]


def search(
    *,
    report: ReportFile = None,
    chunks: Annotated[int, typer.Option("--chunks", metavar="N", help="How many chunks.")] = 10_000,
    queries: Annotated[
        int, typer.Option("--queries", metavar="N", help="How many questions.")
    ] = 300,
    kb: KeptKbDir = None,
    settings: SettingsFile = None,
    index: Annotated[
        DenseKind | None,
        typer.Option(
            "--index", help="The kind of dense index.", show_default="that of the settings"
        ),
    ] = None,
    test_set: Annotated[
        Path | None,
        typer.Option("--set", metavar="SET_DIR", help="Real passages and questions of a test set."),
    ] = None,
) -> Outcome:
    """A question's time, memory and recall at scale."""
    from rag_engine.pipelines.bench.search import bench_search

    chosen = load_settings(settings) or Settings()
    if index:
        chosen = chosen.of_kind("dense", index)
    return write_report(bench_search(chunks, queries, kb, chosen, test_set), report)
