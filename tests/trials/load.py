"""A load of thirty steps on one knowledge base, and what it must hold after each of them.

The trials of single file operations run it in a child (``load_child.py``) and stop, fail or record
it. ``allowed`` tells from what was begun and what was acknowledged what may be there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rag_engine import Document, KnowledgeBase
from rag_engine.components import Components
from rag_engine.connectors.dense.auto_index import AutoDenseFactory
from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.connectors.generators.extractive import ExtractiveGenerator
from rag_engine.connectors.lexical.tantivy_index import TantivyFactory
from rag_engine.store.repair import repair_catalogue
from tests.doubles import HashEmbedder

__all__ = [
    "STEPS",
    "Kind",
    "Load",
    "Step",
    "allowed",
    "as_steps",
    "components",
    "is_allowed",
    "make_steps",
    "states_after",
]

State = dict[str, str]
"""Documents: their texts by their ids."""

Kind = Literal["open", "add", "delete", "files", "publish", "compact", "reopen", "search", "repair"]

STEPS: tuple[Kind, ...] = (
    *("open", "add", "search", "add", "delete", "add"),
    *("publish", "add", "delete", "reopen", "add", "files"),
    *("add", "delete", "compact", "add", "search", "delete"),
    *("add", "files", "delete", "add", "reopen", "add"),
    *("add", "delete", "publish", "add", "delete", "compact"),
)
"""Thirty; from the first publication on there are enough passages for a graph of FAISS."""

_GRAPH_FROM = 6
_SUBJECTS = ("pump", "filter", "valve", "seal", "motor", "gauge")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is done, the texts that it adds or sets, the ids that it removes."""

    kind: Kind
    texts: State
    ids: tuple[str, ...] = ()


def make_steps(drawn: random.Random, kinds: Sequence[Kind] = STEPS) -> list[Step]:
    """Draw the texts and ids of some steps."""
    steps: list[Step] = []
    state: State = {}
    for kind in kinds:
        texts: State = {}
        ids: tuple[str, ...] = ()
        if kind == "add":  # about every second one replaces another
            texts = {f"d{drawn.randrange(16)}": _text(drawn) for _ in range(4)}
        elif kind == "files":
            names = [name for name in state if name.startswith("files/")]
            kept = {name: state[name] for name in drawn.sample(sorted(names), len(names) // 2)}
            texts = kept | {f"files/{drawn.randrange(9)}.words": _text(drawn) for _ in range(2)}
            ids = tuple(sorted(set(names) - set(texts)))
        elif kind == "delete":
            ids = (drawn.choice(sorted(state)),)
        steps.append(Step(kind, texts, ids))
        state = {name: text for name, text in (state | texts).items() if name not in ids}
    return steps


def _text(drawn: random.Random) -> str:
    return f"The {drawn.choice(_SUBJECTS)} has the number {drawn.randrange(10**9)}."


def states_after(steps: Sequence[Step]) -> list[State]:
    """Return the documents that are there after no step, after the first, and so on."""
    states: list[State] = [{}]
    for step in steps:
        after = states[-1] | step.texts
        states.append({name: text for name, text in after.items() if name not in step.ids})
    return states


def allowed(
    states: Sequence[State], steps: Sequence[Step], begun: int, done: int
) -> list[dict[str, set[str | None]]]:
    """Return what may be there when ``done`` steps were acknowledged and ``begun`` ones begun.

    Each alternative says of every document which texts it may have; None: it is not there. An
    addition or deletion happens whole or not at all; of a folder of files each file does.
    """
    old, new = states[done], states[begun]
    names = set(old) | set(new)
    if begun > done and steps[done].kind == "files":
        return [{name: {old.get(name), new.get(name)} for name in names}]
    return [{name: {state.get(name)} for name in names} for state in (old, new)]


def is_allowed(documents: State, alternatives: Sequence[Mapping[str, set[str | None]]]) -> bool:
    """Tell whether documents are one of the alternatives of ``allowed``."""
    return any(
        set(documents) <= set(each) and all(documents.get(name) in each[name] for name in each)
        for each in alternatives
    )


def components() -> Components:
    """Real parts; vectors without meaning, and a graph from six passages on."""
    embedder = HashEmbedder()
    return Components(
        embedder=embedder,
        detector=FastTextDetector(),
        dense=AutoDenseFactory(exact_below=_GRAPH_FROM),
        lexical=TantivyFactory(),
        generator=ExtractiveGenerator(embedder=embedder),
        loaders=(_Words(),),
    )


class _Words:
    """Reads a file as one document, in this process."""

    suffixes = frozenset({".words"})

    def load(self, path: Path, source: str) -> Iterator[Document]:
        yield Document(id=source, text=path.read_text(encoding="utf-8"))


class Load:
    """The load under way: the open knowledge base, and the folder that ``files`` indexes."""

    def __init__(self, path: Path, parts: Components, *, opened: bool) -> None:
        """Work on the knowledge base ``path``, perhaps ``opened`` now.

        The files lie beside the folder that holds it.
        """
        self._path = path
        self._parts = parts
        self._files = path.parent.with_name("files")
        self._files.mkdir(exist_ok=True)
        self.kb = KnowledgeBase.open(path, components=parts) if opened else None

    def lay_out(self, step: Step) -> None:
        """Put the files of a step in their folder."""
        if step.kind == "files":
            for name in step.ids:
                (self._files.parent / name).unlink(missing_ok=True)
            for name, text in step.texts.items():
                (self._files.parent / name).write_text(text, encoding="utf-8")

    def take(self, step: Step) -> None:
        """Do one step, whose files are laid out."""
        if self.kb is None:
            self.kb = KnowledgeBase.open(self._path, components=self._parts)
        match step.kind:
            case "add":
                self.kb.add(Document(id=name, text=text) for name, text in step.texts.items())
            case "delete":
                self.kb.delete(step.ids)
            case "files":
                report = self.kb.add_files(self._files, prefix="files", sync=True)
                assert not report.problems, report.problems
            case "publish":
                self.kb.publish()
            case "compact":
                self.kb.compact()
            case "search":
                assert self.kb.search("What is the number of the pump?")
            case "reopen" | "repair":
                kb, self.kb = self.kb, None
                kb.close()
                if step.kind == "repair":  # nothing is damaged: all is written anew
                    repair_catalogue(self._path)
                self.kb = KnowledgeBase.open(self._path, components=self._parts)


def as_steps(plain: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Take steps from plain data (``dataclasses.asdict``)."""
    return [Step(each["kind"], dict(each["texts"]), tuple(each["ids"])) for each in plain]
