"""Options that every ``rag-engine train`` has, and numbers of a settings object as options."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rag_engine.connectors.training.training_settings import TrainingSettings
from rag_engine.pipelines.export import BUNDLED

__all__ = ["add_common", "add_numbers", "chosen_numbers"]


def add_numbers(
    parser: argparse.ArgumentParser,
    defaults: TrainingSettings,
    rows: Iterable[tuple[str, type, str]],
) -> None:
    """Add an option for each field: its name, its type, and what it is.

    >>> parser = argparse.ArgumentParser()
    >>> add_numbers(parser, TrainingSettings(), [("check-every", int, "steps")])
    >>> parser.parse_args(["--check-every", "9"]).check_every
    9
    """
    values = {defaults.option(field): value for field, value in defaults}
    for name, kind, what in rows:
        value = values[name]
        parser.add_argument(
            f"--{name}", type=kind, default=value, metavar="N", help=f"{what} ({value})"
        )


def chosen_numbers(kind: type[TrainingSettings], given: argparse.Namespace) -> dict[str, Any]:
    """Return the values of the fields of ``kind`` by their names."""
    return {
        field: getattr(given, kind.option(field).replace("-", "_")) for field in kind.model_fields
    }


def add_common(
    parser: argparse.ArgumentParser, *, model: str, mine: str, teacher: str, check: str
) -> None:
    """Add files, models and devices; the texts say what each means here."""
    parser.add_argument(
        "data",
        nargs="+",
        type=Path,
        metavar="JSONL",
        help="lines of question, positive, negatives, group, topic, symmetric, question_language, "
        "passage_language",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder for the model"
    )
    parser.add_argument("--model", default=BUNDLED, help=f"{model} (the bundled model)")
    parser.add_argument("--mine", type=int, default=0, metavar="N", help=mine)
    parser.add_argument("--teacher", metavar="MODEL", help=teacher)
    parser.add_argument("--check", type=Path, metavar="SET_DIR", help=check)
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="auto (the default): one GPU if there is one",
    )
    parser.add_argument("--json", action="store_true", help="print data as JSON on stdout")
    parser.add_argument(
        "--precision",
        choices=["auto", "f32", "bf16"],
        default="f32",
        help="how it computes (f32); auto: bf16 where the device multiplies such matrices",
    )
