"""An answer that a task reads while a worker writes it."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rag_engine.cancellation import Cancellation
from rag_engine.errors import InvalidInput
from rag_engine.records import Answer
from rag_engine.workers import Submit, soon_in_loop

if TYPE_CHECKING:
    from concurrent.futures import Future

    from rag_engine.answering.drafting import OnText

__all__ = ["AnswerStream"]


class AnswerStream:
    """The pieces of an answer, in the order in which they are written; see ``kb.astream``.

    It begins with the first piece that is asked for. It ends, and with it the model's writing and
    the connection to the model, when the task that waits for a piece is cancelled, at ``aclose``
    (which ``async with`` calls), or when nobody refers to it any more. One task reads it, once.

    Raises:
        InvalidInput, ServiceError: as ``KnowledgeBase.ask``; whoever asks for the next piece is
            told.

    Example::

        async with kb.astream("Wie oft braucht die Pumpe eine Dichtung?") as stream:
            async for piece in stream:
                print(piece, end="", flush=True)
        print([citation.source for citation in stream.answer.citations])
    """

    def __init__(self, submit: Submit, write: Callable[[OnText], Answer]) -> None:
        """Let a worker of ``submit`` do ``write``; use ``kb.astream``."""
        self._submit = submit
        self._write = write
        self._cancellation = Cancellation()
        self._channel: _Channel | None = None
        self._work: Future[Answer] | None = None
        self._answer: Answer | None = None
        self._over = False
        weakref.finalize(self, self._cancellation.cancel).atexit = False

    @property
    def answer(self) -> Answer:
        """The whole answer, its citations checked, once the last piece was read.

        Raises:
            InvalidInput: it was not.
        """
        if self._answer is None:
            raise InvalidInput(
                "the answer is known when it was written to its end: read all pieces of the stream "
                "first"
            )
        return self._answer

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        from anyio.lowlevel import checkpoint

        if self._over:
            raise StopAsyncIteration
        try:
            if self._channel is None:
                await checkpoint()
                self._channel = self._begin()
            piece = await self._channel.receive()
            if piece is not None:
                return piece
            assert self._work is not None
            self._answer = self._work.result()
        except BaseException:
            self._end()
            raise
        self._end()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop the writing, if it is not over; no piece comes any more."""
        from anyio.lowlevel import checkpoint

        self._end()
        await checkpoint()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _begin(self) -> _Channel:
        # Neither the channel nor the work refers to the stream, or it would never be dropped.
        channel, write = _Channel(), self._write
        self._work = self._submit(self._cancellation.bound(lambda: write(channel.send)))
        self._work.add_done_callback(lambda _: channel.close())
        self._cancellation.on_cancel(self._work.cancel)
        return channel

    def _end(self) -> None:
        self._over = True
        self._cancellation.cancel()


class _Channel:
    """Pieces from one thread to one task of the event loop that it was made in."""

    def __init__(self) -> None:
        from anyio import Event

        self._event = Event
        self._soon = soon_in_loop()
        self._pieces: deque[str | None] = deque()
        self._news = Event()

    def send(self, piece: str) -> None:
        self._soon(lambda: self._put(piece))

    def close(self) -> None:
        self._soon(lambda: self._put(None))

    async def receive(self) -> str | None:
        """Return the next piece; None: that was the last."""
        while not self._pieces:
            self._news = self._event()
            await self._news.wait()
        return self._pieces.popleft()

    def _put(self, piece: str | None) -> None:
        self._pieces.append(piece)
        self._news.set()
