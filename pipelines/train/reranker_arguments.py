"""The command line of ``rag-engine train reranker``."""

from __future__ import annotations

import argparse

from rag_engine.connectors.torch_models import pick_device, pick_precision
from rag_engine.connectors.training.reranker_settings import RerankerTraining
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.train.options import add_common, add_numbers, chosen_numbers
from rag_engine.pipelines.train.reranker import train

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
    add_common(
        parser,
        model="a cross-encoder or an encoder, a directory or a hub name",
        mine="let the bundled model look for N hard negatives an example",
        teacher="learn this cross-encoder's scores in place of labels",
        check="a test set that is reranked while training",
    )
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


def _reranker(given: argparse.Namespace) -> Outcome:
    device = pick_device(given.device)
    values = chosen_numbers(RerankerTraining, given)
    values["precision"] = pick_precision(given.precision, device)
    return train(
        given.data,
        given.out,
        RerankerTraining(**values),
        model=given.model,
        mine_hard_negatives=given.mine,
        teacher=given.teacher,
        validation=given.check,
        device=device,
    )
