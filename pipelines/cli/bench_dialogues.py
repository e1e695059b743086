"""``rag-engine bench dialogues``."""

from __future__ import annotations

from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import KeptKbDir, ReportFile, SettingsFile, write_report
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import ExtractiveGeneratorSettings, Settings

__all__ = ["dialogues"]


def dialogues(
    *,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample", metavar="N", min=1, help="Ask N of the dialogues.", show_default="all"
        ),
    ] = None,
    parallel: Annotated[
        int,
        typer.Option("--parallel", metavar="N", min=1, help="Dialogues asked at a time."),
    ] = 1,
    quote: Annotated[
        bool,
        typer.Option(
            "--quote", help="Answers are quotations; a language model writes questions alone."
        ),
    ] = False,
    report: ReportFile = None,
    kb: KeptKbDir = None,
    settings: SettingsFile = None,
) -> Outcome:
    """How often the first hit is right in conversations.

    120 dialogues in twelve languages over the sample knowledge base: follow-ups and new topics,
    each question asked alone and with what was said before, by a language model's rewriting where
    the settings name one.
    """
    from rag_engine.pipelines.bench.dialogues import bench_dialogues

    chosen = load_settings(settings) or Settings()
    if quote and isinstance(chosen.generator, ExtractiveGeneratorSettings):
        raise typer.BadParameter("--quote needs --settings FILE that names a language model")
    outcome = bench_dialogues(chosen, kb, sample=sample, parallel=parallel, quote=quote)
    return write_report(outcome, report)
