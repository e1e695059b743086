"""What could not be read of one file: told to some number, counted beyond it."""

from __future__ import annotations

from collections.abc import Iterator

from rag_engine.folder_listing import shown_name
from rag_engine.records import Problem

__all__ = ["PROBLEMS_OF_A_FILE", "FileProblems"]

PROBLEMS_OF_A_FILE = 1_000
"""How many problems of one file are told; the rest is counted."""


class FileProblems:
    """Problems of one file; from some number on they are counted, not kept."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._kept: list[Problem] = []
        self._count = 0

    def add(self, reason: str, source: str = "") -> None:
        """Take note of a problem of the file, or of the part of it that is named ``source``."""
        self._count += 1
        if self._count <= PROBLEMS_OF_A_FILE:
            name = shown_name(source or self._source)
            self._kept.append(Problem(source=name, reason=shown_name(reason)))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Problem]:
        yield from self._kept
        more = self._count - len(self._kept)
        if more:
            yield Problem(source=self._source, reason=f"and {more:,} more of its kind")
