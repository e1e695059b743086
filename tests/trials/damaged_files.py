"""Damaged files: made by hand or by drawn damage, alone and in a folder beside sound ones."""

from __future__ import annotations

import os
import random
import re
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rag_engine import KnowledgeBase
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.errors import LoadError
from rag_engine.file_problems import PROBLEMS_OF_A_FILE
from rag_engine.files import loader_for
from rag_engine.ports import Loader
from rag_engine.records import Document, Problem
from tests.conftest import components_with
from tests.doubles import HashEmbedder
from tests.trials.bad_files import BAD_FILES, Expected
from tests.trials.mutants import KINDS, SOUND, mutant
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_MEMORY_MB = 512
_SIZE_IN_A_FOLDER = 300_000
"""Larger files are tried alone: what is made of a text once it is read is another matter."""
_SENTENCE = "Die Pumpe liefert Wasser."
_MAY_ABORT = frozenset({"form that draws itself", "pdf bomb"})
"""PDFium ends its process where it gets no more memory: an error of the file, for these alone."""


@dataclass(slots=True)
class _Tried:
    """What reading files came to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    """Processor time, of this process and its children: others may use the machine as well."""
    slowest: str = ""
    process_mb: int = 0
    """Most memory that a file took in this process, beyond what it had."""
    largest: str = ""

    def take(self, name: str, path: Path, loaders: tuple[Loader, ...]) -> list[object]:
        """Read one file, as documents, problems and perhaps an error at the end."""
        loader = loader_for(path, loaders)
        assert loader is not None, name
        before = _memory_mb("VmRSS", reset=True)
        started = _processor_s(loader)
        found = _read(loader, path)
        seconds = _processor_s(loader) - started
        if seconds > self.slowest_s:
            self.slowest_s, self.slowest = seconds, name
        taken = _memory_mb("VmHWM") - before
        if taken > self.process_mb:
            self.process_mb, self.largest = taken, name
        for each in found:
            assert isinstance(each, Document | Problem | LoadError), (name, each)
            if isinstance(each, LoadError):
                assert path.name in str(each), (name, each)
                assert len(str(each)) < 1_000, (name, each)
                assert "took longer" not in str(each), (name, each)
        kinds = {type(each).__name__ for each in found} or {"nothing"}
        self.outcomes.update(kinds)
        crashed = any("it crashed" in str(each) for each in found)
        assert not crashed or name in _MAY_ABORT, (name, found)
        self.outcomes["crashes of a parser"] += crashed
        return found


def _read(loader: Loader, path: Path) -> list[object]:
    """Return what a loader gives, of problems not more than a run would keep."""
    found: list[object] = []
    problems = 0
    try:
        for each in loader.load(path, path.name):
            problems += isinstance(each, Problem)
            if not isinstance(each, Problem) or problems <= PROBLEMS_OF_A_FILE:
                found.append(each)
    except LoadError as error:
        found.append(error)
    return found


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    loaders = default_loaders(timeout_s=amounts["parser_s"])
    for name, data in SOUND.items():
        (folder / name).write_bytes(data)
        found = _Tried().take(name, folder / name, loaders)
        assert any(isinstance(each, Document) for each in found), (name, found)
    tried = _Tried()
    names = sorted(drawn.sample(sorted(BAD_FILES), min(amounts["by_hand"], len(BAD_FILES))))
    for name in names:
        _by_hand(folder, name, tried, loaders)
    by_hand, by_hand_s = tried, tried.slowest_s
    tried = _Tried()
    for kind in KINDS:
        for number in range(amounts["mutants_of_a_kind"]):
            sound = drawn.choice(kind)
            (folder / sound).write_bytes(mutant(SOUND[sound], drawn))
            tried.take(f"mutant {number} of {sound}", folder / sound, loaders)
    for all_of_them in (by_hand, tried):
        assert all_of_them.process_mb <= _MEMORY_MB, (
            f"{all_of_them.largest}: {all_of_them.process_mb} MB"
        )
        told = f"{all_of_them.slowest}: {all_of_them.slowest_s:.1f} s"
        assert all_of_them.slowest_s <= amounts["seconds"], told
    together = _in_a_folder(folder, names, amounts["in_a_folder"], drawn)
    return {
        "by hand": len(names),
        "mutants": amounts["mutants_of_a_kind"] * len(KINDS),
        "in a folder": together,
        **{f"gave {kind}": n for kind, n in sorted((by_hand.outcomes + tried.outcomes).items())},
        "slowest by hand": f"{by_hand.slowest} {by_hand_s:.1f} s",
        "slowest mutant": f"{tried.slowest_s:.1f} s",
        "most MB in the process": max(by_hand.process_mb, tried.process_mb),
    }


def _by_hand(folder: Path, name: str, tried: _Tried, loaders: tuple[Loader, ...]) -> None:
    file, make, expected = BAD_FILES[name]
    path = folder / file
    path.write_bytes(make())
    found = tried.take(name, path, loaders)
    assert _as_expected(found, expected), (name, expected, str(found)[:500])


def _as_expected(found: list[object], expected: Expected) -> bool:
    errors = [each for each in found if isinstance(each, LoadError)]
    if expected is None:
        return True
    if isinstance(expected, type):
        return any(isinstance(error, expected) for error in errors)
    texts = [each.text for each in found if isinstance(each, Document)]
    fits = any(expected in text for text in texts) if expected else texts == [""]
    return fits and not errors


def _in_a_folder(folder: Path, names: list[str], many: int, drawn: random.Random) -> int:
    """Index damaged files and what is no file beside sound ones: each is told of, none is lost."""
    home = folder / "home"
    home.mkdir()
    for name in names:
        file, make, _ = BAD_FILES[name]
        data = make()
        if len(data) <= _SIZE_IN_A_FOLDER:
            (home / f"{name.replace(' ', '_')}{Path(file).suffix}").write_bytes(data)
    for number in range(many):
        sound = drawn.choice(sorted(SOUND))
        (home / f"m{number}{Path(sound).suffix}").write_bytes(mutant(SOUND[sound], drawn))
    (home / "loop").symlink_to("loop")
    (home / "up").symlink_to(".")
    (home / "out.txt").symlink_to("/etc/passwd")
    os.mkfifo(home / "pipe.txt")
    sound_files = {f"sound{number}.txt" for number in range(5)}
    for name in sound_files | {os.fsdecode(b"\xe9\xff.txt"), "new\nline.txt"}:
        (home / name).write_text(f"{_SENTENCE} {os.fsencode(name)!r}", encoding="utf-8")
    with KnowledgeBase.open(folder / "kb", components=components_with(HashEmbedder())) as kb:
        first = kb.add_files(home)
        ids = kb.document_ids()
        again = kb.add_files(home, sync=True)
        assert kb.document_ids() == ids
        assert again.deleted == again.added == again.updated == 0, again
        assert sorted(map(str, again.problems)) == sorted(map(str, first.problems))
    told = {_file_of(problem.source) for problem in first.problems}
    indexed = {_file_of(document) for document in ids}
    listed = {f"home/{entry.name}" for entry in home.iterdir()}
    listed = {
        name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        for name in listed
    }
    assert listed == told | indexed, listed ^ (told | indexed)
    assert {f"home/{name}" for name in sound_files} <= indexed - told
    assert {"home/loop", "home/up", "home/out.txt", "home/pipe.txt"} <= told - indexed
    return len(listed)


def _file_of(source: str) -> str:
    return source.partition("#")[0]


def _processor_s(loader: Loader) -> float:
    """Return the processor time of this process, and of the parsers that have ended or wait."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + ended.ru_utime + ended.ru_stime
    for child in loader._sandbox._workers:
        stat = Path(f"/proc/{child._process.pid}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]
        total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


def _memory_mb(what: str, *, reset: bool = False) -> int:
    """Return what the process holds (VmRSS), or held at most since the last reset (VmHWM)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"{what}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) >> 10


def _lacking() -> str | None:
    there = Path("/proc/self/clear_refs").exists()
    return None if there else "no /proc/self/clear_refs, by which memory is measured (Linux)"


TRIAL = Trial(
    name="damaged_files",
    what="damaged files of 7 kinds, made by hand and by drawn damage, alone and in one folder",
    holds="documents or a typed error; no hang, no signal; 5 s and 512 MB a file at most",
    small={
        "by_hand": 12,
        "mutants_of_a_kind": 10,
        "in_a_folder": 10,
        "parser_s": 300,
        "seconds": 300,
    },
    full={
        "by_hand": 1_000,
        "mutants_of_a_kind": 300,
        "in_a_folder": 200,
        "parser_s": 20,
        "seconds": 5,
    },
    run=_run,
    lacking=_lacking,
)
