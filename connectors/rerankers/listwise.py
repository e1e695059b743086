"""A language model orders passages: listwise, some at a time, as RankGPT does.

Sun et al. 2023, "Is ChatGPT Good at Search? Investigating Large Language Models as Re-Ranking
Agents", section 3: permutation generation, and the sliding window from the end of the list to its
beginning.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import GeneratorType

import numpy as np

from rag_engine.connectors.rerankers.listwise_prompt import listwise_prompt
from rag_engine.connectors.token_estimates import clipped
from rag_engine.errors import InvalidInput, ServiceMalformed
from rag_engine.ports import Float32Array, Generator

__all__ = ["ListwiseCounts", "ListwiseReranker", "Permutation", "permutation", "slide"]

_MARK = re.compile(r"\[\s{0,3}(\d{1,4})\s{0,3}\]")
_CHAIN = re.compile(rf"{_MARK.pattern}(?:\s{{0,3}}>\s{{0,3}}{_MARK.pattern})+")
_LONGEST = 20_000
"""Characters of a reply that are read; an order of 100 passages has a thousand."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Permutation:
    """An order of passages, places from 0, and whether the model gave the whole of it."""

    order: tuple[int, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class ListwiseCounts:
    """What became of windows, since a reranker was made."""

    windows: int = 0
    """Requests that were answered."""
    mended: int = 0
    """Orders in which a passage was missing, doubled or unknown, and that were completed."""
    unreadable: int = 0
    """Replies without any order."""


class ListwiseReranker:
    """A ``Reranker`` that asks a ``Generator`` for an order. Safe to share between threads.

    ``window`` passages are shown in one request, ``max_tokens`` (estimated) of each, as quoted
    material. It begins with the last of the list and moves by half a window, so that the best of a
    window are compared again with those before: ``1 + ceil((n - window) / (window // 2))`` requests
    for ``n`` passages.

    An order in which passages are missing, doubled or unknown is completed: what was named first
    counts, and what was not named follows as it was. A reply without any order leaves the window as
    it was. Both are counted (``counts``) and logged.

    Its scores are ranks, negative: they order and say nothing else.

    Raises:
        InvalidInput: a number out of range, or a generator that only quotes.
    """

    def __init__(self, *, generator: Generator, window: int = 20, max_tokens: int = 300) -> None:
        if generator.quotes:
            raise InvalidInput(f"{generator.name!r} only quotes; give a generator that writes")
        if not 2 <= window <= 100 or max_tokens < 8:
            raise InvalidInput(
                "window is 2 to 100 passages and max_tokens at least 8; got "
                f"{window!r} and {max_tokens!r}"
            )
        self._generator = generator
        self._window = window
        self._max_tokens = max_tokens
        self._counts = ListwiseCounts()
        self._counting = threading.Lock()

    @property
    def name(self) -> str:
        """The model's name, and that it orders lists."""
        return f"{self._generator.name} (listwise)"

    @property
    def counts(self) -> ListwiseCounts:
        """What became of all windows so far."""
        with self._counting:
            return self._counts

    def score(self, question: str, passages: Sequence[str]) -> Float32Array:
        """Score each passage by its rank, shape ``(n_passages,)`` float32: -1 is the best.

        Raises:
            ServiceError: the model failed; ServiceMalformed if it gave no order for any window.
        """
        shown = [clipped(passage, self._max_tokens) for passage in passages]
        counts = {"windows": 0, "mended": 0, "unreadable": 0}

        def ordered(places: Sequence[int]) -> Sequence[int]:
            found = permutation(
                self._reply(question, [shown[place] for place in places]), len(places)
            )
            counts["windows"] += 1
            if found is None:
                counts["unreadable"] += 1
                return places
            counts["mended"] += not found.whole
            return [places[place] for place in found.order]

        order = slide(len(shown), self._window, ordered) if len(shown) > 1 else range(len(shown))
        self._count(counts)
        if counts["windows"] and counts["unreadable"] == counts["windows"]:
            raise ServiceMalformed(
                f"{self._generator.name!r} was asked for an order of passages such as "
                f"[2] > [1], and gave none in {counts['windows']} replies; a larger model may"
            )
        scores = np.empty(len(shown), np.float32)
        scores[list(order)] = -np.arange(1, len(shown) + 1)
        return scores

    def _reply(self, question: str, passages: Sequence[str]) -> str:
        pieces = self._generator.generate(listwise_prompt(question, passages))
        reply = ""
        try:
            for piece in pieces:
                reply += piece
                if len(reply) > _LONGEST:
                    break
        finally:  # ends the request to a server too
            if isinstance(pieces, GeneratorType):
                pieces.close()
        return reply

    def _count(self, counts: dict[str, int]) -> None:
        with self._counting:
            before = self._counts
            self._counts = ListwiseCounts(
                windows=before.windows + counts["windows"],
                mended=before.mended + counts["mended"],
                unreadable=before.unreadable + counts["unreadable"],
            )
        if counts["mended"] or counts["unreadable"]:
            _log.warning(
                "%r: of %d windows %d had an order that was not whole, %d none",
                self._generator.name,
                counts["windows"],
                counts["mended"],
                counts["unreadable"],
            )


def permutation(reply: str, count: int) -> Permutation | None:
    """Read an order of ``count`` passages, numbered from 1, from a model's reply.

    An order is numbers in brackets with ``>`` between; where there are several, the last one of
    those that name most passages. Nothing else counts, such as a number in a sentence. What is
    missing follows in its old order. None: there is no order.

    >>> permutation("[2] > [3] > [1]", 3)
    Permutation(order=(1, 2, 0), whole=True)
    >>> permutation("Ranking: [3] > [3] > [9]", 3)
    Permutation(order=(2, 0, 1), whole=False)
    >>> permutation("Passage 3 is the best.", 3)
    """
    best: list[int] = []
    whole = False
    for chain in _CHAIN.finditer(reply[:_LONGEST]):
        named = [int(number) - 1 for number in _MARK.findall(chain[0])]
        places = list(dict.fromkeys(place for place in named if 0 <= place < count))
        if places and len(places) >= len(best):
            best, whole = places, sorted(named) == list(range(count))
    if not best:
        return None
    return Permutation((*best, *(place for place in range(count) if place not in best)), whole)


def slide(
    count: int, window: int, ordered: Callable[[Sequence[int]], Sequence[int]]
) -> Sequence[int]:
    """Return the order of ``count`` places when windows are ``ordered`` from the end to the start.

    A window moves by half its size, the last one stands at the start.

    >>> slide(5, 2, lambda places: sorted(places, reverse=True))
    [4, 0, 1, 2, 3]
    """
    order = list(range(count))
    end = count
    while True:
        start = max(0, end - window)
        order[start:end] = ordered(order[start:end])
        if start == 0:
            return order
        end -= window // 2
