"""An open knowledge base does not cross a fork: the child is refused, and the parent unharmed.

Run by ``test_forks``, in a process of their own: where other tests ran models before, a child that
collects garbage would end their threads, which it does not have, and wait for them for ever.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StoreForked, StoreLocked
from tests.samples import RULES
from tests.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def in_a_fork(work: Callable[[], object]) -> object:
    """Run ``work`` in a forked child and return what it returned (plain data)."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writes, json.dumps(work()).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        if not select.select([pipe], [], [], PATIENCE_S)[0]:
            os.kill(child, signal.SIGKILL)
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0
    return json.loads(told)


@pytest.fixture
def kb(tmp_path: Path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as opened:
        opened.add(RULES)
        yield opened


def refused(call: Callable[[], object]) -> str:
    """Return what is said to whoever is refused."""
    with pytest.raises(StoreForked) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize(
    "use",
    [
        lambda kb: kb.add([Document(id="neu", text="Neu")]),
        lambda kb: kb.delete(["pump"]),
        lambda kb: kb.search("Dichtung"),
        lambda kb: list(kb.rank(["Dichtung"])),
        lambda kb: kb.document_ids(),
        lambda kb: kb.sources(),
        lambda kb: kb.passages([1]),
        lambda kb: kb.inspect(),
        lambda kb: kb.publish(),
        lambda kb: kb.compact(),
        lambda kb: kb.keep_settings(),
        lambda kb: kb.file_suffixes,
        lambda kb: kb._catalogue.revision(),
        lambda kb: kb._catalogue.delete(["pump"]),
    ],
)
def test_a_child_is_refused_whatever_it_asks(kb: KnowledgeBase, use):
    said = in_a_fork(lambda: refused(lambda: use(kb)))
    assert "does not cross a fork" in said
    assert "spawn" in said
    assert len(kb.search("Dichtung")) == 4


def test_a_child_that_closes_leaves_the_parent_its_lock(tmp_path, kb, quick_components):
    in_a_fork(kb.close)
    with pytest.raises(StoreLocked):
        KnowledgeBase.open(tmp_path / "kb", components=quick_components)
    kb.add([Document(id="neu", text="Neu")])
    kb.compact()
    assert len(kb.search("Neu")) == 5


def test_a_child_is_refused_though_a_thread_of_the_parent_was_writing(kb: KnowledgeBase):
    with kb._opened.writing():  # the lock of another thread stays locked in the child for ever
        said: list[object] = []
        other = threading.Thread(
            target=lambda: said.append(
                in_a_fork(lambda: [refused(lambda: kb.delete(["pump"])), kb.close()])
            )
        )
        other.start()
        other.join()
    assert "does not cross a fork" in str(said)


def test_a_child_may_open_one_of_its_own(tmp_path: Path, kb: KnowledgeBase, quick_components):
    def read() -> int:
        with KnowledgeBase.open(
            tmp_path / "kb", components=quick_components, read_only=True
        ) as reader:
            return len(reader.search("Dichtung"))

    assert in_a_fork(read) == 4
    kb.add([Document(id="neu", text="Neu")])
    assert in_a_fork(read) == 5
    assert len(kb.search("Dichtung")) == 5


def test_a_child_of_a_parent_that_writes_just_now(tmp_path, kb, quick_components):
    def read() -> str:
        path = tmp_path / "kb"
        return refused(
            lambda: KnowledgeBase.open(path, components=quick_components, read_only=True)
        )

    said: list[object] = []
    with kb._catalogue._transaction():
        other = threading.Thread(target=lambda: said.append(in_a_fork(read)))
        other.start()
        other.join()
    assert "while its parent was using" in str(said)
    assert len(kb.search("Dichtung")) == 4


def test_a_child_does_not_roll_back_what_the_parent_writes(tmp_path: Path, kb: KnowledgeBase):
    """To free a connection is to roll back what it writes, and at its end a child frees all."""
    connection = kb._catalogue._database.writer
    assert connection is not None

    def free() -> str:
        connection._connection = None  # type: ignore[assignment]
        gc.collect()
        return "freed"

    def execute(sql: str, *values: object) -> None:
        connection._connection.execute(sql, values)  # nothing else holds it

    execute("BEGIN IMMEDIATE")
    execute("PRAGMA cache_size=1")  # so that it is written before the commit
    execute("CREATE TABLE large (data BLOB)")
    for number in range(50):
        execute("INSERT INTO large VALUES (?)", bytes([number]) * 10_000)
    assert (tmp_path / "kb" / "catalogue.sqlite-journal").exists()
    assert in_a_fork(free) == "freed"
    assert (tmp_path / "kb" / "catalogue.sqlite-journal").exists()
    execute("INSERT INTO large VALUES (?)", b"last")
    execute("COMMIT")
    with connection.using("reading") as own:
        assert own.execute("SELECT count(*) FROM large").fetchone() == (51,)
        assert own.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_child_that_goes_on_does_not_keep_others_out(tmp_path: Path, quick_components):
    """The lock belongs to the open file, which a child has as well, unless it closes it."""
    opened, ended = os.pipe()
    parent = os.fork()
    if parent == 0:
        kb = KnowledgeBase.open(tmp_path / "kb", components=quick_components)
        child = os.fork()
        if child == 0:
            os.close(opened)
            time.sleep(600)
            os._exit(0)
        os.write(ended, f"{child}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)
        kb.close()
    os.waitpid(parent, 0)
    child = int(os.read(opened, 64))
    try:
        wait_until(lambda: (tmp_path / "kb" / "writer.lock").exists())
        with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
            assert kb.add(RULES).added == 4
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(opened)
        os.close(ended)
