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

from rag_engine.errors import RagEngineError
from rag_engine.records import Answer, Hit, Problem

__all__ = [
    "Exit",
    "Outcome",
    "answer_lines",
    "hit_lines",
    "note",
    "print_error",
    "print_failure",
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
    return "".join(
        " " if unicodedata.category(character) == "Cc" else character for character in text
    )


def note(text: str) -> None:
    """Say something to a person, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_outcome(command: str, outcome: Outcome, *, as_json: bool) -> None:
    """Print what a command found."""
    if as_json:
        _print_json(
            {
                "command": command,
                "ok": True,
                "result": dict(outcome.result),
                "problems": [
                    {"source": problem.source, "reason": problem.reason}
                    for problem in outcome.problems
                ],
            }
        )
    else:
        sys.stdout.write("".join(f"{line}\n" for line in outcome.lines))
        sys.stdout.flush()
    for problem in outcome.problems:
        note(f"problem: {safe(problem.source)}: {safe(problem.reason)}")


def print_error(command: str, error: RagEngineError, *, as_json: bool) -> None:
    """Print why a command failed."""
    print_failure(command, type(error).__name__, str(error), as_json=as_json)


def print_failure(command: str, kind: str, message: str, *, as_json: bool) -> None:
    """Print that a command failed, what kind of error it is, and why."""
    if as_json:
        error = {"type": kind, "message": message}
        _print_json({"command": command, "ok": False, "error": error})
    note(f"rag-engine: {safe(message)}")


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
        twins = (f"[{twin.chunk.language}] {safe(twin.chunk.document_id)}" for twin in hit.twins)
        lines.append(f"      also: {', '.join(twins)}")
    return lines


def answer_lines(answer: Answer) -> list[str]:
    """Return an answer as lines for people."""
    lines = [*answer.text.splitlines(), ""]
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page else ""
        document = safe(citation.document_id)
        lines.append(f"  [{citation.number}] {document}{page} ({citation.language})")
    lines.append(f"  written by: {answer.generator}")
    lines += [f"  warning: {safe(warning)}" for warning in answer.warnings]
    return lines
