"""A function of one's own: ``(question, k)`` to passages, best first."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.connectors.foreign_retrievers.haystack_retriever import document_of_haystack
from rag_engine.connectors.foreign_retrievers.langchain_retriever import document_of_langchain
from rag_engine.connectors.foreign_retrievers.llamaindex_retriever import node_of_llamaindex
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.audit import FoundPassage

__all__ = ["PlainFunction", "takes"]

_EXPECTED = (
    "a function gives a list of passages' ids, of (id, score), or of a framework's documents, best "
    "first"
)


def takes(function: Callable[..., Any], *arguments: object) -> bool:
    """Tell whether a function can be called with so many arguments, by their places.

    >>> takes(lambda question, k: [], "?", 10), takes(lambda folder: None, "?", 10)
    (True, False)
    """
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # one in C that does not tell what it takes
        return True
    return True


class PlainFunction:
    """``function(question, k)`` returns ids, ``(id, score)`` or documents; it may be awaited.

    The order is what counts; scores must fall (or, as distances do, rise), for where they do
    neither, the list is not sorted.

    Raises:
        InvalidInput: it can not be called so.
    """

    def __init__(self, function: Callable[..., Any], loop: EventLoop) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function
        self._loop = loop
        if not takes(function, "question", 1):
            raise InvalidInput(
                f"a retriever is called with (question, k), and {self.name} takes "
                f"{inspect.signature(function)}"
            )

    def ask(self, question: str, k: int) -> object:
        """Return what it gives."""
        returned = self._function(question, k)
        return self._loop.result(returned) if inspect.isawaitable(returned) else returned

    def read(self, returned: object) -> list[FoundPassage]:
        """Return the passages that it names."""
        if isinstance(returned, str | bytes) or not isinstance(returned, Sequence):
            returned = returned.tolist() if hasattr(returned, "tolist") else returned
        if not isinstance(returned, list | tuple):
            raise InvalidInput(f"{_EXPECTED}; got {type(returned).__name__} {returned!r:.80}")
        scores = [_number(each[1]) for each in returned if _is_scored(each)]
        if scores and not (_falls(scores) or _falls(scores[::-1])):
            raise InvalidInput(
                f"{_EXPECTED}; the scores neither fall nor rise ({', '.join(map(str, scores[:5]))}"
                ", ...): sort the list"
            )
        return [_passage(each[0] if _is_scored(each) else each) for each in returned]


def _is_scored(item: object) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2


def _number(score: object) -> float:
    try:
        return float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{_EXPECTED}; got the score {score!r:.80}") from error


def _falls(scores: Sequence[float]) -> bool:
    """Tell whether scores fall, or stay; NaN does neither."""
    return not any(map(math.isnan, scores)) and list(scores) == sorted(scores, reverse=True)


def _passage(item: Any) -> FoundPassage:
    for known in (document_of_langchain, node_of_llamaindex, document_of_haystack):
        if (passage := known(item)) is not None:
            return passage
    is_scalar = getattr(item, "ndim", None) == 0 and hasattr(item, "item")
    plain = item.item() if is_scalar else item  # NumPy's own integers
    if isinstance(plain, bool) or not isinstance(plain, str | int):
        raise InvalidInput(f"{_EXPECTED}; got {type(item).__name__} {item!r:.80}")
    return FoundPassage(own={"id": plain})
