"""A child process that parses untrusted files, within limits on memory and time.

Parsers of PDF, DOCX, HTML and Markdown meet files that make them hang, crash or eat memory. Here
they do so in a process of their own. It is started when the first file needs it, serves one file
after the other, and is replaced when a file kills it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any

from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.errors import LoadError, LoadLimitExceeded

__all__ = ["Sandbox"]

_MAX_REPLY_BYTES = 400_000_000
_PIECE = 1 << 20
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


class _Crashed(Exception):
    """The child ended in the middle of a file."""


class _OutOfTime(Exception):
    """The child is not done when its time is over."""


class _Worker:
    """One child process and the two pipes to it."""

    def __init__(self, timeout_s: float, memory_mb: int) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(
            folder or str(Path.cwd()) for folder in sys.path
        )
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.owner = os.getpid()
        self.served = 0
        # A session of its own keeps a Ctrl-C meant for the parent away from the child.
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "rag_engine.connectors.loaders.parsing.worker"),
                *(str(timeout_s), str(memory_mb << 20)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)

    def ask(self, parser: str, data: bytes, name: str, timeout_s: float) -> dict[str, Any]:
        """Send one file and wait for the reply."""
        until = time.monotonic() + timeout_s
        request = {"parser": parser, "name": name, "bytes": len(data)}
        self._send(json.dumps(request).encode() + b"\n", until)
        self._send(data, until)
        reply = json.loads(self._receive(until))
        self.served += 1
        if not isinstance(reply, dict):
            raise _Crashed
        return reply

    def _send(self, data: bytes, until: float) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(self._in, select.POLLOUT, until)
            try:
                rest = rest[os.write(self._in, rest[:_PIECE]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise _Crashed from error

    def _receive(self, until: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            self._wait(self._out, select.POLLIN, until)
            try:
                piece = os.read(self._out, _PIECE)
            except BlockingIOError:
                continue
            if not piece:
                raise _Crashed
            pieces.append(piece)
            size += len(piece)
            if piece.endswith(b"\n"):
                return b"".join(pieces)
            if size > _MAX_REPLY_BYTES:
                raise _Crashed

    @staticmethod
    def _wait(descriptor: int, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise _OutOfTime

    def stop(self) -> int:
        """End the child now and return its exit status; negative for a signal."""
        if self.owner != os.getpid():
            return 0  # a fork of the parent holds copies of the pipes, not the child
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.wait()


class Sandbox:
    """Parses files in a child process.

    One file at a time; threads wait for each other. A context manager; a sandbox that is not
    closed ends with the program, whichever way that ends.

    Args:
        timeout_s: seconds that one file may take.
        memory_mb: address space that the child may use, in MiB.
    """

    def __init__(self, *, timeout_s: float = 20.0, memory_mb: int = 512) -> None:
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._finalizer = weakref.finalize(self, _stop_all, self._workers)

    def parse(self, parser: str, data: bytes, *, name: str) -> Parsed:
        """Parse one file's bytes; ``name`` is how messages call the file.

        Raises:
            LoadError: the file can not be read, or crashed the parser.
            LoadLimitExceeded: the file needs more time, memory or room than it may have.
        """
        with self._lock:
            reply = self._answer(parser, data, name)
        if "parsed" in reply:
            try:
                return Parsed.from_json(reply["parsed"])
            except (KeyError, TypeError, ValueError) as error:
                raise LoadError(f"{name}: the parser gave an unreadable answer") from error
        kind = LoadLimitExceeded if reply.get("limit") else LoadError
        raise kind(f"{name}: {reply.get('refused', 'the parser gave no reason')}")

    def _answer(self, parser: str, data: bytes, name: str) -> dict[str, Any]:
        while True:
            worker = self._worker()
            fresh = worker.served == 0
            try:
                reply = worker.ask(parser, data, name, self._timeout_s)
            except _OutOfTime:
                self._drop()
                return {
                    "refused": f"parsing took longer than {self._timeout_s:g} s; raise "
                    "loaders.timeout_s if the file is sound",
                    "limit": True,
                }
            except (_Crashed, ValueError):
                status = self._drop()
                if fresh:
                    return {"refused": f"it crashed the parser (status {status})"}
                continue  # perhaps an earlier file is to blame: once more in a fresh child
            except BaseException:
                self._drop()  # whatever stopped us, the reply that is under way fits no request
                raise
            if reply.get("out_of_memory"):
                self._drop()
                if not fresh:
                    continue  # perhaps earlier files left too little
            return reply

    def _worker(self) -> _Worker:
        if self._workers and self._workers[0].owner != os.getpid():
            self._workers.clear()
        if not self._workers:
            self._workers.append(_Worker(self._timeout_s, self._memory_mb))
        return self._workers[0]

    def _drop(self) -> int:
        return self._workers.pop().stop()

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


def _stop_all(workers: list[_Worker]) -> None:
    while workers:
        workers.pop().stop()
