"""One child process that parses files, and the ways to talk with it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import gettempdir
from typing import Any, BinaryIO, NamedTuple

from rag_engine.connectors.loaders.parsing.scratch import scratch_prefix

__all__ = ["Child", "Crashed", "OutOfTime", "Reply"]

Reply = dict[str, Any]

_MAX_REPLY_BYTES = 400_000_000
_BUSY = 10
"""How much longer a file may take by the clock on the wall, where others have the processors."""
_ALARM_SLACK_S = 2.0
_PIECE = 1 << 20
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


class Crashed(Exception):
    """The child ended in the middle of a file."""


class OutOfTime(Exception):
    """The child is not done when its time is over."""


class _Deadline(NamedTuple):
    """When a reply must be there: by the child's ``clock``, and by that on the wall."""

    clock: float
    wall: float


class Child:
    """A process that runs ``parsing/worker.py``, which says what it is asked and answers.

    One that is ``measured`` serves a single file in a process of its own below it, and tells an
    abort for want of memory from another one.
    """

    def __init__(self, timeout_s: float, memory_mb: int, *, measured: bool = False) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(
            folder or str(Path.cwd()) for folder in sys.path
        )
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.owner = os.getpid()
        self.served = 0
        self.spent_s = 0.0
        """Seconds of ``clock`` that the last reply took."""
        self.stopped = False
        self.measured = measured
        self._files, its_end = socket.socketpair()
        with its_end:
            # A session of its own keeps a Ctrl-C meant for the parent away from the child.
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "rag_engine.connectors.loaders.parsing.worker"),
                    *(str(timeout_s * _BUSY + _ALARM_SLACK_S), str(memory_mb << 20)),
                    str(its_end.fileno()),
                    *(["measured"] if measured else []),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=(its_end.fileno(),),
                start_new_session=True,
                bufsize=0,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._files.setblocking(False)

    def clock(self) -> float:
        """Return seconds that pass while the child works, sleeps or reads.

        They stand still while it waits for a processor that others have: a busy machine is no fault
        of a file. Where the system does not tell, they always pass, and so they do for the process
        below one that is ``measured``.
        """
        return time.monotonic() - self._waited_s()

    def _waited_s(self) -> float:
        try:
            told = Path(f"/proc/{self._process.pid}/schedstat").read_text(encoding="ascii")
            return int(told.split()[1]) / 1e9  # its time on processors, in queues for one (ns)
        except (OSError, ValueError, IndexError):
            return 0.0

    def parse(self, parser: str, data: bytes, name: str, timeout_s: float) -> Reply:
        """Send a file's bytes and wait for the reply.

        Raises:
            Crashed: the child has ended.
            OutOfTime: it took longer.
        """
        request = {"parser": parser, "name": name, "bytes": len(data)}
        return self._ask(request, timeout_s, data)

    def begin(
        self, kind: str, parser: str, file: BinaryIO, options: dict[str, Any], timeout_s: float
    ) -> Reply:
        """Hand over an open file, from its beginning, and wait for its first rows, or members.

        ``kind`` says which, by the word of the request. The errors are those of ``parse``.
        """
        self._hand_over(file)
        return self._ask({kind: parser, "options": options}, timeout_s)

    def more(self, timeout_s: float) -> Reply:
        """Wait for more of the file that was begun; the errors are those of ``parse``."""
        return self._ask({"more": True}, timeout_s)

    def picture(
        self, parser: str, file: BinaryIO, options: dict[str, Any], timeout_s: float
    ) -> Reply:
        """Hand over an open file and wait for a page of it; the errors are those of ``parse``."""
        self._hand_over(file)
        return self._ask({"picture": parser, "options": options}, timeout_s)

    def _hand_over(self, file: BinaryIO) -> None:
        file.seek(0)
        try:
            socket.send_fds(self._files, [b"f"], [file.fileno()])
        except OSError as error:
            raise Crashed from error

    def _ask(self, request: dict[str, Any], timeout_s: float, data: bytes = b"") -> Reply:
        began = self.clock()
        deadline = _Deadline(began + timeout_s, time.monotonic() + timeout_s * _BUSY)
        self._send(json.dumps(request).encode() + b"\n", deadline)
        self._send(data, deadline)
        try:
            reply = json.loads(self._receive(deadline))
        except ValueError as error:
            raise Crashed from error
        self.served += 1
        self.spent_s = self.clock() - began
        if not isinstance(reply, dict):
            raise Crashed
        return reply

    def _send(self, data: bytes, deadline: _Deadline) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(self._in, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self._in, rest[:_PIECE]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Crashed from error

    def _receive(self, deadline: _Deadline) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            self._wait(self._out, select.POLLIN, deadline)
            try:
                piece = os.read(self._out, _PIECE)
            except BlockingIOError:
                continue
            if not piece:
                raise Crashed
            pieces.append(piece)
            size += len(piece)
            if piece.endswith(b"\n"):
                return b"".join(pieces)
            if size > _MAX_REPLY_BYTES:
                raise Crashed

    def _wait(self, descriptor: int, event: int, deadline: _Deadline) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        while (left := min(deadline.clock - self.clock(), deadline.wall - time.monotonic())) > 0:
            if poll.poll(left * 1000):
                return
        raise OutOfTime

    def stop(self) -> int:
        """End the child now and return its exit status; negative for a signal."""
        self.stopped = True
        if self.owner != os.getpid():
            return 0  # a fork of the parent holds copies of the pipes, not the child
        with contextlib.suppress(OSError):  # the group holds the process below, if there is one
            os.killpg(self._process.pid, signal.SIGKILL)
        self._files.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        status = self._process.wait()
        # One that was killed in the middle of a file may leave what it had written.
        for left in Path(gettempdir()).glob(f"{scratch_prefix(self._process.pid)}*"):
            shutil.rmtree(left, ignore_errors=True)
        return status
