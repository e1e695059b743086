"""A list of problems that does not grow without end."""

from __future__ import annotations

from collections.abc import Iterator

from rag_engine.folder_listing import shown_name
from rag_engine.records import Problem

__all__ = ["PROBLEMS_TOLD", "ToldProblems"]

PROBLEMS_TOLD = 1_000
"""How many problems of one file, or of one loader, are told; the rest is counted."""


class ToldProblems:
    """Problems of a file, or of a loader; from ``PROBLEMS_TOLD`` on they are counted, not kept."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._kept: list[Problem] = []
        self._count = 0

    def add(self, reason: str, source: str = "") -> None:
        """Take one; ``source`` is the row that it is of, if it is not of all."""
        self._count += 1
        if self._count <= PROBLEMS_TOLD:
            name = shown_name(source or self._source)
            self._kept.append(Problem(source=name, reason=shown_name(reason)))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Problem]:
        yield from self._kept
        more = self._count - len(self._kept)
        if more:
            yield Problem(source=self._source, reason=f"and {more:,} more of its kind")
