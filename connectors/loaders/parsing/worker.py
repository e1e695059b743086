"""The child process: it limits itself, then parses what the parent sends, one file at a time.

A request is a line of JSON, a reply is one:

- ``{"parser", "name", "bytes"}``, followed by that many bytes: a file, answered ``{"parsed"}``;
- ``{"rows", "options"}``, with an open file over the socket: its first rows, ``{"items", "done"}``;
- ``{"members", "options"}``, so, too: the first pieces of the files that it holds;
- ``{"shown", "options"}``, so, too: the first pictures in it;
- ``{"more"}``: the next rows, pieces or pictures of that file;
- ``{"picture", "options"}``, with an open file over the socket: a page, answered ``{"picture"}``.

What can not be read is answered ``{"refused"}``. The child opens no file by itself, holds no key
from the environment, and ends with its parent: at once when it is idle, and by its own alarm when
a parser hangs. With a fourth argument, ``measured``, it forks before the first request, and the
parent of the two tells why the other ended.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO

from rag_engine.connectors.loaders.parsing.members import MemberOptions, Piece
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.picture import PictureOptions
from rag_engine.connectors.loaders.parsing.rows import Row, RowOptions
from rag_engine.connectors.loaders.parsing.scratch import MOST_WRITTEN
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions, ShownPicture

__all__ = ["MEMBERS", "PARSERS", "PICTURES", "ROWS", "SHOWN", "main"]

PARSERS = (
    *(
        "asciidoc",
        "doc",
        "docx",
        "eml",
        "epub",
        "html",
        "markdown",
        "mht",
        "msg",
        "notebook",
        "odf",
        "pdf",
    ),
    *("po", "ppt", "pptx", "rst", "rtf", "subtitles", "text", "xls", "xlsx", "xml"),
)
"""Modules beside this one, each with ``parse(data: bytes, name: str) -> Parsed``."""
ROWS = ("jsonl", "table")
"""Those with ``rows(file: BinaryIO, options: RowOptions) -> Iterator[Row | str]``."""
MEMBERS = ("mbox", "zip_members")
"""Those with ``members(file: BinaryIO, options: MemberOptions) -> Iterator[Piece | str]``."""
SHOWN = ("html_pictures", "office_pictures", "pdf_pictures", "pictures")
"""Those with ``pictures(file: BinaryIO, options: PicturesOptions)``, which gives
``Iterator[ShownPicture | str]``."""
_Item = Row | Piece | ShownPicture | str
_Options = RowOptions | MemberOptions | PicturesOptions
_STREAMS: dict[str, tuple[tuple[str, ...], str, type[_Options]]] = {
    "rows": (ROWS, "rows", RowOptions),
    "members": (MEMBERS, "members", MemberOptions),
    "shown": (SHOWN, "pictures", PicturesOptions),
}
PICTURES = ("image", "pdf_scans")
"""Those with ``picture(file: BinaryIO, options: PictureOptions) -> Picture``."""

_MANY_ITEMS = 500
_MANY_CHARACTERS = 200_000
_LONG_S = 0.2
"""A reply is sent with so many items, such long ones, or what there is after this time."""

_USED_UP = 0.75
"""Resident share of the address space that a parser had when it could get no more: libraries and
what was reserved take the rest."""


def main() -> None:
    """Serve requests from standard input until it ends."""
    alarm_s, memory_bytes, socket_number = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    _limit(memory_bytes)
    if sys.argv[4:] == ["measured"] and (below := os.fork()):
        _watch(below, memory_bytes)
        return
    tempfile.tempdir = os.sep  # no file can be written, and libraries ask for a place for some
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes elsewhere than into the replies
    answer = _Answers(socket.socket(fileno=socket_number))
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request.get("bytes", 0))
        # The parent kills a child that takes too long; should the parent be gone, this does.
        signal.setitimer(signal.ITIMER_REAL, alarm_s)
        reply = _reply(lambda: answer(request, data))  # noqa: B023 - called at once
        signal.setitimer(signal.ITIMER_REAL, 0)
        del data
        replies.write(reply)
        replies.flush()


def _limit(memory_bytes: int) -> None:
    wanted = {
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (0, MOST_WRITTEN),  # what ``scratch_folder`` may raise it to
    }
    for kind, values in wanted.items():
        # macOS knows RLIMIT_AS and refuses to set it; the time limit holds there all the same.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, values)


def _watch(below: int, memory_bytes: int) -> None:
    """Wait for the process below; answer for it if it aborted with its memory used up.

    What a native library does without memory is to abort. The kernel tells a process's peak only
    to its parent, and of a program that was just started it takes the starter's peak for its own:
    so the process to be measured is a fork of this one, which is small.
    """
    os.close(0)
    _, status, usage = os.wait4(below, 0)
    if not os.WIFSIGNALED(status):
        return
    if os.WTERMSIG(status) == signal.SIGABRT and _peak(usage) >= memory_bytes * _USED_UP:
        os.write(1, _reply(_out_of_memory))
        return
    signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
    os.kill(os.getpid(), os.WTERMSIG(status))


def _peak(usage: resource.struct_rusage) -> int:
    """Return the most resident memory, in bytes; macOS counts bytes, others KiB."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _out_of_memory() -> dict[str, Any]:
    raise MemoryError


