"""Options that both ``rag-engine train`` commands have, and the shape of their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rag_engine.connectors.training.training_settings import TrainingSettings

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
    "numbers",
    "stated",
]


def number(name: str, text: str) -> Any:
    """Return the option ``--name N``."""
    return typer.Option(f"--{name}", metavar="N", help=text)


def stated(
    context: typer.Context, settings: type[TrainingSettings], **values: Any
) -> dict[str, Any]:
    """Return those ``values`` of fields that the command line states: others are left as usual.

    So it is known which of them somebody wanted, and one that has no effect can be refused.
    """
    names = {field: settings.option(field).replace("-", "_") for field in values}
    sources = {field: context.get_parameter_source(name) for field, name in names.items()}
    return {
        field: value
        for field, value in values.items()
        if (source := sources[field]) is not None and source.name == "COMMANDLINE"
    }


def numbers(texts: list[str] | None) -> tuple[int, ...]:
    """Return the whole numbers of an option that may be repeated, or hold several with commas.

    >>> numbers(["384,256", "64"]), numbers(None)
    ((384, 256, 64), ())
    """
    parts = [part.strip() for text in texts or [] for part in text.split(",")]
    for part in parts:
        if not part.isdecimal():
            raise typer.BadParameter(
                f"{part!r} is no whole number; write them with commas: 384,256,128,64"
            )
    return tuple(map(int, parts))


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
