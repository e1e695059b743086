"""``rag-engine export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.export_target import Target
from rag_engine.pipelines.output import Outcome

__all__ = ["export"]


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A directory, a hub name, or 'bundled'.")
    ],
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    *,
    to: Annotated[Target, typer.Option("--to", help="What it is to run on.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="8 bits a weight: smaller and faster, a little off.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="The bundled model without its adapter.")
    ] = False,
    least_cosine: Annotated[
        float | None,
        typer.Option(
            "--least-cosine",
            metavar="C",
            help="Refuse a result whose vectors are less near to torch's.",
            show_default="0.999; with --int8 0.99",
        ),
    ] = None,
) -> Outcome:
    """Write a model so that it runs elsewhere."""
    from rag_engine.pipelines.export import export_model

    description = export_model(
        model, target, to, int8=int8, least_cosine=least_cosine, adapter=not plain
    )
    lines = [f"written: {target}"]
    if description:
        cosine = description["cosine_to_torch"]
        lines.append(
            f"cosine to torch on {cosine['texts']} texts: {cosine['min']} at worst, "
            f"{cosine['mean']} on average"
        )
    return Outcome(result={"directory": str(target), **description}, lines=lines)