class _Answers:
    """What is done for a request; it remembers the file whose rows or members are being read."""

    def __init__(self, files: socket.socket) -> None:
        self._files = files
        self._items: Iterator[_Item] = iter(())

    def __call__(self, request: dict[str, Any], data: bytes) -> dict[str, Any]:
        if "parser" in request:
            parse = _function(request["parser"], PARSERS, "parse")
            return {"parsed": parse(data, request["name"]).as_json()}
        if "picture" in request:
            return {"picture": self._picture(request["picture"], request["options"])}
        kind = next((kind for kind in _STREAMS if kind in request), None)
        if kind is not None:
            self._items = self._begin(kind, request)
        try:
            return self._some_items()
        except BaseException:
            self._items = iter(())  # its memory is the next file's
            raise

    def _picture(self, parser: str, options: dict[str, Any]) -> dict[str, Any]:
        with self._received() as file:
            taken = _function(parser, PICTURES, "picture")(file, PictureOptions.from_json(options))
        found: dict[str, Any] = taken.as_json()
        return found

    def _begin(self, kind: str, request: dict[str, Any]) -> Iterator[_Item]:
        known, function, options = _STREAMS[kind]
        with self._received() as file:
            read = _function(request[kind], known, function)
            yield from read(file, options.from_json(request["options"]))

    def _received(self) -> BinaryIO:
        _, [descriptor], _, _ = socket.recv_fds(self._files, 1, 1)
        return os.fdopen(descriptor, "rb")

    def _some_items(self) -> dict[str, Any]:
        found: list[Any] = []
        characters = 0
        until = time.monotonic() + _LONG_S
        while True:
            try:
                item = next(self._items)
            except StopIteration:
                return {"items": found, "done": True}
            except Exception as error:
                # Without memory, a fresh child may be asked for all from the beginning.
                if not found or isinstance(error, MemoryError):
                    raise
                self._items = _failing(error.with_traceback(None))  # told after what was read
                return {"items": found, "done": False}
            found.append(item if isinstance(item, str) else item.as_json())
            characters += len(item) if isinstance(item, str) else item.characters
            if len(found) >= _MANY_ITEMS or characters >= _MANY_CHARACTERS:
                return {"items": found, "done": False}
            if time.monotonic() >= until:
                return {"items": found, "done": False}


def _failing(error: Exception) -> Iterator[_Item]:
    raise error
    yield


def _function(name: str, known: tuple[str, ...], function: str) -> Callable[..., Any]:
    if name not in known:
        raise Refused(f"there is no parser {name!r}")
    module = import_module(f"rag_engine.connectors.loaders.parsing.{name}")
    found: Callable[..., Any] = getattr(module, function)
    return found


def _reply(work: Callable[[], dict[str, Any]]) -> bytes:
    answer: dict[str, Any]
    try:
        return _encode(work())
    except RefusedByLimit as error:
        answer = {"refused": str(error), "limit": True}
    except Refused as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = _no_memory()
    except RecursionError:
        answer = {"refused": "its parts are nested too deeply", "limit": True}
    except OSError as error:
        lacks_memory = error.errno == errno.ENOMEM
        answer = _no_memory() if lacks_memory else {"refused": f"it can not be read: {error}"}
    except Exception as error:
        answer = {"refused": f"the parser failed: {type(error).__name__}: {error!s:.300}"}
    return _encode(answer)


def _no_memory() -> dict[str, Any]:
    reason = f"it needs more memory than {_given()}"
    return {"refused": reason, "limit": True, "out_of_memory": True}


def _given() -> str:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return "there is"
    return f"the {limit >> 20} MiB that a parser is given"


def _encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", errors="replace") + b"\n"


if __name__ == "__main__":
    main()
