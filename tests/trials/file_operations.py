"""Stops the process (SIGKILL) before and after every file operation of a load of thirty steps.

What is on disk after an operation is what is there before the next one; so each is stopped before,
the last of each step after, and a drawn share of the others after as well.
"""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import NamedTuple

from tests.trials.file_faults import Action, lacking
from tests.trials.fork_server import Ended
from tests.trials.load import allowed, is_allowed
from tests.trials.load_runs import LoadRuns, Worker
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]


_AFTER = 0.1
"""The share of operations, other than the last of a step, that are stopped after."""


class _Point(NamedTuple):
    step: int
    operation: int
    action: Action


class _Seen(NamedTuple):
    seconds: float
    kept: bool
    """Whether the step that was stopped had happened."""


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    with LoadRuns.loaded(folder, drawn, workers=amounts["workers"], steps=amounts["steps"]) as runs:
        counts = runs.each(lambda worker, step: _count(runs, worker, step), range(len(runs.steps)))
        points = [
            _Point(step, operation, action)
            for step, count in enumerate(counts)
            for operation in range(1, count + 1)
            for action in (Action.KILL_BEFORE, Action.KILL_AFTER)
            if action is Action.KILL_BEFORE or operation == count or drawn.random() < _AFTER
        ]
        if amounts["points"]:
            points = sorted(drawn.sample(points, amounts["points"]))
        seen = runs.each(lambda worker, point: _stop(runs, worker, point, amounts), points)
    return {
        "file operations": sum(counts),
        "stops": len(points),
        "steps that were there": sum(each.kept for each in seen),
        "slowest opening (s)": round(max(each.seconds for each in seen), 2),
    }


def _count(runs: LoadRuns, worker: Worker, step: int) -> int:
    said = runs.take_step(worker, step).result()
    assert said[0] == "counted"
    return int(said[1])


def _stop(runs: LoadRuns, worker: Worker, point: _Point, amounts: Amounts) -> _Seen:
    step, operation, action = point
    ended = runs.take_step(worker, step, action=action, at=operation)
    assert ended.status == -signal.SIGKILL, f"{point}: {ended}"
    compact = operation % amounts["every"] == 0
    looked = worker.call("look", compact=compact)
    where = f"step {step + 1} ({runs.steps[step].kind}), operation {operation}, {action.name}"
    assert looked.status == 0, f"{where}: {looked.said[-1]}"
    found = looked.said[-1]["documents"]
    done = _acknowledged(ended, step)
    assert found is not None or done == 0, f"{where}: no knowledge base is there"
    documents = found or {}
    alternatives = allowed(runs.states, runs.steps, step + 1, done)
    assert is_allowed(documents, alternatives), (
        f"{where}: it holds {documents}, allowed is {alternatives}"
    )
    seconds = looked.said[-1]["seconds"]
    assert seconds < amounts["seconds"], f"{where}: it opened in {seconds} s"
    return _Seen(seconds, documents == runs.states[step + 1] != runs.states[step])


def _acknowledged(ended: Ended, step: int) -> int:
    """Return how many steps of the load were acknowledged, those before this one too."""
    return step + sum(said[0] == "done" for said in ended.said)


TRIAL = Trial(
    name="file_operations",
    what="stop before and after every file operation of a 30-step load",
    holds=(
        "opens within 2 s; every acknowledged operation is there, others whole or absent; vector "
        "ids = lexical ids = catalogue ids"
    ),
    # An opening of more than a minute is a hang; how quick it is, the full size tells.
    small={"steps": 8, "workers": 2, "points": 12, "every": 4, "seconds": 60},
    full={"steps": 30, "workers": 2, "points": 0, "every": 8, "seconds": 2},
    run=_run,
    lacking=lacking,
)
