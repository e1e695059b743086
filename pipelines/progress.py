"""How far long work is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from rag_engine.pipelines.output import note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["EVERY_S", "Bar"]

EVERY_S = 10.0
"""Seconds between two lines where there is no terminal; what is quicker says nothing."""

T = TypeVar("T")


class Bar:
    """Says on stderr how far work is: a bar with the time left, or a line every ten seconds.

    Example::

        with Bar() as bar:
            kb.publish(on_stage=bar.stage)
    """

    def __init__(self, what: str = "", total: int = 0, unit: str = "chunk") -> None:
        self._unit = unit
        self._files = ExitStack()
        self._shown: tuple[Progress, TaskID] | None = None
        self._said = time.monotonic()
        self._begin(what, total)

    def _begin(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._first = 0
        self._begun = time.monotonic()
        self._files.close()
        self._shown = None
        if what and sys.stderr.isatty():
            self._shown = self._drawn(what, total)

    def _drawn(self, what: str, total: int) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(self._unit),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._files.enter_context(progress)
        return progress, progress.add_task(what, total=total or None)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def to(self, done: int) -> None:
        """Say that so many are done."""
        self._done = done
        if self._shown is not None:
            progress, task = self._shown
            progress.update(task, completed=done)
        elif self._what and time.monotonic() - self._said >= EVERY_S:
            self._said = time.monotonic()
            note(self._line())

    def _line(self) -> str:
        if self._done > self._total:  # how much there is, nobody knows
            return f"{self._what}: {self._done:,}"
        line = f"{self._what}: {self._done:,} of {self._total:,}"
        taken = time.monotonic() - self._begun
        of_this_bar = self._done - self._first
        if not (of_this_bar > 0 and self._done < self._total) or taken <= 0:
            return line
        left = taken / of_this_bar * (self._total - self._done)
        return f"{line}, about {left:,.0f} s left"

    def stage(self, what: str, done: int, total: int) -> None:
        """Say that so many of a stage are done; a new stage begins a new bar."""
        if what != self._what:
            self._begin(what, total)
            self._first = done  # it may go on where it was left for another stage
        self.to(done)

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Yield what comes, and count it once the next is asked for.

        >>> with Bar("adding", 2, "number") as bar:
        ...     sum(bar.each([1, 2]))
        3
        """
        for done, item in enumerate(items, start=1):
            yield item
            self.to(done)
