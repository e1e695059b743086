"""``rag-engine bench start``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.options import ReportFile, write_report
from rag_engine.pipelines.output import Outcome

__all__ = ["start"]


def start(
    *,
    report: ReportFile = None,
    kb: Annotated[
        Path | None,
        typer.Option("--kb", metavar="DIR", help="The knowledge base.", show_default="the sample"),
    ] = None,
    runs: Annotated[int, typer.Option("--runs", metavar="N", help="How often each is run.")] = 5,
    beside: Annotated[
        Path | None,
        typer.Option("--beside", metavar="DIR", help="Another version, run in turns: a checkout."),
    ] = None,
) -> Outcome:
    """How long commands take in a new process.

    Wall time and processor time of --help, inspect, search and ask, medians.
    """
    from rag_engine.pipelines.bench.start import bench_start

    return write_report(bench_start(kb, runs=runs, beside=beside), report)
