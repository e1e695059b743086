"""Runs functions in processes of their own that cost milliseconds: forks of one that imported all.

``ForkServer`` starts ``python -m tests.trials.fork_server``, which prepares what the calls share,
has no thread but its own, and forks a child for each call. A child may be killed, or kill itself,
at any moment; what it said before is not lost.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Ended", "ForkServer", "Say"]

Say = Callable[[object], None]
"""Given to the function as its first argument: what it says (plain data) reaches the caller."""

ROOT = Path(__file__).parents[2]
_GIVES_UP_S = 120


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: its exit status (below 0: by which signal), and all that it said."""

    status: int
    said: tuple[Any, ...]

    def result(self) -> Any:
        """Return the last thing that the child said, after seeing that it ended well."""
        assert self.status == 0, f"it ended with {self.status}: {self.said}"
        return self.said[-1]


class ForkServer:
    """A process in which ``prepare`` (``module:function``) ran, and whose forks run functions.

    One call at a time; ``preload`` is its ``LD_PRELOAD``, ``command`` what it is run by (strace).
    """

    def __init__(
        self, prepare: str, *, preload: Path | None = None, command: Sequence[str] = ()
    ) -> None:
        # One thread each: a library's threads would not live on in a fork.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        if preload is not None:
            environment["LD_PRELOAD"] = str(preload)
        self._one_calls = threading.Lock()
        self._process = subprocess.Popen(
            [*command, sys.executable, "-m", "tests.trials.fork_server", prepare],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
        )

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def call(self, function: str, **arguments: object) -> Ended:
        """Run ``module:function(say, **arguments)`` in a fork, and return how that ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = json.dumps({"function": function, "arguments": arguments}) + "\n"
        with self._one_calls:
            self._process.stdin.write(order.encode())
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, f"the server of forks ended with {self._process.wait()}"
        told = json.loads(answer)
        return Ended(told["status"], tuple(told["said"]))


def _serve(prepare: str) -> None:
    _named(prepare)()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a child prints is no answer
    for line in sys.stdin:
        order = json.loads(line)
        answers.write(json.dumps(_forked(order["function"], order["arguments"])) + "\n")
        answers.flush()


def _forked(function: str, arguments: Mapping[str, Any]) -> dict[str, object]:
    assert threading.active_count() == 1
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        _run(function, arguments, writes)
    os.close(writes)
    # A child that hangs is a fault of what is tried, and must not be one of the trial.
    late = threading.Timer(_GIVES_UP_S, os.kill, (child, signal.SIGABRT))
    late.start()
    with os.fdopen(reads, "rb") as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    late.cancel()
    late.join()
    return {
        "status": os.waitstatus_to_exitcode(status),
        "said": [json.loads(line) for line in lines],
    }


def _run(function: str, arguments: Mapping[str, Any], writes: int) -> None:
    """Be the child: never returns."""
    status = 1
    try:
        _named(function)(
            lambda told: os.write(writes, json.dumps(told).encode() + b"\n"), **arguments
        )
        status = 0
    except BaseException:
        os.write(writes, json.dumps(traceback.format_exc()).encode() + b"\n")
    finally:
        os._exit(status)


def _named(name: str) -> Callable[..., None]:
    module, function = name.split(":")
    named: Callable[..., None] = getattr(importlib.import_module(module), function)
    return named


if __name__ == "__main__":
    _serve(sys.argv[1])
