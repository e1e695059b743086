"""One event loop for a retriever that can only be awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

__all__ = ["EventLoop"]


class EventLoop:
    """Awaits, in a thread of its own, which is started when it is first needed.

    It is one for all questions: the connections of a client belong to the loop that made them.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, at)  # an error cancels what is awaited: Ctrl-C ends it

    def awaited(self, function: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        """Call what is to be awaited, in the loop, and return its result."""
        from anyio.from_thread import start_blocking_portal

        if self._portal is None:
            self._portal = self._stack.enter_context(start_blocking_portal())
        return self._portal.call(function, *arguments)

    def result(self, awaitable: Awaitable[Any]) -> Any:
        """Await something in the loop, and return its result."""
        return self.awaited(_awaited, awaitable)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
