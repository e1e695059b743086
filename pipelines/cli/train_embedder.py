"""``rag-engine train embedder``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.pipelines.cli.training_options import (
    Batch,
    CheckEvery,
    DataFiles,
    Device,
    OutDir,
    Patience,
    Precision,
    Seed,
    Steps,
    WarmupSteps,
    number,
    numbers,
    stated,
)
from rag_engine.pipelines.export_target import BUNDLED
from rag_engine.pipelines.output import Outcome

__all__ = ["embedder"]

_USUAL = EmbedderTraining()


def embedder(
    context: typer.Context,
    data: DataFiles,
    *,
    out: OutDir,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="A sentence-transformers model, a directory or a hub name.",
        ),
    ] = BUNDLED,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream", help="Read files that are larger than memory; lay them out on disk."
        ),
    ] = False,
    mine: Annotated[int, number("mine", "Look for N hard negatives an example.")] = 0,
    mine_across: Annotated[
        bool,
        typer.Option(
            "--mine-across",
            help="In all languages, but for what says the same as the positive.",
        ),
    ] = False,
    mine_filter: Annotated[
        str | None,
        typer.Option(
            "--mine-filter",
            metavar="MODEL",
            help="Keep those that this cross-encoder thinks less probable than the positive.",
        ),
    ] = None,
    loss: Annotated[
        Literal["infonce", "triplet", "kl", "margin-mse"],
        typer.Option(
            "--loss", help="What is made small; kl, margin-mse: a cross-encoder's scores."
        ),
    ] = _USUAL.loss,
    infonce: Annotated[
        float, number("infonce", "What InfoNCE weighs beside another loss.")
    ] = _USUAL.infonce_weight,
    margin: Annotated[float, number("margin", "Of triplets, in cosines.")] = _USUAL.margin,
    teacher_temperature: Annotated[
        float, number("teacher-temperature", "A cross-encoder's scores are divided by it.")
    ] = _USUAL.teacher_temperature,
    mini_batch: Annotated[
        int,
        number("mini-batch", "Texts in memory at once, by gradient caching; 0: the whole batch."),
    ] = _USUAL.mini_batch,
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            metavar="MODEL",
            help="Learn an embedder's vectors, or with --loss a cross-encoder's scores.",
        ),
    ] = None,
    hold: Annotated[
        list[Path] | None,
        typer.Option(
            "--hold",
            metavar="FILE",
            help="Examples whose similarities stay the original's; may be repeated.",
        ),
    ] = None,
    hold_to: Annotated[
        str | None,
        typer.Option(
            "--hold-to", metavar="MODEL", help="Whose similarities they are, if not --model's."
        ),
    ] = None,
    hold_weight: Annotated[
        float, number("hold-weight", "What they weigh beside InfoNCE.")
    ] = _USUAL.hold_weight,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="SET_DIR", help="A test set that is asked while training."),
    ] = None,
    device: Device = "auto",
    precision: Precision = "f32",
    steps: Steps = _USUAL.steps,
    batch: Batch = _USUAL.batch,
    learning_rate: Annotated[
        float, number("learning-rate", "The highest learning rate.")
    ] = _USUAL.learning_rate,
    warmup_steps: WarmupSteps = _USUAL.warmup_steps,
    temperature: Annotated[
        float, number("temperature", "Cosines are divided by it: 0.01, 0.02, 0.05.")
    ] = _USUAL.temperature,
    max_tokens: Annotated[
        int, number("max-tokens", "Tokens of a text that are read.")
    ] = _USUAL.max_tokens,
    rank: Annotated[
        int, number("rank", "Rank of the adapters; 0 trains all weights but the vocabulary's.")
    ] = _USUAL.lora_rank,
    dropout: Annotated[float, number("dropout", "Dropout of the model's layers.")] = _USUAL.dropout,
    keep: Annotated[
        float, number("keep", "How much vectors are held to the original's.")
    ] = _USUAL.anchor_weight,
    keep_every: Annotated[
        int, number("keep-every", "On every so-many-th step.")
    ] = _USUAL.anchor_every,
    late: Annotated[
        float,
        number("late", "What late interaction, token by token, weighs beside the vectors."),
    ] = _USUAL.late_interaction_weight,
    share: Annotated[
        float, number("share", "How far towards the trained weights, 0 to 1.")
    ] = _USUAL.interpolation_alpha,
    seed: Seed = _USUAL.seed,
    check_every: CheckEvery = _USUAL.check_every,
    patience: Patience = _USUAL.patience,
    matryoshka: Annotated[
        list[str] | None,
        typer.Option(
            "--matryoshka",
            metavar="DIMS",
            help="Train so many leading components too: 384,256,128,64.",
        ),
    ] = None,
) -> Outcome:
    """Train an embedder on questions and the passages that answer them."""
    from rag_engine.connectors.torch_models import pick_device, pick_precision
    from rag_engine.pipelines.train.embedder import train

    chosen_device = pick_device(device)
    settings = EmbedderTraining(
        **stated(
            context,
            EmbedderTraining,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            warmup_steps=warmup_steps,
            temperature=temperature,
            loss=loss,
            infonce_weight=infonce,
            margin=margin,
            teacher_temperature=teacher_temperature,
            mini_batch=mini_batch,
            max_tokens=max_tokens,
            lora_rank=rank,
            dropout=dropout,
            anchor_weight=keep,
            anchor_every=keep_every,
            hold_weight=hold_weight,
            late_interaction_weight=late,
            interpolation_alpha=share,
            matryoshka=numbers(matryoshka),
            seed=seed,
            check_every=check_every,
            patience=patience,
        ),
        precision=pick_precision(precision, chosen_device),
    )
    return train(
        data,
        out,
        settings,
        model=model,
        stream=stream,
        mine_hard_negatives=mine,
        mine_across=mine_across,
        mine_filter=mine_filter,
        validation=check,
        teacher=teacher,
        hold=hold or (),
        hold_to=hold_to,
        device=chosen_device,
    )
