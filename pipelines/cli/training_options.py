"""Options that both ``rag-engine train`` commands have, and the shape of their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

__all__ = [
    "Batch",
    "CheckEvery",
    "DataFiles",
    "Device",
    "OutDir",
    "Patience",
    "Precision",
    "Seed",
    "Steps",
    "WarmupSteps",
    "number",
]


def number(name: str, text: str) -> Any:
    """Return the option ``--name N``."""
    return typer.Option(f"--{name}", metavar="N", help=text)


DataFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="JSONL",
        help="Lines of question, positive, negatives, group, topic, symmetric, question_language, "
        "passage_language.",
    ),
]
OutDir = Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder for the model.")]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option("--device", help="What it computes on; auto: one GPU if there is one."),
]
Precision = Annotated[
    Literal["auto", "f32", "bf16"],
    typer.Option(
        "--precision",
        help="How it computes; auto: bf16 where the device multiplies such matrices.",
    ),
]
Steps = Annotated[int, number("steps", "Steps.")]
Batch = Annotated[int, number("batch", "Questions a step.")]
WarmupSteps = Annotated[int, number("warmup-steps", "Steps until then.")]
Seed = Annotated[int, number("seed", "For all that is drawn.")]
CheckEvery = Annotated[int, number("check-every", "Steps between checkpoints and checks.")]
Patience = Annotated[int, number("patience", "Checks without a better score before it ends.")]
