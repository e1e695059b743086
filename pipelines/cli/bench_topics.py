"""``rag-engine bench topics``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import ReportFile, SettingsFile, write_report
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["topics"]


def topics(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="The folder data/annotated of SIB-200's repository."),
    ],
    *,
    languages: Annotated[
        int | None,
        typer.Option(
            "--languages", metavar="N", help="So many, spread evenly.", show_default="all"
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="CODE", help="Only this language; may be repeated."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Keep vectors there: no text is embedded twice. May be deleted at any time.",
        ),
    ] = None,
    report: ReportFile = None,
    settings: SettingsFile = None,
) -> Outcome:
    """How well topics are told: clusters, and classification without examples."""
    from rag_engine.pipelines.bench.topics import bench_topics

    outcome = bench_topics(
        folder,
        load_settings(settings) or Settings(),
        languages=languages,
        only=only or (),
        cache=cache,
    )
    return write_report(outcome, report)
