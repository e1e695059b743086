"""``rag-engine index``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.folder_listing import is_folder
from rag_engine.pipelines.cli.options import KbDir, SettingsFile, open_kb
from rag_engine.pipelines.output import Outcome

__all__ = ["index"]


def index(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Or one file.")],
    *,
    kb: KbDir,
    settings: SettingsFile = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix",
            metavar="PREFIX",
            help="What names of files begin with in the knowledge base.",
            show_default="the folder's name",
        ),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Drop what was indexed from files that are gone.")
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option(
            "--allow-empty", help="With --sync: drop all, even if no file of FOLDER can be read."
        ),
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="LANGUAGE",
            help="What all these files are in, but for passages that clearly are not.",
            show_default="detected",
        ),
    ] = None,
) -> Outcome:
    """Index a folder of documents, or one file."""
    from rag_engine.pipelines.index import report_outcome
    from rag_engine.pipelines.progress import Bar

    is_folder(folder)  # refuse what is not there before a knowledge base is made for nothing
    with open_kb(kb, settings, read_only=False, create=True) as opened, Bar(unit="") as bar:
        report = opened.add_files(
            folder,
            prefix=prefix,
            sync=sync,
            allow_empty=allow_empty,
            language=language,
            on_progress=bar.stage,
        )
    return report_outcome(report)
