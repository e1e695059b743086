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
    checkpoints = sorted(
        run.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2])
    )
    while checkpoints and not (checkpoints[-1] / _WRITTEN_LAST).is_file():
        shutil.rmtree(checkpoints.pop())
    return checkpoints[-1] if checkpoints else None
