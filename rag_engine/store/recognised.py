"""Whether a folder is a knowledge base, told by its catalogue without opening it."""

from __future__ import annotations

from pathlib import Path

from rag_engine.errors import StoreNotFound
from rag_engine.store.failures import storage
from rag_engine.store.sibling_folders import before_of, exchange_of, next_of

__all__ = ["CATALOGUE", "find_catalogue", "is_knowledge_base", "no_knowledge_base"]

CATALOGUE = "catalogue.sqlite"
"""The name of the file that holds the documents."""
_HEAD = b"SQLite format 3\0"
_TABLES = b"CREATE TABLE meta", b"CREATE TABLE chunk"
_FIRST_PAGE = 1 << 16
"""Bytes, in which SQLite keeps the tables' definitions."""


def is_knowledge_base(folder: Path) -> bool:
    """Tell a knowledge base from a folder in which a file happens to have the same name.

    One that is not finished, or whose catalogue can not be read, is taken for none.

    >>> is_knowledge_base(Path(__file__).parent)
    False
    """
    path = folder / CATALOGUE
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            page = file.read(_FIRST_PAGE)
    except OSError:
        return False
    return page.startswith(_HEAD) and all(table in page for table in _TABLES)


def find_catalogue(folder: Path) -> Path | None:
    """Return where the catalogue of a knowledge base is; None: there is none.

    Raises:
        StorageFailed: nobody can look.
        StoreNotFound: another one was taking its place, and neither is there.
    """
    path = folder / CATALOGUE
    with storage("opening the knowledge base", folder):
        if path.exists():
            return path
        if not folder.exists():
            _check_beside(folder.resolve())
        return None


def _check_beside(folder: Path) -> None:
    """Refuse to make a new knowledge base where the one that was there lies under another name."""
    if exchange_of(folder).exists():
        raise StoreNotFound(
            f"no knowledge base at {folder}: another was taking its place, and was interrupted; "
            f"`rag-engine reembed --kb {folder}` puts it there"
        )
    for beside in (before_of(folder), next_of(folder)):
        if is_knowledge_base(beside):
            raise StoreNotFound(
                f"no knowledge base at {folder}, but there is one at {beside}; give that the name "
                f"{folder.name} (mv {beside} {folder}), or delete it if a new one is to be made"
            )


def no_knowledge_base(folder: Path) -> StoreNotFound:
    """Return the error that says so, and how one is made."""
    return StoreNotFound(
        f"no knowledge base at {folder}; make one with `rag-engine index FOLDER --kb {folder}` or "
        f"KnowledgeBase.open({str(folder)!r})"
    )
