"""``rag-engine health``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.health.extent import QUESTIONS, SAMPLE
from rag_engine.pipelines.cli.options import KbDir, checked_file
from rag_engine.pipelines.output import Outcome

__all__ = ["health"]


def health(
    *,
    kb: KbDir,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write a page with charts.", callback=checked_file
        ),
    ] = None,
    sample: Annotated[
        int,
        typer.Option("--sample", metavar="N", help="Look at so many passages of a larger one."),
    ] = SAMPLE,
    questions: Annotated[
        int,
        typer.Option(
            "--questions", metavar="N", help="Ask at most so many questions of its own; 0: none."
        ),
    ] = QUESTIONS,
    seed: Annotated[int, typer.Option("--seed", help="What passages are drawn with.")] = 1,
) -> Outcome:
    """Tell without labels what keeps passages from being found, and what to do.

    It changes nothing, works beside a writer, and needs the model for the questions alone.
    """
    from rag_engine.pipelines.health import health

    return health(kb, html=html, sample=sample, questions=questions, seed=seed)
