"""Verifying a knowledge base wherever it is."""

from __future__ import annotations

from rag_engine.location import Location, ServerAddress
from rag_engine.opening import place_of
from rag_engine.store.check import CheckReport, Indexes, check_store
from rag_engine.store.check_catalogue import check_catalogue
from rag_engine.store.progress import OnStage, silent

__all__ = ["check_location"]


def check_location(
    location: Location, indexes: Indexes | None = None, *, on_stage: OnStage = silent
) -> CheckReport:
    """Verify a knowledge base; it is read only, and one in a folder may be damaged in any way.

    Raises:
        StoreNotFound: there is none.
        StoreError: it can not be read now, or an older version wrote it.
    """
    if not isinstance(location, ServerAddress):
        return check_store(location, indexes, on_stage=on_stage)
    reader, root = place_of(location).open_reader()
    try:
        return check_catalogue(reader, root, indexes, on_stage=on_stage)
    finally:
        reader.close()
