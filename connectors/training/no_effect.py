"""Settings that would have no effect are refused: whoever states one believes that it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.training_settings import TrainingSettings
from rag_engine.errors import InvalidInput

__all__ = ["Learns", "refuse_unused", "refuse_without_check"]

Learns = Literal["labels", "vectors", "scores"]
"""From what an embedder learns: from its examples, or from a teacher's vectors or scores."""


def refuse_unused(
    settings: EmbedderTraining,
    *,
    learns: Learns,
    holds: bool,
    checks: bool,
    mined: int,
    mine_across: bool,
    mine_filter: str | None,
) -> None:
    """Refuse what is stated and would change nothing.

    Raises:
        InvalidInput: something would; it names the option, its value and what to do.

    >>> refuse_unused(
    ...     EmbedderTraining(margin=0.2), learns="labels", holds=False, checks=False, mined=0,
    ...     mine_across=False, mine_filter=None,
    ... )
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: margin 0.2 does nothing with loss 'infonce'; leave it out, or \
take --loss triplet
    """
    told = f"loss {settings.loss!r}"
    if learns == "vectors":
        if settings.loss != "infonce":
            raise InvalidInput(
                f"--loss {settings.loss} does nothing with a teacher that gives vectors; leave it "
                "out, or name a cross-encoder as --teacher"
            )
        _refuse(
            settings,
            "does nothing where a teacher's vectors are learnt",
            ("temperature", "anchor_weight", "anchor_every", "matryoshka", "mini_batch"),
            "leave it out",
        )
        if mined:
            raise InvalidInput(
                f"--mine {mined} does nothing where a teacher's vectors are learnt: negatives have "
                "no part in it; leave it out"
            )
    if settings.loss != "triplet":
        _refuse(
            settings,
            f"does nothing with {told}",
            ("margin",),
            "leave it out, or take --loss triplet",
        )
    elif not settings.infonce_weight and not holds:
        _refuse(
            settings,
            f"does nothing with {told}, which compares plain cosines",
            ("temperature",),
            "leave it out",
        )
    if settings.loss == "infonce":
        _refuse(settings, f"does nothing with {told}", ("infonce_weight",), "leave it out")
    if learns != "scores":
        _refuse(
            settings,
            "does nothing without a cross-encoder as --teacher",
            ("teacher_temperature",),
            "leave it out, or give one",
        )
    if not settings.anchor_weight:
        _refuse(settings, "does nothing with keep 0", ("anchor_every",), "leave it out")
    if not holds:
        _refuse(
            settings,
            "does nothing without --hold FILE",
            ("hold_weight",),
            "give a file, or leave it",
        )
    if not mined and (mine_across or mine_filter is not None):
        option = "--mine-across" if mine_across else f"--mine-filter {mine_filter}"
        raise InvalidInput(f"{option} does nothing without --mine N; say how many to look for")
    refuse_without_check(settings, ("patience",), checks=checks)


def refuse_without_check(
    settings: TrainingSettings, fields: Sequence[str], *, checks: bool
) -> None:
    """Refuse what is for checks on a test set, where nothing is checked.

    Raises:
        InvalidInput: one of the ``fields`` is stated.
    """
    if not checks:
        _refuse(
            settings, "does nothing without --check SET_DIR", fields, "name a set, or leave it out"
        )


def _refuse(settings: TrainingSettings, why: str, fields: Sequence[str], step: str) -> None:
    for field in fields:
        value = getattr(settings, field)
        if field in settings.model_fields_set and value != ():
            raise InvalidInput(f"{settings.option(field)} {value} {why}; {step}")
