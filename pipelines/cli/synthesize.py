"""``rag-engine synthesize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome

__all__ = ["synthesize"]


def synthesize(
    *,
    kb: KbDir,
    settings: SettingsFile = None,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE.jsonl", help="A new file for the examples."),
    ],
    languages: Annotated[
        str,
        typer.Option(
            "--languages",
            metavar="CODES",
            help="The languages to ask in, by turns, such as de,ja,sw.",
        ),
    ],
    per_passage: Annotated[
        int, typer.Option("--per-passage", metavar="N", help="Questions a passage.")
    ] = 1,
    keep_within: Annotated[
        int,
        typer.Option(
            "--keep-within",
            metavar="N",
            help="Keep a question if its passage is among the first N hits.",
        ),
    ] = 10,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            metavar="P",
            help="And if its passage answers it with at least this probability.",
            show_default="what `ask` reads",
        ),
    ] = None,
    negatives: Annotated[
        int, typer.Option("--negatives", metavar="N", help="Wrong hits kept with a question.")
    ] = 1,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            help="Ask about so many passages, by chance.",
            show_default="all",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="For what is drawn.")] = 1,
    at_once: Annotated[
        int,
        typer.Option(
            "--at-once", metavar="N", help="Passages that the model is asked about at a time."
        ),
    ] = 4,
) -> Outcome:
    """Let a language model write questions about the passages, to train on."""
    from rag_engine.pipelines.synthesis.synthesis_settings import Synthesis
    from rag_engine.pipelines.synthesis.synthesize import synthesize

    wanted = Synthesis(
        languages=tuple(code for code in languages.split(",") if code.strip()),
        per_passage=per_passage,
        limit=limit,
        keep_within=keep_within,
        min_score=min_score,
        negatives=negatives,
        seed=seed,
    )
    return synthesize(kb, out, wanted, settings=load_settings(settings), at_once=at_once)
