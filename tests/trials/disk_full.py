"""Fails every file operation of a load: no room, an I/O error, a write cut short; a full tmpfs."""

from __future__ import annotations

import errno
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.trials.file_faults import Action, lacking, read_trace
from tests.trials.fork_server import Ended
from tests.trials.load import allowed, is_allowed
from tests.trials.load_runs import LoadRuns, Worker
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_CHILD = "tests.trials.full_disk_child"
_TMPFS = "4m"
_FULL_LOADS = 3
_FAULTS = (
    (Action.FAIL, errno.ENOSPC),
    (Action.FAIL, errno.EIO),
    (Action.SHORT_WRITE, errno.ENOSPC),
)


class _Point(NamedTuple):
    step: int
    operation: int
    action: Action
    error: int
    onward: bool

    def __str__(self) -> str:
        fault = "a short write" if self.action is Action.SHORT_WRITE else os.strerror(self.error)
        then = " and of all that follow" if self.onward else ""
        return f"step {self.step + 1}, operation {self.operation}{then}: {fault}"


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    with LoadRuns.loaded(folder, drawn, workers=amounts["workers"], steps=amounts["steps"]) as runs:
        names = runs.each(lambda worker, step: _names(runs, worker, step), range(len(runs.steps)))
        points = [
            _Point(step, operation, action, error, onward)
            for step, of_step in enumerate(names)
            for operation, name in enumerate(of_step, 1)
            for action, error in _FAULTS
            if action is Action.FAIL or name == "write"
            for onward in (False, True)
        ]
        possible = len(points)
        if amounts["points"] < possible:
            points = sorted(drawn.sample(points, amounts["points"]))
        coins = [drawn.random() < 0.75 for _ in points]
        ended = runs.each(
            lambda worker, item: _fail(runs, worker, item[0], again=item[1]),
            zip(points, coins, strict=True),
        )
        kinds = Counter(refused.split(":")[0] for refused in ended if refused)
        return {
            "file operations": sum(map(len, names)),
            "faults": len(points),
            "of so many possible": possible,
            "steps done in spite of one": sum(refused is None for refused in ended),
            **dict(kinds.most_common()),
            **_really_full(runs, folder, drawn),
        }


def _names(runs: LoadRuns, worker: Worker, step: int) -> list[str]:
    """Return the file operations of a step without a fault."""
    _take(runs, worker, _Point(step, 0, Action.NOTHING, 0, onward=False), again=True)
    return [each.name for each in read_trace(worker.path("trace")) if each.number]


def _take(runs: LoadRuns, worker: Worker, point: _Point, *, again: bool) -> Ended:
    runs.start_before(worker, point.step)
    [step] = runs.plain(point.step, point.step + 1)
    ended = worker.call(
        f"{_CHILD}:fail_step",
        step=step,
        resumed=point.step > 0,
        action=point.action,
        at=point.operation,
        error=point.error,
        onward=point.onward,
        again=again,
        record=point.action is Action.NOTHING,
    )
    assert ended.status == 0, f"{point} ({step['kind']}): {ended.said}"
    return ended


def _fail(runs: LoadRuns, worker: Worker, point: _Point, *, again: bool) -> str | None:
    """Let an operation fail; return with which error the step did."""
    ended = _take(runs, worker, point, again=again)
    told = {key: value for each in ended.said for key, value in each.items()}
    refused: str | None = told["refused"]
    alternatives = allowed(runs.states, runs.steps, point.step + 1, point.step + (refused is None))
    assert "read" in told or point.step == 0, f"{point}: the knowledge base is gone"
    documents = told.get("read", {})
    assert is_allowed(documents, alternatives), f"{point}: it holds {documents}, {alternatives}"
    if again:
        assert told["then"] == runs.states[point.step + 1], f"{point}: taken again, {told['then']}"
    else:  # the process ended there
        looked = worker.call("look", compact=False)
        assert looked.status == 0, f"{point}: {looked.said[-1]}"
        documents = looked.said[-1]["documents"] or {}
        assert is_allowed(documents, alternatives), f"{point}: it opens with {documents}"
    return refused


def _really_full(runs: LoadRuns, folder: Path, drawn: random.Random) -> Figures:
    """Take the load on a small tmpfs that is filled up before each step."""
    with _tmpfs(folder / "tmpfs") as mounted:
        if mounted is None:
            return {"full tmpfs": "not tried (mounting one takes root)"}
        refused = 0
        for _ in range(_FULL_LOADS):
            with runs.worker(mounted) as worker:
                worker.start_from(None)
                steps = runs.plain(0, len(runs.steps))
                ended = worker.call(f"{_CHILD}:fill_disk", steps=steps, seed=drawn.randrange(2**32))
                assert ended.status == 0, f"full tmpfs: {ended.said}"
                refused += sum(told["refused"] is not None for told in ended.said)
                held = [told["then"] for told in ended.said]
                assert held == runs.states[1:], f"full tmpfs: {held}"
        return {"steps on a full tmpfs": _FULL_LOADS * len(runs.steps), "refused there": refused}


@contextmanager
def _tmpfs(folder: Path) -> Iterator[Path | None]:
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={_TMPFS}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False).returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


TRIAL = Trial(
    name="disk_full",
    what="disk full, I/O errors, short writes at every file operation",
    holds="an error, the old state opens, work goes on once there is room",
    small={"steps": 8, "workers": 2, "points": 24},
    full={"steps": 15, "workers": 2, "points": 4_000},
    run=_run,
    lacking=lacking,
)
