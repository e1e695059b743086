"""The command line of ``rag-engine train``."""

from __future__ import annotations

import argparse

from rag_engine.connectors.torch_models import pick_device, pick_precision
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.train.embedder import train
from rag_engine.pipelines.train.options import add_common, add_numbers, chosen_numbers
from rag_engine.pipelines.train.reranker_arguments import add_reranker

__all__ = ["add_training"]


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add what can be trained, each with its settings."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    text = "train an embedder on questions and the passages that answer them"
    embedder = kinds.add_parser("embedder", help=text, description=text)
    embedder.set_defaults(run=_embedder)
    add_reranker(kinds.add_parser("reranker", help="train a reranker on the same lines"))
    add_common(
        embedder,
        model="a sentence-transformers model, a directory or a hub name",
        mine="look for N hard negatives an example",
        teacher="learn this model's vectors, of a text or its original",
        check="a test set that is asked while training",
    )
    rows = (
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
        ("late", float, "what late interaction, token by token, weighs beside the vectors"),
        ("share", float, "how far towards the trained weights, 0 to 1"),
        ("seed", int, "for all that is drawn"),
        ("check-every", int, "steps between checkpoints and checks"),
        ("patience", int, "checks without a better score before it ends"),
    )
    add_numbers(embedder, EmbedderTraining(), rows)
    embedder.add_argument(
        "--matryoshka",
        type=int,
        action="append",
        metavar="DIM",
        help="train so many leading components too; may be repeated",
    )


def _embedder(given: argparse.Namespace) -> Outcome:
    device = pick_device(given.device)
    values = chosen_numbers(EmbedderTraining, given)
    values["precision"] = pick_precision(given.precision, device)
    settings = EmbedderTraining(**{**values, "matryoshka": tuple(given.matryoshka or ())})
    return train(
        given.data,
        given.out,
        settings,
        model=given.model,
        mine_hard_negatives=given.mine,
        validation=given.check,
        teacher=given.teacher,
        device=device,
    )
