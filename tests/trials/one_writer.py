"""One process writes as fast as it can; threads of it and other processes search meanwhile.

A few documents are always written together, over and over, each time in another version, and
deleted in between: an answer shows one version of them, and none that is older than what was
acknowledged before the search, nor newer than what was begun when it came back.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rag_engine import Document, KnowledgeBase
from tests.trials.load import components
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

ROOT = Path(__file__).parents[2]
_TOGETHER = [f"set{number}" for number in range(6)]
_FIXED = {f"fixed{number}" for number in range(30)}
_DELETED_EVERY = 3
"""Every third version is that nothing of the set is there."""


class _Versions:
    """The version that was begun and the one that was acknowledged, for all processes to see."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._descriptor = os.open(path, os.O_RDWR)

    @property
    def begun(self) -> int:
        return int.from_bytes(os.pread(self._descriptor, 8, 0), "little")

    @begun.setter
    def begun(self, version: int) -> None:
        os.pwrite(self._descriptor, version.to_bytes(8, "little"), 0)

    @property
    def done(self) -> int:
        return int.from_bytes(os.pread(self._descriptor, 8, 8), "little")

    @done.setter
    def done(self, version: int) -> None:
        os.pwrite(self._descriptor, version.to_bytes(8, "little"), 8)


def _search(kb: KnowledgeBase, versions: _Versions, is_over: Callable[[], bool]) -> int:
    """Search until it is over, judge every answer, and return how many there were."""
    answers = 0
    while not is_over():
        oldest = versions.done
        hits = [hit.chunk for hit in kb.search("number", k=1_000)]
        newest = versions.begun
        names = [chunk.document_id for chunk in hits]
        assert len(names) == len(set(names)), f"twice in one answer: {sorted(names)}"
        assert set(names) >= _FIXED, f"not found: {sorted(_FIXED - set(names))}"
        shown = {int(each.text.split()[-1]) for each in hits if each.document_id in _TOGETHER}
        assert len(shown) <= 1, f"one answer holds the versions {sorted(shown)}"
        possible = range(oldest, newest + 1)
        if shown:
            assert shown <= set(possible), f"{shown} was found, not of {oldest} to {newest}"
        else:
            absent = [version for version in possible if version % _DELETED_EVERY == 0]
            assert absent, f"nothing was found of version {oldest} to {newest}"
        answers += 1
    return answers


def _write(kb: KnowledgeBase, versions: _Versions, drawn: random.Random, until: float) -> int:
    version = 0
    while time.monotonic() < until:
        version += 1
        versions.begun = version
        if version % _DELETED_EVERY == 0:
            kb.delete(_TOGETHER)
        else:
            kb.add(Document(id=name, text=f"number of version {version}") for name in _TOGETHER)
        versions.done = version
        match drawn.randrange(60):
            case 0:
                kb.publish()
            case 1:
                kb.compact()
    return version


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    versions = _Versions(folder / "versions")
    over = threading.Event()
    with (
        KnowledgeBase.open(folder / "kb", components=components()) as kb,
        ThreadPoolExecutor(amounts["threads"]) as threads,
    ):
        kb.add(Document(id=name, text=f"number of {name}") for name in sorted(_FIXED))
        processes = [_reader(folder) for _ in range(amounts["processes"])]
        for process in processes:  # they have opened it
            assert process.stdout is not None
            assert process.stdout.readline() == "opened\n"
        reading = [
            threads.submit(_search, kb, versions, over.is_set) for _ in range(amounts["threads"])
        ]
        try:
            written = _write(kb, versions, drawn, time.monotonic() + amounts["seconds"])
        finally:
            over.set()
            told = [process.communicate("over\n")[0] for process in processes]
        by_thread = sum(thread.result() for thread in reading)
    assert all(process.returncode == 0 for process in processes), "a process that read failed"
    by_process = sum(map(int, told))
    assert by_process
    return {
        "seconds": amounts["seconds"],
        "versions written": written,
        "answers to threads": by_thread,
        "answers to processes": by_process,
    }


def _reader(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.trials.one_writer", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        cwd=ROOT,
    )


def _read_until_told(folder: Path) -> None:
    over = threading.Event()
    with KnowledgeBase.open(folder / "kb", components=components(), read_only=True) as kb:
        sys.stdout.write("opened\n")
        sys.stdout.flush()
        threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
        sys.stdout.write(f"{_search(kb, _Versions(folder / 'versions'), over.is_set)}\n")


TRIAL = Trial(
    name="one_writer",
    what="1 writer, 16 readers: threads of its process, and other processes",
    holds="no deleted hit, no duplicate, one generation an answer",
    small={"threads": 2, "processes": 1, "seconds": 15},
    full={"threads": 8, "processes": 8, "seconds": 180},
    run=_run,
)

if __name__ == "__main__":
    _read_until_told(Path(sys.argv[1]))
