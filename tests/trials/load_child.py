"""What runs in the forks of the trials of file operations: the load, and a look at what it left."""

from __future__ import annotations

import functools
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tantivy import Query

from rag_engine import Document, KnowledgeBase
from rag_engine.components import Components
from rag_engine.connectors.lexical.tantivy_index import TantivyIndex
from rag_engine.errors import RagEngineError, StoreNotFound
from rag_engine.filters import And
from tests.trials.file_faults import faults
from tests.trials.fork_server import Say
from tests.trials.load import Load, as_steps, components

__all__ = ["held", "look", "parts", "prepare", "run_load", "use_temporary_folder"]

_ALL = 1_000


@functools.cache
def parts() -> Components:
    """What all forks share."""
    return components()


def prepare() -> None:
    """Load what takes long, before the forks; no fsync goes to the disk, for none loses power."""
    parts()
    faults().faults_spare_syncs()


def run_load(
    say: Say,
    *,
    root: str,
    steps: Sequence[Mapping[str, Any]],
    resumed: bool = False,
    action: int = 0,
    at: int = 0,
    error: int = 0,
    record: bool = False,
    checkpoints: str | None = None,
) -> None:
    """Take the steps on the knowledge base ``root`` with one fault; say each step, then the count.

    ``resumed``: it is there, and is opened before operations count. With ``record``, ``trace`` and
    ``bytes`` beside its disk tell what was done. In ``checkpoints`` the state before each step is
    kept. A step that fails with one of the engine's errors is taken again.
    """
    path = Path(root)
    disk = path.parent
    use_temporary_folder(path)
    load = Load(path, parts(), opened=resumed)
    library = faults()
    library.faults_watch(os.fsencode(disk), 0)
    if record:
        trace, data = disk.with_name("trace"), disk.with_name("bytes")
        library.faults_record(os.fsencode(trace), os.fsencode(data))
    library.faults_plan(action, at, error, 0)
    for number, step in enumerate(as_steps(steps), 1):
        if checkpoints is not None:
            shutil.copytree(disk.parent, Path(checkpoints) / str(number - 1))
        for sign in ("begun", "done"):
            if sign == "done":
                try:
                    load.take(step)
                except RagEngineError as refused:
                    say(["failed", number, type(refused).__name__, str(refused)])
                    load.take(step)
            say([sign, number])
            library.faults_note(f"{sign} {number}".encode())
    say(["counted", library.faults_count()])


def use_temporary_folder(root: Path) -> Path:
    """Let temporary files lie beside the disk of the knowledge base, in a folder of their own."""
    folder = root.parent.with_name("tmp")
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)
    return folder


def look(say: Say, *, root: str, compact: bool) -> None:
    """Open what is there, as a reader and as a writer; say what it holds and how long that took.

    Says None where no knowledge base was made yet. What is wrong with it is an AssertionError.
    """
    path = Path(root)
    use_temporary_folder(path)
    warnings: list[str] = []
    logging.getLogger("rag_engine").addHandler(_Gathering(warnings))
    started = time.monotonic()
    try:
        with KnowledgeBase.open(path, components=parts(), read_only=True) as reader:
            opened = time.monotonic() - started
            found = held(reader)
    except StoreNotFound:
        found, opened = None, 0.0
    started = time.monotonic()
    kb = KnowledgeBase.open(path, components=parts())
    opened = max(opened, time.monotonic() - started)
    with kb:
        assert (found or {}) == held(kb), "a reader and the writer differ"
        assert not warnings, warnings  # a damaged generation would be built anew
        go_on(kb, found or {}, compact=compact)
    say({"documents": found, "seconds": opened})


class _Gathering(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        self._into.append(record.getMessage())


def held(kb: KnowledgeBase) -> dict[str, str]:
    """Return the documents, after seeing that catalogue, vectors and words are of one mind."""
    ids = kb.document_ids()
    texts = {name: document.text for name in ids if (document := kb._catalogue.document(name))}
    assert set(texts) == set(ids)
    view = kb._index.view()
    gone = set(view.snapshot.deleted.tolist())
    by_catalogue = kb._catalogue.matching(And()).tolist()
    by_vector: list[int] = []
    by_word: list[int] = []
    for segment in view.snapshot.segments:
        query = np.ones((1, kb._opened.components.embedder.dimension), dtype=np.float32)
        by_vector += segment.dense.search(query, len(segment))[0].ids.tolist()
        assert isinstance(segment.lexical, TantivyIndex)
        by_word += segment.lexical.fetch(Query.all_query(), _ALL)[0].tolist()
    for found in (by_vector, by_word):
        assert sorted(set(found) - gone) == by_catalogue, (sorted(found), gone, by_catalogue)
    assert len(set(by_vector)) == len(by_vector) == len(by_word)
    hits = {hit.chunk.document_id: hit.chunk.text for hit in kb.search("number", k=_ALL)}
    assert hits == texts, (hits, texts)
    return texts


def go_on(kb: KnowledgeBase, before: Mapping[str, str], *, compact: bool) -> None:
    """See that it can be worked on: something comes and something goes."""
    text = "The lamp has the number 5."
    kb.add([Document(id="lamp", text=text)])
    gone = kb.delete(sorted(before)[:1])
    if compact:
        kb.compact()
    assert held(kb) == {name: held for name, held in before.items() if name not in gone} | {
        "lamp": text
    }
