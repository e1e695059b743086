"""``rag-engine backup``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.copied import copied_outcome
from rag_engine.pipelines.cli.opening import folder_of
from rag_engine.pipelines.cli.options import KbDir
from rag_engine.pipelines.cli.stored_indexes import stored_indexes
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.store.backup import backup_store

__all__ = ["backup"]


def backup(
    *,
    kb: KbDir,
    target: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="A folder that does not exist yet.")
    ],
    without_index: Annotated[
        bool,
        typer.Option(
            "--without-index", help="Leave out the index, which can be built anew of the rest."
        ),
    ] = False,
    unverified: Annotated[
        bool,
        typer.Option(
            "--unverified", help="Compare counts and sums only, instead of reading every row again."
        ),
    ] = False,
) -> Outcome:
    """Copy a knowledge base into a new folder, while it is being written to.

    The copy holds one revision and is a knowledge base itself: it can be searched as it is. A
    damaged knowledge base is not copied. Interrupted, nothing is left of it; begin anew.
    """
    folder = folder_of(kb, "backup", "dump its schema by pg_dump")
    with Bar(unit="step") as bar:
        report = backup_store(
            folder,
            target,
            stored_indexes,
            with_index=not without_index,
            verified=not unverified,
            on_stage=bar.stage,
        )
    return copied_outcome(report, "copied", verified=not unverified)
