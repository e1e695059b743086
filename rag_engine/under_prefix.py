"""Documents that belong together: their ids begin with a prefix, and what comes no more can go."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from rag_engine.errors import FolderEmpty, InvalidDocument, InvalidInput
from rag_engine.folder_listing import shown_name
from rag_engine.opening import OpenedStore
from rag_engine.records import Document, Problem
from rag_engine.told_problems import ToldProblems

__all__ = ["UnderPrefix"]

_CLAIM = "documents that were added"
"""What is kept of a prefix in the place of a folder's."""


class UnderPrefix:
    """Puts a prefix before ids, and knows afterwards which documents under it did not come.

    Raises:
        InvalidInput: the prefix is empty, or belongs to a folder of files.
    """

    def __init__(self, store: OpenedStore, prefix: str) -> None:
        self._store = store
        self._prefix = _checked_prefix(prefix)
        self._came: set[str] = set()
        self._good = 0
        self.problems = ToldProblems(self._prefix)
        self._claim()

    def _claim(self) -> None:
        with self._store.writing():
            key = f"prefix {self._prefix}"
            claimed = self._store.catalogue.meta(key)
            if claimed is None:
                self._store.catalogue.set_meta(key, _CLAIM)
        if claimed not in {None, _CLAIM}:
            raise InvalidInput(
                f"the names under {self._prefix!r} are those of files, from {claimed}: give these "
                "documents another prefix (--prefix)"
            )

    def documents(self, records: Iterable[Document | Problem]) -> Iterator[Document]:
        """Yield the good documents under their names.

        One without any text, or whose id came before, is a problem. What an earlier run gave of a
        document that can not be read now stays.
        """
        for record in records:
            name = f"{self._prefix}/{record.source if isinstance(record, Problem) else record.id}"
            if isinstance(record, Problem):
                self.problems.add(record.reason, name)
            elif name in self._came:
                self.problems.add(f"the id {record.id!r} stands there twice", name)
            elif not record.text.strip():
                self.problems.add("it holds no text", name)
                continue
            else:
                try:
                    document = dataclasses.replace(record, id=name)
                except InvalidDocument as error:  # a name that is too long with its prefix
                    self.problems.add(str(error), record.id)
                    continue
                self._good += 1
                yield document
            self._came.add(name)

    def gone(self, *, allow_empty: bool) -> list[str]:
        """Return the ids under the prefix that did not come, after the last came.

        Raises:
            FolderEmpty: no document came, some would go, and ``allow_empty`` is not set.
        """
        files = self._store.catalogue.sources()
        gone = [
            name
            for name in self._store.catalogue.document_ids()
            if name.startswith(f"{self._prefix}/")
            and name not in self._came
            and not _of_file(name, files)
        ]
        if gone and not (self._good or allow_empty):
            problems = f" ({len(self.problems):,} problems)" if self.problems else ""
            raise FolderEmpty(
                f"no document came for {self._prefix!r}{problems}, "
                f"and sync (--sync) would drop all {len(gone):,} documents under it; nothing was "
                "dropped: see that the loader reaches its source, or confirm with allow_empty=True "
                "(--allow-empty)"
            )
        return gone


def _checked_prefix(prefix: object) -> str:
    stem = shown_name(prefix.strip("/")) if isinstance(prefix, str) else ""
    if not stem:
        raise InvalidInput(
            f"a prefix is what the ids of documents begin with, such as 'wiki'; got {prefix!r:.80}"
        )
    return stem


def _of_file(name: str, files: Iterable[str]) -> bool:
    """Tell whether a document is a file, or a row of one (``FILE#ROW``)."""
    parts = name.split("#")
    return any("#".join(parts[:count]) in files for count in range(1, len(parts) + 1))
