"""The file of examples while it grows, and beside it what was done, so that it can go on."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.synthesis.question_checks import Verdict, question_key
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.output import note
from rag_engine.store.files import read_json, write_json

__all__ = ["Journal", "Tally"]

_RUN = "run.json"
_DONE = "done.jsonl"

Tally = Counter[tuple[str, Verdict]]
"""How many questions of a language had a fate."""


class Journal:
    """Examples are appended to ``target`` passage by passage, each durable when ``add`` returns.

    In the folder ``.NAME.synthesis`` beside it lie the identity of the run and a line for each
    passage done, with the size of ``target`` after it: what a kill left of a passage is cut off.

    Raises:
        InvalidInput: ``target`` is there and of no run, or was changed; or the run is another's,
            or is running.
    """

    def __init__(self, target: Path, identity: dict[str, Any]) -> None:
        self.target = target
        self._folder = target.parent / f".{target.name}.synthesis"
        self.card = target.with_suffix(".synthesis.json")
        self.done: set[int] = set()
        """The passages that were asked about."""
        self.tally: Tally = Counter()
        self.known: set[str] = set()
        """The keys of the questions that were kept."""
        self._begin(identity)
        with ExitStack() as files:
            log = (self._folder / _DONE).open("a+", encoding="utf-8")
            self._log: IO[str] = files.enter_context(log)
            self._lock()
            self._file: IO[str] = files.enter_context(target.open("a+", encoding="utf-8"))
            self._size = self._recover()
            self._files = files.pop_all()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    def add(
        self, passage: int, fates: Sequence[tuple[str, Verdict]], examples: Iterable[Example]
    ) -> None:
        """Write what came of one passage."""
        written = "".join(each.model_dump_json() + "\n" for each in examples)
        _append(self._file, written)
        self._size += len(written.encode("utf-8"))
        line = {"passage": passage, "fates": fates, "bytes": self._size}
        _append(self._log, json.dumps(line) + "\n")
        self._count(passage, fates)

    def short_of(self, negatives: int) -> int:
        """Count the examples with fewer negatives than that."""
        self._file.seek(0)
        examples = (Example.model_validate_json(line) for line in self._file)
        return sum(len(each.negatives) < negatives for each in examples)

    def finish(self, card: dict[str, Any]) -> None:
        """Say beside the file what it was made of; forget how far it was."""
        write_json(self.card, card)
        shutil.rmtree(self._folder)

    def _begin(self, identity: dict[str, Any]) -> None:
        run = self._folder / _RUN
        if not run.exists():
            for path in (self.target, self.card):
                if path.exists():
                    raise InvalidInput(f"{path} exists already; name a new file")
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(run, identity)
            return
        begun = read_json(run)
        if begun != identity:
            differing = sorted(
                name for name in identity.keys() | begun if identity.get(name) != begun.get(name)
            )
            raise InvalidInput(
                f"{self.target} was begun by another command, or the knowledge base has changed "
                f"since ({', '.join(differing)}); go on with that command, name another file, or "
                f"delete {self.target} and {self._folder}"
            )

    def _lock(self) -> None:
        try:
            fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InvalidInput(f"another process is writing {self.target}") from error

    def _recover(self) -> int:
        """Read what was done, and cut off what is not known to be whole; return the size."""
        self._log.seek(0)
        lines = self._log.readlines()
        size = whole = 0
        for number, line in enumerate(lines, start=1):
            try:
                told = json.loads(line)
                fates = [(language, Verdict(fate)) for language, fate in told["fates"]]
                passage, size_then = int(told["passage"]), int(told["bytes"])
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):
                    break  # a kill while it was written
                raise InvalidInput(
                    f"{self._folder / _DONE} is damaged in line {number}; delete {self._folder} "
                    f"and {self.target} to begin anew"
                ) from error
            if not line.endswith("\n"):
                break
            self._count(passage, fates)
            size, whole = size_then, whole + len(line.encode("utf-8"))
        self._log.truncate(whole)
        there = self.target.stat().st_size
        self._file.seek(0)
        try:
            if there < size:
                raise ValueError(f"it has {there} bytes instead of {size}")
            self._file.truncate(size)
            for line in self._file:
                self.known.add(question_key(Example.model_validate_json(line).question))
        except ValueError as error:  # pydantic's and a decoder's are such
            raise InvalidInput(
                f"{self.target} was changed since it was begun: {error}; delete it and "
                f"{self._folder} to begin anew"
            ) from error
        if self.done:
            note(f"going on after {len(self.done):,} passages")
        return size

    def _count(self, passage: int, fates: Iterable[tuple[str, Verdict]]) -> None:
        self.done.add(passage)
        self.tally.update(fates)


def _append(file: IO[str], text: str) -> None:
    """Append durably; what may not be durable is cut off again, and asked for anew."""
    size = os.fstat(file.fileno()).st_size
    file.write(text)
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), size)
        raise
