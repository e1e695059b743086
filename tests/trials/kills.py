"""Kills a process (SIGKILL) at random moments while it adds, deletes, publishes and compacts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.trials.fork_server import ForkServer
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_CHILD = "tests.trials.kills_child"
_MOST_STEPS = 12
_OPENS_WITHIN_S = 2.0

Documents = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Seen:
    seconds: float
    changed: int
    """Additions and deletions that were acknowledged."""
    cut: int
    """1 where an addition or deletion was under way."""
    kept: int
    """1 where that had happened all the same."""


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    workers = amounts["workers"]
    seeds = [drawn.random() for _ in range(workers)]
    with ThreadPoolExecutor(workers) as threads:
        each = threads.map(
            lambda number: list(
                _killed(folder / f"worker-{number}", amounts["kills"] // workers, seeds[number])
            ),
            range(workers),
        )
        seen = [one for of_worker in each for one in of_worker]
    slowest = max(one.seconds for one in seen)
    assert amounts["kills"] < 100 or slowest < _OPENS_WITHIN_S, f"opening took {slowest:.2f} s"
    return {
        "kills": len(seen),
        "acknowledged changes": sum(one.changed for one in seen),
        "changes cut off": sum(one.cut for one in seen),
        "of which happened": sum(one.kept for one in seen),
        "slowest opening (s)": round(slowest, 2),
    }


def _killed(folder: Path, kills: int, seed: float) -> Iterator[_Seen]:
    """Kill again and again on one knowledge base; each begins with what the last one left."""
    folder.mkdir(parents=True)
    drawn = random.Random(seed)
    root = str(folder / "disk" / "kb")
    model: Documents = {}
    with ForkServer(f"{_CHILD}:prepare") as server:
        for kill in range(kills):
            work = {"seed": drawn.randrange(2**32), "steps": drawn.randrange(_MOST_STEPS)}
            ended = server.call(f"{_CHILD}:work", root=root, part=drawn.random() * 2, **work)
            assert ended.status == -9, f"kill {kill}: it ended with {ended.status}: {ended.said}"
            before, after, changed = _followed(model, ended.said)
            looked = server.call(f"{_CHILD}:look", root=root)
            assert looked.status == 0, f"kill {kill}: {looked.said}"
            told = looked.result()
            model = told["documents"]
            assert model in (before, after), (
                f"kill {kill}: there is {model}, acknowledged was {before}, under way {after}"
            )
            cut = before != after
            yield _Seen(told["seconds"], changed, int(cut), int(cut and model == after))


def _followed(model: Documents, said: tuple[Any, ...]) -> tuple[Documents, Documents, int]:
    """Return what was acknowledged, the same with what was under way, and how many changes were."""
    before, after, changed = model, model, 0
    for told in said:
        if isinstance(told, dict):
            both = before | told["texts"]
            after = {name: text for name, text in both.items() if name not in told["ids"]}
        elif told == "done":
            changed += before != after
            before = after
    return before, after, changed


TRIAL = Trial(
    name="kills",
    what="kill -9 while adding, deleting, publishing and compacting",
    holds="opens within 2 s; every acknowledged operation is there, others whole or absent; vector "
    "ids = lexical ids = catalogue ids",
    small={"kills": 8, "workers": 1},
    full={"kills": 1_000, "workers": 2},
    run=_run,
)
