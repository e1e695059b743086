"""``rag-engine mine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import SettingsFile, checked_file
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["mine"]

_File = Annotated[Path, typer.Argument(metavar="FILE", help="A text a line, in UTF-8.")]


def mine(
    file: _File,
    other_file: Annotated[
        Path, typer.Argument(metavar="OTHER_FILE", help="The same of another language.")
    ],
    *,
    one_to_one: Annotated[
        bool,
        typer.Option("--one-to-one", help="Each text in one pair at most, the best pairs first."),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            metavar="SCORE",
            help="Only pairs that score so much.",
            show_default="all, or with --gold the one with the best F1",
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(
            "--gold",
            metavar="TSV",
            help="The true pairs, as line numbers (with --ids as names) with a tab between: "
            "precision, recall and F1 are told.",
        ),
    ] = None,
    ids: Annotated[
        bool, typer.Option("--ids", help="Each line is a name, a tab and the text, as in BUCC.")
    ] = False,
    k: Annotated[int, typer.Option("-k", metavar="K", help="How many neighbours.")] = 4,
    margin: Annotated[
        Literal["ratio", "distance"],
        typer.Option("--margin", help="A cosine less its neighbours' mean, or over it."),
    ] = "distance",
    raw: Annotated[bool, typer.Option("--raw", help="Do not centre languages.")] = False,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="LANGUAGE", help="Of FILE.", show_default="detected"),
    ] = None,
    other_language: Annotated[
        str | None,
        typer.Option(
            "--other-language", metavar="LANGUAGE", help="Of OTHER_FILE.", show_default="detected"
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work",
            metavar="DIR",
            help="Keep vectors and neighbours there: an interrupted run goes on, and another "
            "threshold or margin costs nothing.",
            show_default="a temporary folder",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the pairs there: JSON Lines if it ends in .jsonl, else with tabs.",
            show_default="stdout",
            callback=checked_file,
        ),
    ] = None,
    settings: SettingsFile = None,
) -> Outcome:
    """Find the pairs of two files that translate each other."""
    from rag_engine.pipelines.mine import Mining
    from rag_engine.pipelines.mine import mine as run
    from rag_engine.pipelines.output_files import check_output

    check_output("--out", out, [file, other_file, gold, settings])
    how = Mining(
        k=k,
        margin=margin,
        raw=raw,
        one_to_one=one_to_one,
        threshold=threshold,
        gold=gold,
        named=ids,
        languages=(language, other_language),
        work=work,
        out=out,
    )
    return run(file, other_file, load_settings(settings) or Settings(), how)
