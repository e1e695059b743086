"""``rag-engine restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.copied import copied_outcome
from rag_engine.pipelines.cli.stored_indexes import stored_indexes
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.store.backup import restore_store

__all__ = ["restore"]


def restore(
    *,
    backup: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="A folder that `rag-engine backup` made.")
    ],
    kb: Annotated[
        Path, typer.Option("--kb", metavar="DIR", help="A folder that does not exist yet.")
    ],
) -> Outcome:
    """Copy a backup into a new folder, and verify all of it before it is there.

    Nothing is ever overwritten, and of a damaged backup nothing is restored.
    """
    with Bar(unit="step") as bar:
        report = restore_store(backup, kb, stored_indexes, on_stage=bar.stage)
    return copied_outcome(report, "restored", verified=True)
