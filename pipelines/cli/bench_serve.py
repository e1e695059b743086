"""``rag-engine bench serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.options import ReportFile, write_report
from rag_engine.pipelines.output import Outcome

__all__ = ["serve"]


def serve(
    *,
    report: ReportFile = None,
    kb: Annotated[
        Path | None,
        typer.Option("--kb", metavar="DIR", help="The knowledge base.", show_default="the sample"),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="A service that runs already, without keys."),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", help="For each row.")] = 10.0,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            metavar="MINUTES",
            help="Instead: 8 clients that also write, for so long.",
        ),
    ] = None,
) -> Outcome:
    """The HTTP service with 1, 2, 8 and 32 clients."""
    from rag_engine.pipelines.bench.serve import bench_serve

    return write_report(bench_serve(kb, url=url, seconds=seconds, minutes=minutes), report)
