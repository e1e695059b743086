"""A sync of names fails, the work is done again and goes on: then nothing goes with the power.

No later ``fsync`` makes up for one that failed, so what it was to make durable is made anew. The
disk is the model of ``trials/disk_images.py``; ``trials/power_loss.py`` does this to longer loads.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StorageFailed
from rag_engine.store.files import sync_folder
from rag_engine.store.repair import repair_catalogue
from tests.store.old_catalogue import make_old
from tests.trials.disk_images import Disk, Kept, Names
from tests.trials.file_faults import (
    Action,
    Operation,
    compiled,
    faults,
    lacking,
    name_syncs,
    read_trace,
)
from tests.trials.fork_server import ForkServer
from tests.trials.load_child import parts, prepare, use_temporary_folder

pytestmark = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))

__all__ = ["look", "prepare", "work"]

TEXTS = {f"d{n}": f"The pump has the number {n}." for n in range(7)}


Step = tuple[str, ...] | Callable[[Path], object]
"""Documents that are added, or what else is done."""


def _make_old(root: Path) -> None:
    make_old(root / "catalogue.sqlite")
    sync_folder(root)


CASES: dict[str, tuple[str, tuple[Step, ...]]] = {
    "a new folder": (r"/kb|/catalogue\.sqlite", (("d1",), ("d2",))),
    "a folder that was there": (r"/kb", (Path.mkdir, ("d1",), ("d2",))),
    "published": (r"/generations.*|/manifest\.json", (("d1",), ("d3", "d4", "d5", "d6"))),
    "repaired": (r"/catalogue\.sqlite", (("d1",), repair_catalogue, ("d2",))),
    "brought up to date": (r"/catalogue\.sqlite", (("d1",), _make_old, ("d2",), ("d3",))),
}
"""What is done, and of which names every sync fails once."""


def _take(step: Step, root: Path) -> None:
    if callable(step):
        step(root)
        return
    with KnowledgeBase.open(root, components=parts()) as kb:
        kb.add([Document(id=name, text=TEXTS[name]) for name in step])


def work(say, *, root: str, case: str, at: int) -> None:
    """Take the steps of a case; one that fails is taken again, but a repair: all is used on."""
    path = Path(root)
    use_temporary_folder(path)
    library = faults()
    library.faults_watch(os.fsencode(path.parent), 0)
    library.faults_record(*(os.fsencode(path.parent.with_name(n)) for n in ("trace", "bytes")))
    library.faults_plan(Action.FAIL if at else Action.NOTHING, at, errno.EIO, 0)
    for step in CASES[case][1]:
        try:
            _take(step, path)
        except (StorageFailed, OSError) as failed:
            say(str(failed))
            if step is not repair_catalogue:
                _take(step, path)


def look(say, *, root: str) -> None:
    """Say what a reader finds in a knowledge base."""
    use_temporary_folder(Path(root))
    with KnowledgeBase.open(root, components=parts(), read_only=True) as kb:
        say(sorted(hit.chunk.document_id for hit in kb.search("number", k=99)))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    library = compiled(tmp_path_factory.mktemp("library"))
    with ForkServer(f"{__name__}:prepare", preload=library) as started:
        yield started


def traced(server: ForkServer, place: Path, case: str, at: int) -> tuple[list[Operation], bytes]:
    """Return the operations of a case, of which one fails, and the bytes that it wrote."""
    (place / "disk").mkdir(parents=True)
    ended = server.call(f"{__name__}:work", root=str(place / "disk" / "kb"), case=case, at=at)
    assert ended.status == 0, (at, ended.said)
    return list(read_trace(place / "trace")), (place / "bytes").read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_nothing_goes_with_the_power(tmp_path: Path, server: ForkServer, case: str):
    names, steps = CASES[case]
    operations, _ = traced(server, tmp_path / "0", case, 0)
    syncs = name_syncs(names, operations)
    assert syncs
    drawn = random.Random(1)
    ids = sorted(name for step in steps if not callable(step) for name in step)
    for at in syncs:
        place = tmp_path / str(at)
        failed, data = traced(server, place, case, at)
        assert any(each.error for each in failed), at
        for kind, kept in product(Names, (Kept.NOTHING, Kept.HALF)):
            disk = Disk(place / "disk", data, kind)
            for operation in failed:
                disk.follow(operation)
            image = place / f"{kind.value} {kept.value}" / "disk"
            image.mkdir(parents=True)
            disk.image(drawn, kept).write(image)
            looked = server.call(f"{__name__}:look", root=str(image / "kb"))
            assert looked.said == (ids,), (at, kind, kept, looked.said)
