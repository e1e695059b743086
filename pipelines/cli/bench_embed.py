"""``rag-engine bench embed``."""

from __future__ import annotations

from typing import Annotated

import typer

from rag_engine.pipelines.cli.options import ReportFile, write_report
from rag_engine.pipelines.output import Outcome

__all__ = ["embed"]


def embed(
    *,
    report: ReportFile = None,
    passages: Annotated[
        int, typer.Option("--passages", metavar="N", help="How many passages.")
    ] = 512,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", help="Median of so many runs.")
    ] = 3,
) -> Outcome:
    """Tokens a second, with every runtime there is."""
    from rag_engine.pipelines.bench.embed import bench_embed

    return write_report(bench_embed(passages=passages, repeats=repeats), report)
