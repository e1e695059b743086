"""When a model that fails is passed over, and when the run is stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rag_engine.errors import ServiceError, ServiceRefused
from rag_engine.pipelines.synthesis.asking import Asked, Request
from rag_engine.records import Problem

__all__ = ["Failures"]

_IN_A_ROW = 8
_OF_THE_TEXT = frozenset({200, 400, 413, 422})
"""Refusals that say something of the text: a content filter's, or that it is too long."""

Answered = tuple[Request, list[Asked]]


class Failures:
    """Holds passages back of which the model said nothing, until it is known what that means.

    If it answers again, they are done, with a failure each. If eight questions in a row fail, or
    all of a run, the server is at fault: the passages are not done, and the same command asks
    about them again. A refusal of the text itself counts for the server's fault only until the
    model has answered once. ``model`` names it, and where it is.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._held: list[Answered] = []
        self._in_a_row = 0
        self._has_answered = False
        self._reasons: Counter[str] = Counter()

    def sorted_out(self, request: Request, asked: list[Asked]) -> Iterator[Answered]:
        """Yield the passages of which it is now known what came of them.

        Raises:
            ServiceError: the server is at fault.
        """
        self._held.append((request, asked))
        for each in asked:
            self._count(each)
        if self._in_a_row == 0:
            yield from self._released()

    def rest(self) -> Iterator[Answered]:
        """Yield the passages that are held back at the end.

        Raises:
            ServiceError: the model failed with every question.
        """
        if self._held and not self._has_answered:
            self._stop(self._last_error())
        yield from self._released()

    def problems(self) -> list[Problem]:
        """Return each reason of failures, and how often there was one."""
        return [
            Problem(source=self._model, reason=f"questions not written: {count}; {reason}")
            for reason, count in self._reasons.most_common()
        ]

    def _count(self, asked: Asked) -> None:
        error = asked.error
        if error is None:
            self._has_answered = True
            self._in_a_row = 0
            return
        of_the_text = isinstance(error, ServiceRefused) and error.status in _OF_THE_TEXT
        if of_the_text and self._has_answered:
            return
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW:
            self._stop(error)

    def _released(self) -> Iterator[Answered]:
        held, self._held = self._held, []
        for request, asked in held:
            self._reasons.update(str(each.error) for each in asked if each.error is not None)
            yield request, asked

    def _last_error(self) -> ServiceError:
        return next(each.error for _, asked in reversed(self._held) for each in asked if each.error)

    def _stop(self, error: ServiceError) -> None:
        raise ServiceError(
            f"{self._model} wrote none of the last {self._in_a_row} questions; what was done "
            f"before is kept, and the same command goes on from there. The last error: {error}"
        ) from error
