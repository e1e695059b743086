"""Questions that wait for a model at the same time are embedded at the same time.

A model computes eight questions in about three times the time of one. So who finds the model busy
waits, and when it is free, all who wait are computed in one go. There is no timer: while nobody
else asks, a question is computed at once, by the thread that asks, as it always was.

One of those who wait *leads*: it stands in line for the model, and only once it is its turn it
takes what has come until then. When it is done the next one leads. As in ``turns``, Ctrl-C can come
between any two steps, and who has left without a word holds up the others for a moment only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from rag_engine.cancellation import check_cancelled, current_cancellation

__all__ = ["MOST_TEXTS", "Gathered"]

MOST_TEXTS = 32
"""Texts that are computed in one go; with so many, twice as many are no cheaper."""
_LOST_S = 5.0
"""After so long who leads is taken to have left, or to be slow: another leads beside it."""

_Result = TypeVar("_Result")
_Compute = Callable[[list[str]], Sequence[Any]]


class _Wanted:
    """The texts of one caller, and what becomes of them."""

    def __init__(self, kind: Hashable, texts: Sequence[str], compute: _Compute) -> None:
        self.kind = kind
        self.texts = texts
        self.compute = compute
        self.results: Sequence[Any] | None = None
        self.error: Exception | None = None
        self.woken = threading.Event()

    @property
    def done(self) -> bool:
        return self.results is not None or self.error is not None


class Gathered:
    """What many threads want of one model; ``turn`` is how a thread waits for the model.

    >>> from contextlib import nullcontext
    >>> Gathered(nullcontext).results("upper", ["a", "b"], lambda texts: [t.upper() for t in texts])
    ['A', 'B']
    """

    def __init__(self, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._turn = turn
        self._guard = threading.Lock()  # never held while anybody waits or computes
        self._waiting: list[_Wanted] = []
        self._leader: _Wanted | None = None

    def results(
        self, kind: Hashable, texts: Sequence[str], compute: Callable[[list[str]], list[_Result]]
    ) -> list[_Result]:
        """Return what ``compute`` gives for each text, computed with others of the same ``kind``.

        Any ``compute`` of a kind does for all of it, and gives a text the same whatever stands
        beside it. Where it fails for several callers, it is tried for each of them alone.

        Raises:
            Exception: what ``compute`` raised for these texts.
            Cancelled: nobody waits for them any more.
        """
        wanted = _Wanted(kind, texts, compute)
        if (cancellation := current_cancellation()) is not None:
            cancellation.on_cancel(wanted.woken.set)
        with self._guard:
            self._waiting.append(wanted)
            if self._leader is None:
                self._leader = wanted
        try:
            while not wanted.done:
                check_cancelled()
                if self._leader is wanted:
                    self._lead(wanted)
                elif not wanted.woken.wait(_LOST_S):
                    self._leader = wanted
                wanted.woken.clear()
        finally:
            self._leave(wanted)
        if wanted.error is not None:
            raise wanted.error
        assert wanted.results is not None
        return list(wanted.results)

    def _lead(self, leader: _Wanted) -> None:
        """Wait for the model, and compute what is wanted of it by then."""
        with self._turn():
            taken = self._take(leader)
            try:
                if taken:
                    _compute(taken)
            finally:
                with self._guard:  # whoever was not come to, as Ctrl-C ended this, waits on
                    self._waiting[:0] = [one for one in taken if not one.done]
                self._pass_on(leader)
        for one in taken:
            if one is not leader:
                one.woken.set()

    def _take(self, leader: _Wanted) -> list[_Wanted]:
        """Take the leader's texts and others of their kind; nothing if somebody else has."""
        taken: list[_Wanted] = []
        with self._guard:
            if leader not in self._waiting:
                return taken
            room = MOST_TEXTS - len(leader.texts)
            for one in self._waiting:
                if one is leader:
                    taken.append(one)
                elif one.kind == leader.kind and len(one.texts) <= room:
                    taken.append(one)
                    room -= len(one.texts)
            self._waiting = [one for one in self._waiting if one not in taken]
        return taken

    def _leave(self, wanted: _Wanted) -> None:
        """Leave, whether there is a result or not."""
        with self._guard:
            if wanted in self._waiting:
                self._waiting.remove(wanted)
        self._pass_on(wanted)

    def _pass_on(self, leader: _Wanted) -> None:
        """Have the one lead that waits longest, if it was this one that did."""
        with self._guard:
            if self._leader is leader:
                self._leader = self._waiting[0] if self._waiting else None
                if self._leader is not None:
                    self._leader.woken.set()


def _compute(taken: Sequence[_Wanted]) -> None:
    """Compute the texts of all callers; the error of one is that one's alone."""
    compute = taken[0].compute
    try:
        results = compute([text for one in taken for text in one.texts])
    except Exception as error:
        if len(taken) == 1:
            taken[0].error = error
            return
        for one in taken:
            _compute([one])
        return
    start = 0
    for one in taken:
        one.results = results[start : start + len(one.texts)]
        start += len(one.texts)
