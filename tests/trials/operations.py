"""Draws operations and restarts, and compares what is found after each with a dictionary."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from rag_engine import Document, Equals, KnowledgeBase
from tests.trials.load import components
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_NAMES = 30
_KINDS = ("add", "add", "add", "again", "delete", "file", "unfile", "publish", "compact", "reopen")

State = dict[str, tuple[str, str]]
"""Of each document its text, and of which parity its metadata say it is."""


class _Run:
    """One knowledge base and the dictionary beside it."""

    def __init__(self, folder: Path, drawn: random.Random, parts: object) -> None:
        self._folder = folder
        self._drawn = drawn
        self._parts = parts
        self._state: State = {}
        self._kb = self._opened(read_only=False)

    def _opened(self, *, read_only: bool) -> KnowledgeBase:
        return KnowledgeBase.open(
            self._folder / "kb",
            components=self._parts,  # type: ignore[arg-type]
            read_only=read_only,
        )

    def step(self, kind: str) -> None:
        """Take one step on both, and compare."""
        steps: dict[str, Callable[[], None]] = {
            "add": self._add,
            "again": self._again,
            "delete": self._delete,
            "file": self._file,
            "unfile": self._unfile,
            "publish": lambda: self._kb.publish(),
            "compact": lambda: self._kb.compact(),
            "reopen": self._reopen,
        }
        steps[kind]()
        self.compare(self._kb)

    def _add(self) -> None:
        names = [f"d{self._drawn.randrange(_NAMES)}" for _ in range(self._drawn.randint(1, 5))]
        new = {name: self._text() for name in names}
        report = self._kb.add(_document(name, *new[name]) for name in new)
        assert report.added == len(new.keys() - self._state.keys())
        assert report.updated == len(new.keys() & self._state.keys())
        self._state |= new

    def _again(self) -> None:
        own = [name for name in self._state if name.startswith("d")]
        report = self._kb.add([_document(name, *self._state[name]) for name in own])
        assert (report.added, report.updated, report.unchanged) == (0, 0, len(own))

    def _delete(self) -> None:
        names = {f"d{self._drawn.randrange(_NAMES)}" for _ in range(3)}
        assert set(self._kb.delete(sorted(names))) == names & self._state.keys()
        for name in names:
            self._state.pop(name, None)

    def _file(self) -> None:
        name = f"files/{self._drawn.randrange(5)}.words"
        path = self._folder / "file.words"
        text, _ = self._text()
        path.write_text(text, encoding="utf-8")
        self._kb.add_file(path, source=name)
        self._state[name] = (text, "")
        assert name in self._kb.sources()

    def _unfile(self) -> None:
        name = f"files/{self._drawn.randrange(5)}.words"
        there = [name] if name in self._state else []
        assert self._kb.delete_source(name) == there
        self._state.pop(name, None)

    def _reopen(self) -> None:
        self._kb.close()
        with self._opened(read_only=True) as reader:
            self.compare(reader)
        self._kb = self._opened(read_only=False)

    def _text(self) -> tuple[str, str]:
        return f"number {self._drawn.randrange(10**9)}", self._drawn.choice(["odd", "even"])

    def compare(self, kb: KnowledgeBase) -> None:
        """See that ids, texts, hits and a filter say what the dictionary says."""
        expected = {name: text for name, (text, _) in self._state.items()}
        assert kb.document_ids() == sorted(expected)
        hits = kb.search("number", k=1_000)
        found = {hit.chunk.document_id: hit.chunk.text for hit in hits}
        assert found == expected, (found, expected)
        assert len(hits) == len(found)
        odd = kb.search("number", k=1_000, where=Equals("parity", "odd"))
        of_parity = {name for name, (_, parity) in self._state.items() if parity == "odd"}
        assert {hit.chunk.document_id for hit in odd} == of_parity
        for name in self._drawn.sample(sorted(expected), min(2, len(expected))):
            document = kb.document(name)
            assert document is not None
            assert document.text == expected[name]

    def close(self) -> None:
        """End it."""
        self._kb.close()


def _document(name: str, text: str, parity: str) -> Document:
    return Document(id=name, text=text, metadata={"parity": parity})


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    parts = components()
    counts = dict.fromkeys(sorted(set(_KINDS)), 0)
    for number in range(amounts["runs"]):
        path = folder / str(number)
        path.mkdir()
        run = _Run(path, drawn, parts)
        taken: list[str] = []
        try:
            for _ in range(amounts["steps"]):
                taken.append(drawn.choice(_KINDS))
                run.step(taken[-1])
                counts[taken[-1]] += 1
        except AssertionError as error:
            raise AssertionError(f"run {number}, after {taken}: {error}") from error
        finally:
            run.close()
    return {"runs": amounts["runs"], "steps": sum(counts.values()), "restarts": counts["reopen"]}


TRIAL = Trial(
    name="operations",
    what="random operations against a dictionary, with restarts",
    holds="exact match after every step: ids, texts, hits, a filter",
    small={"runs": 4, "steps": 25},
    full={"runs": 200, "steps": 50},
    run=_run,
)
