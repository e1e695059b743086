"""``rag-engine similarity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import SettingsFile, checked_file
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["similarity"]


def similarity(
    one: Annotated[
        str,
        typer.Argument(metavar="A", help="A text, or a file with a text a line."),
    ],
    other: Annotated[str, typer.Argument(metavar="B", help="Another, or a file of as many lines.")],
    *,
    matrix: Annotated[
        bool,
        typer.Option("--matrix", help="Compare every text with every other, not line with line."),
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Plain cosines, -1 to 1, of any model.")
    ] = False,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="LANGUAGE", help="Of A.", show_default="detected"),
    ] = None,
    other_language: Annotated[
        str | None,
        typer.Option("--other-language", metavar="LANGUAGE", help="Of B.", show_default="detected"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the figures there, a line a line.",
            show_default="stdout",
            callback=checked_file,
        ),
    ] = None,
    settings: SettingsFile = None,
) -> Outcome:
    """Tell how probably two texts say the same, whatever their languages."""
    from rag_engine.pipelines.output_files import check_output
    from rag_engine.pipelines.similarity import compare

    check_output("--out", out, [one, other, settings])
    return compare(
        one,
        other,
        load_settings(settings) or Settings(),
        matrix=matrix,
        raw=raw,
        language=language,
        other_language=other_language,
        out=out,
    )
