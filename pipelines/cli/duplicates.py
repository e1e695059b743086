"""``rag-engine duplicates``."""

from __future__ import annotations

from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import open_kb
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome
from rag_engine.tasks.duplicate_records import Kind

__all__ = ["duplicates"]


def duplicates(
    *,
    kb: KbDir,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(
            "--kind",
            metavar="|".join(Kind),
            help="Which duplicates; may be repeated.",
            show_default="all, and none to delete",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="RULE",
            help="Which documents of a group are kept: first-added, last-added, longest, shortest, "
            "language:CODE, source:GLOB, newest:FIELD, oldest:FIELD (of the metadata: numbers, or "
            "dates in ISO 8601, which every document of a group has to have); may be repeated, the "
            "next choosing among what the one before leaves. Says what would go.",
        ),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the documents that are not kept.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every group, not the first 20.")] = (
        False
    ),
    settings: SettingsFile = None,
) -> Outcome:
    """Find the documents and passages that say the same: exactly, nearly, in translation.

    It changes nothing without --delete.
    """
    from rag_engine.pipelines.duplicates import duplicates

    with open_kb(kb, settings, read_only=not delete) as opened:
        return duplicates(opened, kinds=kind or (), keep=keep or (), delete=delete, show_all=every)
