"""``rag-engine fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import SettingsFile, checked_file
from rag_engine.pipelines.output import Outcome

__all__ = ["fit"]


def fit(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A directory (of sentence-transformers, or one that export wrote), a hub name, "
            "or module:Class.",
            show_default="that of --settings",
        ),
    ] = None,
    *,
    parallel: Annotated[
        list[Path],
        typer.Option(
            "--parallel",
            metavar="FILE",
            help="Sentences that say the same in many languages: JSON Lines (.gz too) of language, "
            "text, and sentence or english; may be repeated.",
        ),
    ],
    sentences: Annotated[
        int,
        typer.Option(
            "--sentences", metavar="N", help="Embed so many of each file and language.", min=10
        ),
    ] = 128,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the fit there.",
            show_default="in the model's directory",
            callback=checked_file,
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a fit that is there already.")
    ] = False,
    settings: SettingsFile = None,
) -> Outcome:
    """Find out of a model what makes search fair across languages, from parallel sentences."""
    from rag_engine.pipelines.fit import embedder_named
    from rag_engine.pipelines.fit import fit as run
    from rag_engine.pipelines.output_files import check_output

    check_output("--out", out, [*parallel, settings])
    return run(
        embedder_named(model, load_settings(settings)),
        parallel,
        out=out,
        sentences=sentences,
        replace=replace,
    )
