"""What a command prints: data on stdout, everything said about it on stderr.

With ``--json`` a command prints one JSON object on stdout, always of this shape::

    {"command": "search", "ok": true, "result": {...}, "problems": [{"source": ..., "reason": ...}]}
    {"command": "search", "ok": false, "error": {"type": "StoreNotFound", "message": "..."}}

whatever happens, be it a fault of this program; only a stdout that takes nothing stays empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from rag_engine.errors import RagEngineError, StorageFailed
from rag_engine.records import Answer, Citation, Hit, Problem
from rag_engine.store.failures import UNCONFIRMED, storage_failed
from rag_engine.text.steering import escaped, on_one_line

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
    "translation_lines",
    "write_nowhere",
]


_NEAREST = 3
"""Passages that are shown where there is no answer."""


class Exit(IntEnum):
    """What an exit status says."""

    DONE = 0
    FAILED = 1
    """Nothing was done, or not all of it: the message says why."""
    USAGE = 2
    """The command line was wrong."""
    PROBLEMS = 3
    """Done, but for what is listed: files, rows, a reranker that did not answer."""
    STORAGE = 4
    """A disk is full, or a file can not be read or written; what was acknowledged is kept."""
    FAULT = 70
    """A fault of this program; what was acknowledged is kept."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; what was acknowledged is kept, the same command goes on from there."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command found: plain data for ``--json``, lines for people, and problems.

    ``result`` may be a function that returns the data, where people need not wait for them.
    """

    result: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    lines: Sequence[str]
    problems: Sequence[Problem] = field(default=())

    @property
    def data(self) -> dict[str, Any]:
        """The plain data."""
        return dict(self.result() if callable(self.result) else self.result)

    @property
    def status(self) -> Exit:
        """The exit status."""
        return Exit.PROBLEMS if self.problems else Exit.DONE


def safe(text: str) -> str:
    r"""Return a text that can not steer a terminal: control characters become blanks.

    >>> safe("a\x1b[31mb\nc")
    'a [31mb c'
    """
    return on_one_line(text)


def note(text: str) -> None:
    """Say something to a person, on stderr; that nobody can hear it ends no work."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def print_outcome(command: str, outcome: Outcome, *, as_json: bool) -> None:
    """Print what a command found."""
    if as_json:
        _print_json(
            {
                "command": command,
                "ok": True,
                "result": outcome.data,
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


def print_error(command: str, error: Exception, *, as_json: bool) -> Exit:
    """Print why a command failed, whatever was raised, and return its exit status.

    One line tells a person; ``RAG_ENGINE_TRACEBACK=1`` in the environment shows where it was.
    """
    if os.environ.get("RAG_ENGINE_TRACEBACK"):
        note("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, OSError) and not isinstance(error, RagEngineError):
        error = storage_failed(error, f"rag-engine {command}", _here(), kept=UNCONFIRMED)
    status, message = Exit.FAILED, str(error)
    if isinstance(error, StorageFailed):
        status = Exit.STORAGE
    elif isinstance(error, MemoryError):
        message = f"there is not enough memory; {UNCONFIRMED}"
    elif not isinstance(error, RagEngineError):
        status = Exit.FAULT
        message = (
            f"{type(error).__name__}: {error}; this is a fault of rag-engine: please report it "
            f"with what it prints with RAG_ENGINE_TRACEBACK=1; {UNCONFIRMED}"
        )
    print_failure(command, type(error).__name__, message, as_json=as_json)
    return status


def _here() -> Path:
    with contextlib.suppress(OSError):
        return Path.cwd()
    return Path()


def print_failure(command: str, kind: str, message: str, *, as_json: bool) -> None:
    """Print that a command failed, what kind of error it is, and why."""
    if as_json:
        error = {"type": kind, "message": message}
        try:
            _print_json({"command": command, "ok": False, "error": error})
        except OSError:
            write_nowhere()  # what is left is the line below, and the exit status
    note(f"rag-engine: {safe(message)}")


def _print_json(data: Mapping[str, Any]) -> None:
    text = escaped(json.dumps(data, ensure_ascii=False, indent=2))
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a file's name that is no text, or a terminal of few characters
        text = json.dumps(data, indent=2)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_nowhere() -> None:
    """Let stdout lead nowhere: what it still holds can not be written, at the end neither."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def hit_lines(hit: Hit, *, width: int = 160) -> list[str]:
    """Return a hit as lines for people: where it is, its beginning, its twins."""
    page = f", page {hit.chunk.page}" if hit.chunk.page else ""
    section = f" > {' > '.join(hit.chunk.section)}" if hit.chunk.section else ""
    text = safe(hit.chunk.text)
    shown = text if len(text) <= width else text[: width - 1] + "…"
    lines = [
        f"{hit.rank:>2}. {hit.score:.3f}  [{hit.chunk.language}]  {_of_base(hit)}"
        f"{safe(hit.chunk.document_id)}{page}{safe(section)}{' (picture)' if hit.image else ''}",
        f"      {shown}",
    ]
    if hit.twins:
        twins = (f"[{twin.chunk.language}] {safe(twin.chunk.document_id)}" for twin in hit.twins)
        lines.append(f"      also: {', '.join(twins)}")
    return lines


def _of_base(named: Hit | Citation) -> str:
    """Return the knowledge base that something is from, where several were asked."""
    return "" if named.knowledge_base is None else f"{safe(named.knowledge_base)}: "


def translation_lines(translations: Sequence[str]) -> list[str]:
    """Return the translations that were searched beside a question, as lines for people."""
    return [f"  searched too: {safe(translation)}" for translation in translations]


def answer_lines(answer: Answer) -> list[str]:
    """Return an answer as lines for people; without one, the nearest passages."""
    lines = [*map(safe, answer.text.splitlines()), ""]
    if answer.rewritten is not None:
        lines.append(f"  understood as: {safe(answer.rewritten)}")
    lines += translation_lines(answer.translations)
    if answer.hits and not answer.supported:
        lines.append("  the nearest passages:")
        for hit in answer.hits[:_NEAREST]:
            lines += [f"  {line}" for line in hit_lines(hit)]
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page else ""
        document = f"{_of_base(citation)}{safe(citation.document_id)}"
        lines.append(f"  [{citation.number}] {document}{page} ({citation.language})")
    lines.append(f"  written by: {safe(answer.generator)}")
    lines += [f"  warning: {safe(warning)}" for warning in answer.warnings]
    return lines
