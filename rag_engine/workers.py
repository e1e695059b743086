"""The threads that do what is asked asynchronously, and how a task waits for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rag_engine.cancellation import Cancellation
from rag_engine.errors import InvalidInput

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Submit", "WorkerThreads", "Workers", "in_worker", "soon_in_loop"]

T = TypeVar("T")


class Submit(Protocol):
    """Takes work on, to be done by another thread when it is its turn."""

    def __call__(self, do: Callable[[], T], /) -> Future[T]:
        """Return what becomes of the work; a future that is cancelled before, is not begun."""
        ...


class Workers(Protocol):
    """Who does what is asked of a knowledge base asynchronously.

    A service that shares out its threads among tenants gives its own; several knowledge bases may
    have the same. Searches and answers have threads of their own: an answer waits for its search.
    """

    def search(self, do: Callable[[], T], /) -> Future[T]:
        """Take on a search."""
        ...

    def answer(self, do: Callable[[], T], /) -> Future[T]:
        """Take on the writing of an answer."""
        ...


class WorkerThreads:
    """``searches`` threads and ``answers`` others; who finds all of them busy waits for its turn.

    By default eight searches, however many cores there are: while a model computes for some, the
    others come together, and it computes what they ask in one go. Answers wait for another model
    most of the time. Threads start when they are needed, and end with the last reference.

    Raises:
        InvalidInput: a number below 1.

    >>> WorkerThreads(searches=1).search(lambda: 2 * 3).result()
    6
    """

    def __init__(self, *, searches: int = 8, answers: int = 16) -> None:
        from concurrent.futures import ThreadPoolExecutor

        for name, count in (("searches", searches), ("answers", answers)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise InvalidInput(f"{name} is a whole number from 1 on, got {count!r}")
        self._searches = ThreadPoolExecutor(searches, thread_name_prefix="rag-engine-search")
        self._answers = ThreadPoolExecutor(answers, thread_name_prefix="rag-engine-answer")

    def search(self, do: Callable[[], T], /) -> Future[T]:
        """Take on a search."""
        return self._searches.submit(do)

    def answer(self, do: Callable[[], T], /) -> Future[T]:
        """Take on the writing of an answer."""
        return self._answers.submit(do)


async def in_worker(submit: Submit, do: Callable[[], T]) -> T:
    """Return what ``do`` returns, done by a worker while the event loop goes on.

    A task that is cancelled stops waiting at once. What was not begun never is; what was is asked
    to stop (``rag_engine.cancellation``), and keeps its worker until it does: no more is ever done
    at a time than there are workers.
    """
    import anyio  # takes time that only those who await have to spend
    from anyio.lowlevel import checkpoint

    await checkpoint()
    cancellation, done = Cancellation(), anyio.Event()
    tell = soon_in_loop()
    work = submit(cancellation.bound(do))
    work.add_done_callback(lambda _: tell(done.set))
    try:
        await done.wait()
    except BaseException:
        work.cancel()
        cancellation.cancel()
        raise
    return work.result()


def soon_in_loop() -> Callable[[Callable[[], object]], None]:
    """Return what other threads call to have something done in this event loop, soon.

    They do not wait for it: a loop that has ended can not hold them up. ``anyio.from_thread`` has
    nothing of the kind.
    """
    from anyio.lowlevel import current_token

    loop: Any = current_token().native_token
    call = (
        loop.call_soon_threadsafe if hasattr(loop, "call_soon_threadsafe") else loop.run_sync_soon
    )

    def soon(do: Callable[[], object]) -> None:
        try:
            call(do)
        except RuntimeError:  # the loop has ended: nobody is left to tell
            return

    return soon
