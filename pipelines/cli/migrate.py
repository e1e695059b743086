"""``rag-engine migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.output import Outcome

__all__ = ["migrate"]


def migrate(
    *,
    kb: Annotated[Path, typer.Option("--from", metavar="DIR", help="The knowledge base.")],
    target: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TARGET",
            help="milvus://HOST:PORT, milvus+tls://HOST:PORT, milvus:FILE.db, or local.",
        ),
    ],
) -> Outcome:
    """Move vectors to Milvus, or back."""
    from rag_engine.pipelines.migrate import migrate

    return migrate(kb, target)
