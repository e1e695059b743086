"""Child processes that parse untrusted files, within limits on memory and time.

Whatever reads the bytes of a file meets some that make it hang, crash or eat memory. Here it does
so in a process of its own. It is started when the first file needs it, serves one file after the
other, and is replaced when a file kills it.
"""

from __future__ import annotations

import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from operator import methodcaller
from types import TracebackType
from typing import Any, BinaryIO

from rag_engine.connectors.loaders.child import Child, Crashed, OutOfTime, Reply
from rag_engine.connectors.loaders.parsing.members import MemberOptions, Piece
from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.connectors.loaders.parsing.picture import Picture, PictureOptions
from rag_engine.connectors.loaders.parsing.rows import Row, RowOptions
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions, ShownPicture
from rag_engine.errors import LoadError, LoadLimitExceeded

__all__ = ["Sandbox"]

_BYTES_OF_A_TIMEOUT = 1_000_000
"""A file of rows, or of files, may take the time-out once, and again for so many of its bytes."""

_NOTHING = "nothing of it was read"
_PARTS = {"rows": "rows", "members": "pieces of the files in it", "shown": "pictures"}


class Sandbox:
    """Parses files in child processes.

    One whole file at a time; threads wait for each other. A file of rows, or of files, has a child
    of its own until the last one was taken. A context manager; a sandbox that is not closed ends
    with the program, whichever way that ends.

    Args:
        timeout_s: seconds that one file may take.
        memory_mb: address space that a child may use, in MiB.
    """

    def __init__(self, *, timeout_s: float = 20.0, memory_mb: int = 512) -> None:
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._workers: list[Child] = []
        """The child that waits for the next file: one at most."""
        self._finalizer = weakref.finalize(self, _stop_all, self._workers)

    def parse(self, parser: str, data: bytes, *, name: str) -> Parsed:
        """Parse one file's bytes; ``name`` is how messages call the file.

        Raises:
            LoadError: the file can not be read, or crashed the parser.
            LoadLimitExceeded: the file needs more time, memory or room than it may have.
        """
        with self._lock:
            worker, reply = self._answer(
                lambda child: child.parse(parser, data, name, self._timeout_s), name
            )
            self._give_back(worker)
        try:
            return Parsed.from_json(reply["parsed"])
        except (KeyError, TypeError, ValueError) as error:
            raise LoadError(f"{name}: the parser gave an unreadable answer") from error

    def picture(
        self, parser: str, file: BinaryIO, options: PictureOptions, *, name: str
    ) -> Picture:
        """Return a page of an open file as a picture.

        Raises:
            LoadError: the page can not be drawn, or crashed what draws it.
            LoadLimitExceeded: it needs more time, memory or pixels than it may have.
        """
        with self._lock:
            worker, reply = self._answer(
                lambda child: child.picture(parser, file, options.as_json(), self._timeout_s),
                name,
            )
            self._give_back(worker)
        try:
            return Picture.from_json(reply["picture"])
        except (KeyError, TypeError, ValueError) as error:
            raise LoadError(f"{name}: what draws it gave an unreadable answer") from error

    def rows(
        self, parser: str, file: BinaryIO, options: RowOptions, *, name: str
    ) -> Iterator[Row | str]:
        """Yield the rows of an open file, and the reasons why some of them can not be read.

        A row may take ``timeout_s``, and the file that and as much again for each MB of it;
        the time in which nobody asks for a row does not count.

        Raises:
            LoadError: the file can not be read, or crashed the parser.
            LoadLimitExceeded: the file needs more time or memory than it may have.
        """
        for row in self._items("rows", parser, file, options.as_json(), name):
            yield row if isinstance(row, str) else Row(*row)

    def members(
        self, parser: str, file: BinaryIO, options: MemberOptions, *, name: str
    ) -> Iterator[Piece | str]:
        """Yield the files that an open file holds, piece by piece, and what should be known of it.

        Limits and errors are those of ``rows``.
        """
        for piece in self._items("members", parser, file, options.as_json(), name):
            try:
                yield piece if isinstance(piece, str) else Piece.from_json(piece)
            except ValueError as error:
                raise LoadError(f"{name}: the parser gave an unreadable answer") from error

    def shown(
        self, parser: str, file: BinaryIO, options: PicturesOptions, *, name: str
    ) -> Iterator[ShownPicture | str]:
        """Yield the pictures of an open file, and the reasons why some can not be shown.

        Limits and errors are those of ``rows``.
        """
        for picture in self._items("shown", parser, file, options.as_json(), name):
            try:
                yield picture if isinstance(picture, str) else ShownPicture.from_json(picture)
            except ValueError as error:
                raise LoadError(f"{name}: the parser gave an unreadable answer") from error

    def _items(
        self, kind: str, parser: str, file: BinaryIO, options: dict[str, Any], name: str
    ) -> Iterator[Any]:
        size = os.fstat(file.fileno()).st_size
        left = self._timeout_s * (1 + size // _BYTES_OF_A_TIMEOUT)
        read = 0
        worker, reply = self._answer(
            lambda child: child.begin(kind, parser, file, options, self._timeout_s), name
        )
        try:
            while True:
                left -= worker.spent_s
                yield from reply["items"]
                if reply["done"]:
                    return
                read += len(reply["items"])
                within = min(left, self._timeout_s)
                told = f"its first {read:,} {_PARTS[kind]} were read, and the rest was not"
                reply = self._checked(worker, methodcaller("more", within), name, told)
        finally:
            self._give_back(worker)

    def _answer(self, ask: Callable[[Child], Reply], name: str) -> tuple[Child, Reply]:
        """Ask a child for a file's reply; once more a fresh one if an earlier file may be to blame.

        Raises:
            LoadError: the file is refused.
        """
        worker = self._take()
        used = worker.served > 0
        try:
            reply = ask(worker)
        except Crashed:
            status = worker.stop()
            aborted = status == -signal.SIGABRT
            if not used and not aborted:
                raise self._crashed(name, status) from None
            # Native libraries abort where they get no memory, and elsewhere: which, is measured.
            worker = Child(self._timeout_s, self._memory_mb, measured=aborted)
        except OutOfTime:
            worker.stop()
            raise self._out_of_time(name) from None
        except BaseException:
            worker.stop()  # whatever stopped us, the reply under way fits no request
            raise
        else:
            if not used or not reply.get("out_of_memory"):  # earlier files may have left too little
                return worker, self._checked(worker, lambda _: reply, name)
            worker.stop()
            worker = self._fresh()
        return worker, self._checked(worker, ask, name)

    def _checked(
        self, worker: Child, ask: Callable[[Child], Reply], name: str, told: str = _NOTHING
    ) -> Reply:
        """Return the reply if it holds what was asked for; else the child goes with its file.

        ``told`` says how much of the file was read before.
        """
        try:
            reply = ask(worker)
        except OutOfTime:
            worker.stop()
            raise self._out_of_time(name, told) from None
        except Crashed:
            raise self._crashed(name, worker.stop()) from None
        except BaseException:
            worker.stop()
            raise
        if "refused" not in reply:
            return reply
        reason = reply["refused"]
        if reply.get("out_of_memory"):
            worker.stop()
            reason += f"; {told}; raise loaders.memory_mb if the file is sound, or split it"
        else:
            self._give_back(worker)
        refused = LoadLimitExceeded if reply.get("limit") else LoadError
        raise refused(f"{name}: {reason}")

    @staticmethod
    def _crashed(name: str, status: int) -> LoadError:
        return LoadError(f"{name}: it crashed the parser (status {status})")

    def _out_of_time(self, name: str, told: str = _NOTHING) -> LoadLimitExceeded:
        return LoadLimitExceeded(
            f"{name}: parsing took longer than {self._timeout_s:g} s; {told}; raise "
            "loaders.timeout_s if the file is sound, or split it"
        )

    def _take(self) -> Child:
        try:
            worker = self._workers.pop()
        except IndexError:
            return self._fresh()
        return worker if worker.owner == os.getpid() else self._fresh()

    def _fresh(self) -> Child:
        return Child(self._timeout_s, self._memory_mb)

    def _give_back(self, worker: Child) -> None:
        if worker.measured:
            worker.stop()
        if worker.stopped or worker in self._workers:
            return
        self._workers.append(worker)
        while len(self._workers) > 1:
            self._workers.pop(0).stop()

    def close(self) -> None:
        """End the child process; the next file would start another."""
        with self._lock:
            _stop_all(self._workers)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _stop_all(workers: list[Child]) -> None:
    while workers:
        workers.pop().stop()
