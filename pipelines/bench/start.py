"""``rag-engine bench start``: how long a command takes whose process is new.

What a reader waits for: Python, the imports, the knowledge base, the model, the question.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import rag_engine
from rag_engine.errors import InvalidInput, RagEngineError
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.demo import sample_documents
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.tables import table

__all__ = ["bench_start"]

_QUESTION = "How long does the water have to run after a new filter?"
_RUN = """
import sys
from rag_engine.pipelines import cli
cli.command() if hasattr(cli, "command") else sys.exit(cli.main())
"""
"""What the installed command does; up to 0.7 it was ``main``."""
_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds on the wall's clock, and of processor time."""

    wall: float
    processor: float


def bench_start(path: Path | None, *, runs: int = 5, beside: Path | None = None) -> Outcome:
    """Run commands in new processes, ``runs`` times each after one that is not counted.

    They ask the knowledge base at ``path``, or the sample's. ``beside`` is a folder that holds
    another version of this package (a checkout): both versions are run in turns, each with a
    sample that it indexed itself.

    Raises:
        InvalidInput: fewer than one run, a folder without the package, or ``path`` with
            ``beside``.
        RagEngineError: a command failed.
    """
    if runs < 1:
        raise InvalidInput(f"--runs is at least 1, got {runs}")
    folders = {"here": Path(rag_engine.__file__).parents[1]}
    if beside is not None:
        if not (beside / "rag_engine" / "__init__.py").is_file():
            raise InvalidInput(f"--beside {beside} holds no folder rag_engine; name a checkout")
        if path is not None:
            raise InvalidInput(
                f"--kb {path} with --beside: versions may not read each other's knowledge bases; "
                "leave out --kb, and each indexes the sample"
            )
        folders["beside"] = beside.absolute()
    if path is not None:
        return _bench(dict.fromkeys(folders, path.absolute()), folders, runs)
    with tempfile.TemporaryDirectory() as place:
        bases = {version: Path(place) / version for version in folders}
        for version, folder in folders.items():
            note(f"indexing the sample ({version}) ...")
            _cost(("index", str(sample_documents()), "--kb", str(bases[version])), folder)
        return _bench(bases, folders, runs)


def _bench(bases: Mapping[str, Path], folders: Mapping[str, Path], runs: int) -> Outcome:
    commands = {
        "--help": ("--help",),
        "inspect": ("inspect",),
        "search": ("search", _QUESTION),
        "ask": ("ask", _QUESTION),
    }
    costs: dict[str, dict[str, dict[str, float]]] = {}
    for name, words in commands.items():
        note(f"{name} ...")
        taken: dict[str, list[_Cost]] = {version: [] for version in folders}
        for counted in [False] + [True] * runs:
            for version, folder in folders.items():
                at = () if name == "--help" else ("--kb", str(bases[version]))
                cost = _cost((*words, *at), folder)
                if counted:
                    taken[version].append(cost)
        costs[name] = {
            version: {
                "wall_s": round(float(np.median([cost.wall for cost in each])), 3),
                "processor_s": round(float(np.median([cost.processor for cost in each])), 3),
            }
            for version, each in taken.items()
        }
    told = machine()
    rows = [
        {
            "command": name,
            **{f"{version}, {unit[:-2]}": s for version in by for unit, s in by[version].items()},
        }
        for name, by in costs.items()
    ]
    lines = [
        f"seconds, medians of {runs} new processes; {told['processor']}, {told['cores']} cores",
        *table(rows),
    ]
    return Outcome(result={"machine": told, "runs": runs, "seconds": costs}, lines=lines)


def _cost(words: Sequence[str], folder: Path) -> _Cost:
    """Run a command once, by the version in ``folder``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-c", _RUN, *words],  # -P: not by what lies where it is run
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_LIMIT_S,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RagEngineError(f"rag-engine {' '.join(words)} failed: {done.stderr.strip()[-500:]}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Cost(wall, processor)
