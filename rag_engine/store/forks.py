"""An open knowledge base stays in the process that opened it.

A fork copies the memory of a process, and with it what must not be had twice: the right to write
(a lock that belongs to both from then on), and SQLite's connections, whose locks on the file the
child does not have and does not know that it lacks. So a forked child is refused whatever it asks
of what it inherited, and closes nothing of it that the parent still needs.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

from rag_engine.errors import StoreForked

__all__ = ["Home", "Inheritable", "tell_in_forks"]


class Home:
    """The process in which something was opened, the only one in which it may be used."""

    def __init__(self, name: object) -> None:
        self._name = name
        self._process = os.getpid()

    @property
    def is_here(self) -> bool:
        """Tell whether this is that process, not a fork of it."""
        return os.getpid() == self._process

    def check(self) -> None:
        """Refuse the use in another process; called before any lock, which may be held for ever.

        Raises:
            StoreForked: this process was forked from the one in which it was opened.
        """
        if not self.is_here:
            raise StoreForked(
                f"the knowledge base {self._name} was opened in process {self._process}, and this "
                f"one ({os.getpid()}) was forked from it; an open knowledge base does not cross a "
                "fork: start processes with spawn (multiprocessing.get_context('spawn')) and open "
                "it there, or open it anew in this one (with read_only=True beside the writer)"
            )


class Inheritable(Protocol):
    """What a forked child has a copy of and has to be told."""

    def was_inherited(self) -> None:
        """Do in the child what makes the copy harmless; only this thread is left."""
        ...


_TOLD: weakref.WeakSet[Inheritable] = weakref.WeakSet()


def tell_in_forks(thing: Inheritable) -> None:
    """From now on, tell ``thing`` in every child that is forked while it exists."""
    _TOLD.add(thing)


def _in_the_child() -> None:
    for thing in list(_TOLD):
        _TOLD.discard(thing)
        thing.was_inherited()


os.register_at_fork(after_in_child=_in_the_child)
