"""Cuts the power at drawn moments of a load of thirty steps: traces become what a disk may hold.

Some of the loads have an ``fsync`` that fails once, after which the step is taken again: drawn
ones, and every one that is to make the catalogue's name durable.
"""

from __future__ import annotations

import errno
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.trials.disk_images import Disk, Image, Kept, Names
from tests.trials.file_faults import Action, Operation, lacking, name_syncs, read_trace
from tests.trials.load import allowed, is_allowed
from tests.trials.load_runs import LoadRuns, Worker
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_MANIFEST = "kb/manifest.json"


class _Cut(NamedTuple):
    where: str
    begun: int
    done: int
    image: Image
    manifests: tuple[bytes | None, ...]
    """What the manifest may be: as it was when its name was last durable, or as it became."""


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    steps, then = amounts["steps"], ("repair", "add")
    with LoadRuns.loaded(folder, drawn, workers=amounts["workers"], steps=steps, then=then) as runs:
        operations, data = _record(runs, None)
        syncs = [each.number for each in operations if each.name == "fsync"]
        failing = drawn.sample(syncs, amounts["failed syncs"])
        failing += name_syncs(r"/catalogue\.sqlite", operations)
        share = amounts["images"] // (len(failing) + 1)
        points = amounts["images"] - share * len(failing)
        looked = runs.each(
            lambda worker, cut: _look(runs, worker, cut), _cuts(operations, data, points, drawn)
        )
        for number in failing:
            operations, data = _record(runs, number)
            looked += runs.each(
                lambda worker, cut: _look(runs, worker, cut), _cuts(operations, data, share, drawn)
            )
    return {
        "images": len(looked),
        "of loads with a failed fsync": share * len(failing),
        "with the step under way": sum(looked),
        "file operations": max(each.number for each in operations),
    }


def _record(runs: LoadRuns, failing: int | None) -> tuple[list[Operation], bytes]:
    """Take the load, perhaps with an ``fsync`` that fails, and return what it did."""
    fault = {"action": Action.FAIL, "at": failing, "error": errno.EIO} if failing else {}
    with runs.worker() as worker:
        worker.start_from(None)
        ended = worker.call("run_load", steps=runs.plain(0, len(runs.steps)), record=True, **fault)
        assert ended.status == 0, f"fsync {failing}: {ended.said}"
        return list(read_trace(worker.path("trace"))), worker.path("bytes").read_bytes()


def _cuts(
    operations: Sequence[Operation], data: bytes, count: int, drawn: random.Random
) -> Iterator[_Cut]:
    """Draw moments of a trace, and what the disk may hold then."""
    folder = Path(next(each for each in operations if each.name == "mkdir").arguments[0]).parent
    numbers = [each.number for each in operations if each.number]
    for names in Names:
        disk = Disk(folder, data, names)
        moments = sorted(drawn.choices(numbers, k=(count + (names is Names.LOOSE)) // 2))
        begun = done = 0
        manifests: list[bytes | None] = [None]
        for operation in operations:
            disk.follow(operation)
            if operation.name == "note":
                sign, number = operation.arguments[0].split()
                begun, done = (int(number), done) if sign == "begun" else (begun, int(number))
                if sign == "done":  # what was published is durable now
                    manifests = [disk.content(_MANIFEST)]
            if (now := disk.content(_MANIFEST)) != manifests[-1]:
                manifests.append(now)
            while moments and operation.number == moments[0]:
                moments.pop(0)
                kept = drawn.choice(list(Kept))
                yield _Cut(
                    f"after operation {operation} ({names.value}, {kept.value} kept)",
                    begun,
                    done,
                    disk.image(drawn, kept),
                    tuple(manifests),
                )


def _look(runs: LoadRuns, worker: Worker, cut: _Cut) -> bool:
    """See that an image is whole; tell whether the step under way had happened."""
    worker.start_from(None)
    cut.image.write(worker.disk)
    found = cut.image.files.get(_MANIFEST)
    where = f"step {cut.begun}, {cut.where}"
    assert found in cut.manifests, f"{where}: the manifest is {found!r}"
    looked = worker.call("look", compact=False)
    assert looked.status == 0, f"{where}: {looked.said[-1]}"
    documents = looked.said[-1]["documents"]
    assert documents is not None or cut.done == 0, f"{where}: no knowledge base is there"
    alternatives = allowed(runs.states, runs.steps, cut.begun, cut.done)
    assert is_allowed(documents or {}, alternatives), (
        f"{where}: it holds {json.dumps(documents)}, allowed is {alternatives}"
    )
    return documents == runs.states[cut.begun] != runs.states[cut.done]


TRIAL = Trial(
    name="power_loss",
    what="power loss: unsynced writes dropped, torn, renamed without data",
    holds="old or new generation, never a mix; acknowledged operations survive",
    small={"steps": 8, "workers": 2, "images": 20, "failed syncs": 1},
    full={"steps": 30, "workers": 2, "images": 2000, "failed syncs": 19},
    run=_run,
    lacking=lacking,
)
