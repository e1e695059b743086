"""What runs in the forks of the trial of full disks and failing ones."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag_engine import KnowledgeBase
from rag_engine.errors import RagEngineError
from tests.trials.file_faults import Action, faults
from tests.trials.fork_server import Say
from tests.trials.load import Load, Step, as_steps
from tests.trials.load_child import held, parts, use_temporary_folder

__all__ = ["fail_step", "fill_disk"]


def fail_step(
    say: Say,
    *,
    root: str,
    step: Mapping[str, Any],
    resumed: bool,
    action: int,
    at: int,
    error: int,
    onward: bool,
    again: bool,
) -> None:
    """Take a step with a fault, below the disk and the folder for temporary files.

    Says how it ended (``done``, or the engine's error), what a reader and the writer then hold,
    and, ``again``, what they hold once the step was taken again in this process without a fault.
    """
    path = Path(root)
    temporary = use_temporary_folder(path)
    load = Load(path, parts(), opened=resumed)
    library = faults()
    library.faults_watch(os.fsencode(f"{path.parent}:{temporary}"), 0)
    library.faults_plan(action, at, error, onward)
    [taken] = as_steps([step])
    refused = _refusal(load, taken)
    say({"refused": refused, "counted": library.faults_count()})
    if onward and load.kb is not None:
        # Where nothing can be written, what is there is still found, or the engine says why not.
        try:
            load.kb.search("What is the number of the pump?")
        except RagEngineError as failed:
            say({"search": f"{type(failed).__name__}: {failed}"})
    library.faults_plan(Action.NOTHING, 0, 0, 0)
    if (path / "catalogue.sqlite").exists():
        with KnowledgeBase.open(path, components=parts(), read_only=True) as reader:
            say({"read": held(reader)})
    if again:
        if refused is not None:
            load.take(taken)
        assert load.kb is not None
        say({"then": held(load.kb)})


def _refusal(load: Load, step: Step) -> str | None:
    try:
        load.take(step)
    except RagEngineError as error:
        return f"{type(error).__name__}: {error}"
    return None


def fill_disk(say: Say, *, root: str, steps: Sequence[Mapping[str, Any]], seed: int) -> None:
    """Take each step with little room left on the file system; then, if need be, with more.

    Says for each how it ended, and what the knowledge base holds then.
    """
    path = Path(root)
    use_temporary_folder(path)
    load = Load(path, parts(), opened=False)
    drawn = random.Random(seed)
    for step in as_steps(steps):
        ballast = path.parent.with_name("ballast")
        _fill(ballast, room=drawn.choice((0, 4, 16, 64, 256)) << 10)
        refused = _refusal(load, step)
        ballast.unlink()
        if refused is not None:
            load.take(step)
        assert load.kb is not None
        say({"refused": refused, "then": held(load.kb)})


def _fill(path: Path, *, room: int) -> None:
    with path.open("wb") as file:
        free = os.statvfs(path.parent)
        os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - room))
