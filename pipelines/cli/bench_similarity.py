"""``rag-engine bench similarity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import ReportFile, SettingsFile, write_report
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["similarity"]


def similarity(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="JSONL",
            help="Lines of language, sentence (a number, the same for translations), text.",
        ),
    ],
    *,
    sentences: Annotated[
        int, typer.Option("--sentences", metavar="N", help="How many of each language.")
    ] = 300,
    languages: Annotated[
        int | None,
        typer.Option(
            "--languages", metavar="N", help="So many, spread evenly.", show_default="all"
        ),
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
    """How well translations are told from near misses, by pair of languages."""
    from rag_engine.pipelines.bench.similarity import bench_similarity

    outcome = bench_similarity(
        file,
        load_settings(settings) or Settings(),
        sentences=sentences,
        languages=languages,
        cache=cache,
    )
    return write_report(outcome, report)
