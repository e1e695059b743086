"""Where a stopped training goes on from."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["last_checkpoint"]

_WRITTEN_LAST = "trainer_state.json"


def last_checkpoint(run: Path) -> Path | None:
    """Return the newest whole checkpoint of a run, None without one.

    Those that a kill left half written are deleted: the trainer would take the newest for whole.
    """
    found = sorted(run.glob("checkpoint-*"), key=lambda each: int(each.name.rpartition("-")[2]))
    while found and not (found[-1] / _WRITTEN_LAST).is_file():
        shutil.rmtree(found.pop())
    return found[-1] if found else None
