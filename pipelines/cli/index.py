"""``rag-engine index``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.file_encoding import checked_encoding
from rag_engine.folder_listing import is_folder
from rag_engine.location import Location
from rag_engine.pipelines.cli.opening import open_kb
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome

__all__ = ["index"]


def index(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Or one file.", show_default=False),
    ] = None,
    *,
    kb: KbDir,
    settings: SettingsFile = None,
    loader: Annotated[
        str | None,
        typer.Option(
            "--loader",
            metavar="MODULE:FUNCTION",
            help="Instead of FOLDER: what returns a document loader of LangChain's, or documents.",
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix",
            metavar="PREFIX",
            help="What names of files, or ids of documents, begin with in the knowledge base.",
            show_default="the folder's name, or MODULE:FUNCTION",
        ),
    ] = None,
    sync: Annotated[
        bool,
        typer.Option(
            "--sync", help="Drop what was indexed from files that are gone, or came no more."
        ),
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option(
            "--allow-empty",
            help="With --sync: drop all, even if no file can be read, or no document comes.",
        ),
    ] = False,
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding",
            metavar="NAME",
            help="What all text files are encoded in, such as cp437.",
            show_default="told by the bytes of each",
        ),
    ] = None,
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
    """Index a folder of documents, one file, or what a document loader gives."""
    if (folder is None) == (loader is None):
        given = "both" if loader is not None else "neither"
        raise typer.BadParameter(f"give FOLDER or --loader MODULE:FUNCTION; got {given}")
    if loader is not None:
        for option, given_value in (("--encoding", encoding), ("--language", language)):
            if given_value is not None:
                raise typer.BadParameter(f"{option} is for files; a loader's documents say theirs")
        return _index_loader(loader, kb, settings, prefix, sync=sync, allow_empty=allow_empty)
    from rag_engine.pipelines.index import report_outcome
    from rag_engine.pipelines.progress import Bar

    assert folder is not None
    if encoding is not None:
        checked_encoding(encoding)
    is_folder(folder)  # refuse what is not there before a knowledge base is made for nothing
    with open_kb(kb, settings, read_only=False, create=True) as opened, Bar(unit="") as bar:
        report = opened.add_files(
            folder,
            prefix=prefix,
            sync=sync,
            allow_empty=allow_empty,
            encoding=encoding,
            language=language,
            on_progress=bar.stage,
        )
    return report_outcome(report)


def _index_loader(
    loader: str,
    kb: Location,
    settings: Path | None,
    prefix: str | None,
    *,
    sync: bool,
    allow_empty: bool,
) -> Outcome:
    from rag_engine.connectors.loaders.documents_of import named_documents
    from rag_engine.pipelines.index import loader_outcome
    from rag_engine.pipelines.progress import Bar

    documents = named_documents(loader)
    prefix = loader if prefix is None else prefix
    with open_kb(kb, settings, read_only=False, create=True) as opened:
        with Bar("indexing documents", unit="document") as bar:
            report = opened.add(
                documents, prefix=prefix, sync=sync, allow_empty=allow_empty, on_progress=bar.to
            )
        with Bar(unit="") as bar:
            opened.publish(only_if_due=True, on_stage=bar.stage)
    return loader_outcome(report, prefix)
