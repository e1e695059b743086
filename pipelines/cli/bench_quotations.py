"""``rag-engine bench quotations``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import ReportFile, SettingsFile, write_report
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["quotations"]


def quotations(
    file: Annotated[
        Path,
        typer.Argument(metavar="JSONL", help="Lines of language, question, passage, answer."),
    ],
    *,
    questions: Annotated[
        int, typer.Option("--questions", metavar="N", min=1, help="So many of each language.")
    ] = 50,
    report: ReportFile = None,
    settings: SettingsFile = None,
) -> Outcome:
    """How often a quoted sentence holds the answer.

    Each question is asked of its own passage, and of all passages that were drawn.
    """
    from rag_engine.pipelines.bench.quotations import bench_quotations

    return write_report(
        bench_quotations(file, questions, load_settings(settings) or Settings()), report
    )
