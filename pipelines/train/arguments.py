"""The command line of ``rag-engine train``."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from connectors.training.settings import EmbedderTraining
from pipelines.export_model import BUNDLED
from pipelines.output import Outcome
from pipelines.train.embedder import train

__all__ = ["add_training"]


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add what can be trained, each with its settings."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    text = "train an embedder on questions and the passages that answer them"
    embedder = kinds.add_parser("embedder", help=text, description=text)
    embedder.set_defaults(run=_embedder)
    embedder.add_argument(
        "data",
        nargs="+",
        type=Path,
        metavar="JSONL",
        help="lines of question, positive, negatives, group, question_language, passage_language",
    )
    embedder.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder for the model"
    )
    embedder.add_argument(
        "--model", default=BUNDLED, help="a sentence-transformers directory (the bundled model)"
    )
    embedder.add_argument(
        "--mine", type=int, default=0, metavar="N", help="look for N hard negatives an example"
    )
    embedder.add_argument(
        "--check", type=Path, metavar="SET_DIR", help="a test set that is asked while training"
    )
    embedder.add_argument(
        "--teacher", metavar="MODEL", help="learn this model's vectors, of a text or its original"
    )
    embedder.add_argument("--device", default="cpu", help="cpu (the default) or cuda")
    embedder.add_argument("--json", action="store_true", help="print data as JSON on stdout")
    default = EmbedderTraining()
    for name, kind, what in (
        ("steps", int, "steps"),
        ("batch", int, "questions a step"),
        ("learning-rate", float, "the highest learning rate"),
        ("warmup-steps", int, "steps until then"),
        ("temperature", float, "temperature of InfoNCE"),
        ("max-tokens", int, "tokens of a text that are read"),
        ("rank", int, "rank of the adapters; 0 trains all weights but the vocabulary's"),
        ("dropout", float, "dropout of the model's layers"),
        ("keep", float, "how much vectors are held to the original's"),
        ("keep-every", int, "on every so-many-th step"),
        ("share", float, "how far towards the trained weights, 0 to 1"),
        ("seed", int, "for all that is drawn"),
        ("check-every", int, "steps between checkpoints and checks"),
        ("patience", int, "checks without a better score before it ends"),
    ):
        value = getattr(default, name.replace("-", "_"))
        embedder.add_argument(
            f"--{name}", type=kind, default=value, metavar="N", help=f"{what} ({value})"
        )
    embedder.add_argument(
        "--matryoshka",
        type=int,
        action="append",
        metavar="DIM",
        help="train so many leading components too; may be repeated",
    )
    embedder.add_argument(
        "--precision", choices=["f32", "bf16"], default="f32", help="how it computes (f32)"
    )


def _embedder(given: argparse.Namespace) -> Outcome:
    names = (each.name for each in fields(EmbedderTraining))
    values = {name: getattr(given, name) for name in names}
    settings = EmbedderTraining(**{**values, "matryoshka": tuple(given.matryoshka or ())})
    return train(
        given.data,
        given.out,
        settings,
        model=given.model,
        mine=given.mine,
        validation=given.check,
        teacher=given.teacher,
        device=given.device,
    )
