"""Changes what a closed knowledge base keeps, as another version would have written it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rag_engine.store.sqlite_database import open_catalogue

__all__ = ["change_meta"]


def change_meta(path: Path, key: str, change: Callable[[str], str]) -> None:
    """Put what ``change`` makes of the JSON text under a key in its place."""
    catalogue = open_catalogue(path / "catalogue.sqlite", read_only=False)
    catalogue.set_meta(key, json.loads(change(json.dumps(catalogue.meta(key)))))
    catalogue.close()
