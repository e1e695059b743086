"""``rag-engine index``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.errors import InvalidInput
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
) -> Outcome:
    """Index a folder of documents, or one file."""
    from rag_engine.connectors import wiring
    from rag_engine.pipelines.index import index_path, report_outcome

    if not folder.exists():  # before a knowledge base is made for nothing
        raise InvalidInput(f"{folder} does not exist; name a folder or a file to index")
    with open_kb(kb, settings, read_only=False, create=True) as opened:
        report = index_path(
            opened,
            folder,
            wiring.build_loaders(opened.settings.loaders),
            prefix=prefix,
            sync=sync,
            loader_signature=opened.settings.loaders.model_dump_json(),
        )
    return report_outcome(report)
