"""``rag-engine clusters``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rag_engine.health.extent import SAMPLE
from rag_engine.pipelines.cli.opening import open_kb
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome

__all__ = ["clusters"]


def clusters(
    *,
    kb: KbDir,
    method: Annotated[
        Literal["kmeans", "hdbscan"], typer.Option("--method", help="What clusters.")
    ] = "kmeans",
    number: Annotated[
        int | None,
        typer.Option(
            "--clusters",
            metavar="N",
            help="How many, with kmeans.",
            show_default="the square root of half the passages, at most 50",
        ),
    ] = None,
    smallest: Annotated[
        int | None,
        typer.Option(
            "--smallest",
            metavar="N",
            help="How many passages a cluster has at least, with hdbscan.",
            show_default="5",
        ),
    ] = None,
    sample: Annotated[
        int,
        typer.Option("--sample", metavar="N", help="Look at so many passages of a larger one."),
    ] = SAMPLE,
    seed: Annotated[int, typer.Option("--seed", help="What is drawn with.")] = 1,
    settings: SettingsFile = None,
) -> Outcome:
    """Tell what the passages are about, whatever languages they are in."""
    from rag_engine.pipelines.clusters import clusters, made_clusterer

    clusterer = made_clusterer(method, number=number, smallest=smallest, seed=seed)
    with open_kb(kb, settings, read_only=True) as opened:
        return clusters(opened, clusterer, sample=sample, seed=seed)
