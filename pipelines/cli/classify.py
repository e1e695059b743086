"""``rag-engine classify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import SettingsFile, checked_file
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["classify"]


def classify(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A text, or a file with a text a line.")
    ],
    *,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME", help="A label; two or more are needed."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="Labels, one a line: a name, a tab, a description, a tab, a language.",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language", metavar="LANGUAGE", help="Of the texts.", show_default="detected"
        ),
    ] = None,
    label_language: Annotated[
        str | None,
        typer.Option(
            "--label-language", metavar="LANGUAGE", help="Of the labels.", show_default="detected"
        ),
    ] = None,
    own_means: Annotated[
        bool,
        typer.Option(
            "--own-means",
            help="Take out what the texts have in common: for many texts about all the labels.",
        ),
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Plain cosines, -1 to 1, of any model.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write a table of all figures there, with tabs between.",
            show_default="stdout",
            callback=checked_file,
        ),
    ] = None,
    settings: SettingsFile = None,
) -> Outcome:
    """Tell which of some labels texts are about, whatever languages both are in."""
    from rag_engine.pipelines.classification import classify_texts, read_labels
    from rag_engine.pipelines.output_files import check_output

    check_output("--out", out, [text, labels, settings])
    return classify_texts(
        text,
        [*(label or ()), *([] if labels is None else read_labels(labels))],
        load_settings(settings) or Settings(),
        language=language,
        label_language=label_language,
        own_means=own_means,
        raw=raw,
        out=out,
    )
