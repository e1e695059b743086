"""``rag-engine bench peers``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.bench.peer_requirements import Peer
from rag_engine.pipelines.cli.options import ReportFile, write_report
from rag_engine.pipelines.output import Outcome

__all__ = ["peers"]


def peers(
    test_set: Annotated[
        Path, typer.Argument(metavar="SET_DIR", help="A test set in BEIR's layout.")
    ],
    *,
    report: ReportFile = None,
    chunks: Annotated[
        int | None,
        typer.Option("--chunks", metavar="N", help="Fill up the corpus to so many passages."),
    ] = None,
    queries: Annotated[
        int, typer.Option("--queries", metavar="N", help="At most so many questions.")
    ] = 500,
    chosen: Annotated[
        list[Peer] | None,
        typer.Option(
            "--peer", metavar="|".join(Peer), help="Only this; may be repeated.", show_default="all"
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option("--work", metavar="DIR", help="Keep environments and data there."),
    ] = None,
) -> Outcome:
    """The same work with other frameworks."""
    from rag_engine.pipelines.bench.peers import bench_peers

    outcome = bench_peers(test_set, chunks=chunks, queries=queries, peers=chosen, work=work)
    return write_report(outcome, report)
