"""``rag-engine bench languages``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.options import ReportFile, write_report
from rag_engine.pipelines.output import Outcome

__all__ = ["languages"]


def languages(
    file: Annotated[Path, typer.Argument(metavar="JSONL", help="Lines of language and text.")],
    *,
    report: ReportFile = None,
    sentences: Annotated[
        int, typer.Option("--sentences", metavar="N", min=1, help="So many of each language.")
    ] = 60,
) -> Outcome:
    """How often a text's language is told."""
    from rag_engine.pipelines.bench.languages import bench_languages

    return write_report(bench_languages(file, sentences), report)
