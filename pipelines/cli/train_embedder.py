"""``rag-engine train embedder``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
)
from rag_engine.pipelines.export_target import BUNDLED
from rag_engine.pipelines.output import Outcome

__all__ = ["embedder"]

_USUAL = EmbedderTraining()


def embedder(
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
    mine: Annotated[int, number("mine", "Look for N hard negatives an example.")] = 0,
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            metavar="MODEL",
            help="Learn this model's vectors, of a text or its original.",
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
        float, number("temperature", "Temperature of InfoNCE.")
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
        list[int] | None,
        typer.Option(
            "--matryoshka",
            metavar="DIM",
            help="Train so many leading components too; may be repeated.",
        ),
    ] = None,
) -> Outcome:
    """Train an embedder on questions and the passages that answer them."""
    from rag_engine.connectors.torch_models import pick_device, pick_precision
    from rag_engine.pipelines.train.embedder import train

    chosen_device = pick_device(device)
    settings = EmbedderTraining(
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
        temperature=temperature,
        max_tokens=max_tokens,
        lora_rank=rank,
        dropout=dropout,
        anchor_weight=keep,
        anchor_every=keep_every,
        hold_weight=hold_weight,
        late_interaction_weight=late,
        interpolation_alpha=share,
        matryoshka=tuple(matryoshka or ()),
        precision=pick_precision(precision, chosen_device),
        seed=seed,
        check_every=check_every,
        patience=patience,
    )
    return train(
        data,
        out,
        settings,
        model=model,
        mine_hard_negatives=mine,
        validation=check,
        teacher=teacher,
        hold=hold or (),
        hold_to=hold_to,
        device=chosen_device,
    )
