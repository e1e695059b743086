"""``rag-engine bench index``."""

from __future__ import annotations

from typing import Annotated

import typer

from rag_engine.pipelines.cli.options import KeptKbDir, ReportFile, write_report
from rag_engine.pipelines.output import Outcome

__all__ = ["index"]


def index(
    *,
    report: ReportFile = None,
    chunks: Annotated[int, typer.Option("--chunks", metavar="N", help="How many chunks.")] = 10_000,
    kb: KeptKbDir = None,
) -> Outcome:
    """What the write path costs, stage by stage."""
    from rag_engine.pipelines.bench.write_path import bench_index

    return write_report(bench_index(chunks, kb), report)
