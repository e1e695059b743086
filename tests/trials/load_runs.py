"""Runs the load, or one step of it, over and over in several forks at once, with faults."""

from __future__ import annotations

import dataclasses
import random
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.trials.file_faults import compiled
from tests.trials.fork_server import Ended, ForkServer
from tests.trials.load import STEPS, Kind, State, Step, make_steps, states_after

__all__ = ["LoadRuns", "Worker"]

T = TypeVar("T")
R = TypeVar("R")

_CHILD = "tests.trials.load_child"


class Worker:
    """A server of forks, and a folder of its own to work in."""

    def __init__(self, server: ForkServer, folder: Path) -> None:
        """Keep the knowledge base on ``disk``, a folder below ``folder``."""
        self._server = server
        self._folder = folder
        self.disk = folder / "disk"

    def elsewhere(self, folder: Path) -> Worker:
        """Return the worker as one that works in another folder."""
        return Worker(self._server, folder / "worker")

    def start_from(self, checkpoint: Path | None) -> None:
        """Put the state before a step in place; None: nothing is there."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if checkpoint is None:
            self.disk.mkdir(parents=True)
        else:
            shutil.copytree(checkpoint, self._folder)

    def call(self, function: str, **arguments: object) -> Ended:
        """Run a function, of ``load_child`` if it names no other module, on the knowledge base."""
        if ":" not in function:
            function = f"{_CHILD}:{function}"
        return self._server.call(function, root=str(self.disk / "kb"), **arguments)

    def path(self, name: str) -> Path:
        """Return a path beside the disk."""
        return self._folder / name


class LoadRuns:
    """The steps, the state before each of them, and the workers."""

    def __init__(self, folder: Path, steps: list[Step], servers: list[ForkServer]) -> None:
        """Use ``loaded``."""
        self.steps = steps
        self.states: list[State] = states_after(steps)
        self._folder = folder
        self._free = [
            Worker(server, folder / f"worker-{number}") for number, server in enumerate(servers)
        ]
        self._changing = threading.Lock()

    @classmethod
    @contextmanager
    def loaded(
        cls,
        folder: Path,
        drawn: random.Random,
        *,
        workers: int,
        steps: int,
        then: Sequence[Kind] = (),
    ) -> Iterator[LoadRuns]:
        """Compile the library, start the workers, and take the load once.

        It has its first ``steps`` steps, ``then`` some more.
        """
        taken = make_steps(drawn, [*STEPS[:steps], *then])
        library = compiled(folder)
        with ExitStack() as stack:
            servers = [
                stack.enter_context(ForkServer(f"{_CHILD}:prepare", preload=library))
                for _ in range(workers)
            ]
            runs = cls(folder, taken, servers)
            with runs.worker() as worker:
                worker.start_from(None)
                worker.call(
                    "run_load",
                    steps=runs.plain(0, len(taken)),
                    checkpoints=str(folder / "checkpoints"),
                ).result()
            yield runs

    def plain(self, first: int, stop: int) -> list[dict[str, Any]]:
        """Return some of the steps as plain data."""
        return [dataclasses.asdict(step) for step in self.steps[first:stop]]

    @contextmanager
    def worker(self, folder: Path | None = None) -> Iterator[Worker]:
        """Give a worker that nobody else uses meanwhile, perhaps in another folder."""
        with self._changing:
            worker = self._free.pop()
        try:
            yield worker if folder is None else worker.elsewhere(folder)
        finally:
            with self._changing:
                self._free.append(worker)

    def start_before(self, worker: Worker, step: int) -> None:
        """Put what was there before a step (from 0) in place."""
        worker.start_from(self._folder / "checkpoints" / str(step))

    def take_step(self, worker: Worker, step: int, **fault: object) -> Ended:
        """Take one step (from 0) on what was there before it, with a fault."""
        self.start_before(worker, step)
        return worker.call("run_load", steps=self.plain(step, step + 1), resumed=step > 0, **fault)

    def each(self, work: Callable[[Worker, T], R], items: Iterable[T]) -> list[R]:
        """Do some work for each item, as many at once as there are workers.

        Items are taken when a worker is free for them; the results are in their order.
        """
        numbered = enumerate(items)
        results: dict[int, R] = {}
        stopped = threading.Event()

        def take_all() -> None:
            with self.worker() as worker:
                while not stopped.is_set():
                    with self._changing:
                        number, item = next(numbered, (-1, None))
                    if item is None:
                        return
                    try:
                        results[number] = work(worker, item)
                    except BaseException:
                        stopped.set()
                        raise

        workers = len(self._free)  # who begins is taken from there
        with ThreadPoolExecutor(workers) as pool:
            for ended in [pool.submit(take_all) for _ in range(workers)]:
                ended.result()
        return [results[number] for number in sorted(results)]
