"""The command line of ``rag-engine train reranker``."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from connectors.training.reranker_settings import RerankerTraining
from pipelines.export_model import BUNDLED
from pipelines.output import Outcome
from pipelines.train.options import add_numbers
from pipelines.train.reranker import train

__all__ = ["add_reranker"]

_TEXT = "train a reranker on questions, the passages that answer them and such that do not"
_MORE = """\
The model is a cross-encoder (a directory or a hub name), or any encoder, which gets a fresh head;
so does the bundled model. A fresh head needs far more than a few thousand questions: 5,800 brought
the bundled model to an nDCG@10 of .589 alone, which was not good enough. Start from a cross-encoder
where you can, or learn from one with --teacher.
"""


def add_reranker(parser: argparse.ArgumentParser) -> None:
    """Add what the training of a reranker is told."""
    parser.description = f"{_TEXT}.\n\n{_MORE}"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(run=_reranker)
    parser.add_argument(
        "data",
        nargs="+",
        type=Path,
        metavar="JSONL",
        help="lines of question, positive, negatives, group, question_language, passage_language",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder for the model"
    )
    parser.add_argument(
        "--model", default=BUNDLED, help="a cross-encoder or an encoder (the bundled model)"
    )
    parser.add_argument(
        "--mine",
        type=int,
        default=0,
        metavar="N",
        help="let the bundled model look for N hard negatives an example",
    )
    parser.add_argument(
        "--teacher", metavar="MODEL", help="learn this cross-encoder's scores in place of labels"
    )
    parser.add_argument(
        "--check", type=Path, metavar="SET_DIR", help="a test set that is reranked while training"
    )
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="auto (the default): one GPU if there is one",
    )
    parser.add_argument("--json", action="store_true", help="print data as JSON on stdout")
    add_numbers(
        parser,
        RerankerTraining(),
        (
            ("steps", int, "steps"),
            ("batch", int, "questions a step"),
            ("learning-rate", float, "the highest learning rate; adapters want ten times as much"),
            ("warmup-steps", int, "steps until then"),
            ("max-tokens", int, "tokens of a pair that are read"),
            ("negatives", int, "wrong passages a question, drawn if there are more"),
            ("rank", int, "rank of adapters; 0 trains all weights but the vocabulary's"),
            ("seed", int, "for all that is drawn"),
            ("check-every", int, "steps between checkpoints and checks"),
            ("check-questions", int, "questions of the test set that are asked"),
            ("check-pool", int, "candidates a question that are reranked then"),
            ("patience", int, "checks without a better score before it ends"),
        ),
    )
    parser.add_argument(
        "--precision", choices=["f32", "bf16"], default="f32", help="how it computes (f32)"
    )


def _reranker(given: argparse.Namespace) -> Outcome:
    names = [each.name for each in fields(RerankerTraining)]
    return train(
        given.data,
        given.out,
        RerankerTraining(**{name: getattr(given, name) for name in names}),
        model=given.model,
        mine=given.mine,
        teacher=given.teacher,
        validation=given.check,
        device=given.device,
    )
