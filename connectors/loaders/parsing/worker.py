"""The child process: it limits itself, then parses what the parent sends, one file at a time.

A request is a line of JSON, ``{"parser", "name", "bytes"}``, followed by that many bytes; a reply
is one line of JSON. The child opens no file, holds no key from the environment, and ends with its
parent: at once when it is idle, and by its own alarm when a parser hangs.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, RefusedByLimit

__all__ = ["PARSERS", "main"]

PARSERS = ("docx", "html", "markdown", "pdf")
"""Modules beside this one, each with ``parse(data: bytes, name: str) -> Parsed``."""

_ALARM_SLACK_S = 2.0


def main() -> None:
    """Serve requests from standard input until it ends."""
    timeout_s, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    _limit(memory_bytes)
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes elsewhere than into the replies
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["bytes"])
        # The parent kills a child that takes too long; should the parent be gone, this does.
        signal.setitimer(signal.ITIMER_REAL, timeout_s + _ALARM_SLACK_S)
        reply = _reply(request["parser"], data, request["name"])
        signal.setitimer(signal.ITIMER_REAL, 0)
        del data
        replies.write(reply)
        replies.flush()


def _limit(memory_bytes: int) -> None:
    wanted = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for kind, value in wanted.items():
        # macOS knows RLIMIT_AS and refuses to set it; the time limit holds there all the same.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def _reply(parser: str, data: bytes, name: str) -> bytes:
    answer: dict[str, Any]
    try:
        answer = {"parsed": _parse(parser)(data, name).as_json()}
        return _encode(answer)
    except RefusedByLimit as error:
        answer = {"refused": str(error), "limit": True}
    except Refused as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "it needs more memory than a parser is given", "limit": True}
        answer["out_of_memory"] = True
    except RecursionError:
        answer = {"refused": "its parts are nested too deeply", "limit": True}
    except Exception as error:
        answer = {"refused": f"the parser failed: {type(error).__name__}: {error!s:.300}"}
    return _encode(answer)


def _parse(parser: str) -> Callable[[bytes, str], Parsed]:
    if parser not in PARSERS:
        raise Refused(f"there is no parser {parser!r}")
    module = import_module(f"rag_engine.connectors.loaders.parsing.{parser}")
    parse: Callable[[bytes, str], Parsed] = module.parse
    return parse


def _encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", errors="replace") + b"\n"


if __name__ == "__main__":
    main()
