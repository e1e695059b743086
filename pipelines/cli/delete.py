"""``rag-engine delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from rag_engine.pipelines import output
from rag_engine.pipelines.cli.opening import open_kb
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome
from rag_engine.records import Problem

__all__ = ["delete"]


def delete(
    names: Annotated[
        list[str],
        typer.Argument(metavar="DOCUMENT_OR_FILE", help="As search and --json show them."),
    ],
    *,
    kb: KbDir,
    settings: SettingsFile = None,
) -> Outcome:
    """Delete documents, or all documents of a file."""
    deleted: list[str] = []
    problems: list[Problem] = []
    with open_kb(kb, settings, read_only=False) as opened:
        for name in names:
            # Both: of a file whose document is gone, but not what tells that it was read, the next
            # ``index`` would say that it is unchanged.
            gone = [*opened.delete([name]), *opened.delete_source(name)]
            deleted += gone
            if not gone:
                problems.append(Problem(source=name, reason="no document and no file of this name"))
    return Outcome(
        result={"deleted": deleted},
        lines=[f"deleted: {output.safe(document)}" for document in deleted],
        problems=problems,
    )
