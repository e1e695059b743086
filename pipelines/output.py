"""What a command prints: data on stdout, everything said about it on stderr.

With ``--json`` a command prints one JSON object on stdout, always of this shape::

    {"command": "search", "ok": true, "result": {...}, "problems": [{"source": ..., "reason": ...}]}
    {"command": "search", "ok": false, "error": {"type": "StoreNotFound", "message": "..."}}
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tqdm import tqdm

from rag_engine.errors import RagEngineError
from rag_engine.records import Answer, Hit, Problem

__all__ = [
    "Bar",
    "Exit",
    "Outcome",
    "answer_lines",
    "hit_lines",
    "note",
    "print_error",
    "print_outcome",
    "safe",
]


class Exit(IntEnum):
    """What an exit status says."""

    DONE = 0
    FAILED = 1
    """Nothing was done, or not all of it: the message says why."""
    USAGE = 2
    """The command line was wrong."""
    PROBLEMS = 3
    """Done, but for the files or rows that are listed."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; what was acknowledged is kept, the same command goes on from there."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command found: plain data for ``--json``, lines for people, and problems."""

    result: Mapping[str, Any]
    lines: Sequence[str]
    problems: Sequence[Problem] = field(default=())

    @property
    def status(self) -> Exit:
        """The exit status."""
        return Exit.PROBLEMS if self.problems else Exit.DONE


def safe(text: str) -> str:
    r"""Return a text that can not steer a terminal: control characters become blanks.

    >>> safe("a\x1b[31mb\nc")
    'a [31mb c'
    """
    return "".join(" " if unicodedata.category(each) == "Cc" else each for each in text)


def note(text: str) -> None:
    """Say something to a person, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Bar:
    """A progress bar on stderr, with the rate and the time left; none if that is no terminal."""

    def __init__(self, what: str = "", total: int = 0, unit: str = "chunk") -> None:
        self._unit = unit
        self._begin(what, total)

    def _begin(self, what: str, total: int) -> None:
        self._what = what
        self._bar = tqdm(
            total=total,
            desc=what,
            unit=self._unit,
            disable=not (what and sys.stderr.isatty()),
            leave=False,
            smoothing=0.1,
        )

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def to(self, done: int) -> None:
        """Say that so many are done."""
        self._bar.update(done - self._bar.n)

    def stage(self, what: str, done: int, total: int) -> None:
        """Say that so many of a stage are done; a new stage begins a new bar."""
        if what != self._what:
            self._bar.close()
            self._begin(what, total)
        self.to(done)


def print_outcome(command: str, outcome: Outcome, *, as_json: bool) -> None:
    """Print what a command found."""
    if as_json:
        _print_json(
            {
                "command": command,
                "ok": True,
                "result": dict(outcome.result),
                "problems": [
                    {"source": each.source, "reason": each.reason} for each in outcome.problems
                ],
            }
        )
    else:
        sys.stdout.write("".join(f"{line}\n" for line in outcome.lines))
        sys.stdout.flush()
    for each in outcome.problems:
        note(f"problem: {safe(each.source)}: {safe(each.reason)}")


def print_error(command: str, error: RagEngineError, *, as_json: bool) -> None:
    """Print why a command failed."""
    if as_json:
        message = {"type": type(error).__name__, "message": str(error)}
        _print_json({"command": command, "ok": False, "error": message})
    note(f"rag-engine: {safe(str(error))}")


def _print_json(data: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def hit_lines(hit: Hit, *, width: int = 160) -> list[str]:
    """Return a hit as lines for people: where it is, its beginning, its twins."""
    page = f", page {hit.chunk.page}" if hit.chunk.page else ""
    section = f" > {' > '.join(hit.chunk.section)}" if hit.chunk.section else ""
    text = safe(hit.chunk.text)
    shown = text if len(text) <= width else text[: width - 1] + "…"
    lines = [
        f"{hit.rank:>2}. {hit.score:.3f}  [{hit.chunk.language}]  "
        f"{safe(hit.chunk.document_id)}{page}{safe(section)}",
        f"      {shown}",
    ]
    if hit.twins:
        told = (f"[{twin.chunk.language}] {safe(twin.chunk.document_id)}" for twin in hit.twins)
        lines.append(f"      also: {', '.join(told)}")
    return lines


def answer_lines(answer: Answer) -> list[str]:
    """Return an answer as lines for people."""
    lines = [*answer.text.splitlines(), ""]
    for each in answer.citations:
        page = f", page {each.page}" if each.page else ""
        lines.append(f"  [{each.number}] {safe(each.document_id)}{page} ({each.language})")
    lines.append(f"  written by: {answer.generator}")
    lines += [f"  warning: {safe(warning)}" for warning in answer.warnings]
    return lines
