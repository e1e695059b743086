"""Folders change places under those who have a knowledge base open."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from rag_engine.connectors.milvus.collection_journal import VECTORS, CollectionJournal
from rag_engine.connectors.milvus.service import MilvusService
from rag_engine.errors import StoreCorrupt, StoreLocked, StoreReplaced
from rag_engine.settings import MilvusSettings
from rag_engine.store import connection as module
from rag_engine.store.connection import Connection
from rag_engine.store.exchange import check_can_move, finish_exchange, take_place
from rag_engine.store.files import WriterLock
from rag_engine.store.lock_holder import lock_holder
from rag_engine.store.sibling_folders import exchange_of


def table(folder: Path, value: int) -> Path:
    """Make a folder with an SQLite file of many pages, all of one value."""
    folder.mkdir()
    path = folder / "catalogue.sqlite"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, value)")
        made.executemany("INSERT INTO t (value) VALUES (?)", [(str(value) * 100,)] * 500)
    made.close()
    return path


def values(connection: sqlite3.Connection) -> set[str]:
    return {value[0] for (value,) in connection.execute("SELECT value FROM t")}


def swap(one: Path, other: Path) -> None:
    take_place(one, other, other.with_name("aside"), lambda _: None)


def test_a_reader_takes_no_journal_for_its_own(tmp_path: Path):
    old, new = table(tmp_path / "kb", 1), table(tmp_path / "next", 2)
    reader = Connection(old, read_only=True)
    with reader.using("reading") as connection:
        assert values(connection) == {"1"}
    swap(new.parent, old.parent)
    writer = sqlite3.connect(old, isolation_level=None)
    writer.execute("PRAGMA cache_size=1")  # pages go to the file before the commit
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE t SET value = ?", ("3" * 100,))
    journal = old.with_name("catalogue.sqlite-journal")
    assert journal.read_bytes()[:8] != bytes(8)
    told = pytest.raises(StoreReplaced, match="open the knowledge base again")
    with told, reader.using("reading") as connection:
        values(connection)
    assert journal.exists()
    writer.execute("ROLLBACK")
    assert values(writer) == {"2"}
    writer.close()
    reader.close()
    with sqlite3.connect(tmp_path / "aside" / "catalogue.sqlite") as kept:
        assert values(kept) == {"1"}
    kept.close()


def test_what_is_read_inside_of_one_moment_is_read_to_its_end(tmp_path: Path):
    old, new = table(tmp_path / "kb", 1), table(tmp_path / "next", 2)
    reader = Connection(old, read_only=True)
    with reader.at_one_moment():
        swap(new.parent, old.parent)
        with reader.using("reading") as connection:
            assert values(connection) == {"1"}
    reader.close()


def test_a_file_that_is_replaced_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    old, new = table(tmp_path / "kb", 1), table(tmp_path / "next", 2)
    connect, left = module.connect, [lambda: swap(new.parent, old.parent)]

    def late(path: Path, *, read_only: bool) -> sqlite3.Connection:
        opened = connect(path, read_only=read_only)
        while left:
            left.pop()()
        return opened

    monkeypatch.setattr(module, "connect", late)
    reader = Connection(old, read_only=True)
    with reader.using("reading") as connection:
        assert values(connection) == {"2"}
    reader.close()


def test_a_lock_of_a_folder_that_went_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    old, new = table(tmp_path / "kb", 1), table(tmp_path / "next", 2)
    flock = fcntl.flock

    def late(descriptor: int, operation: int) -> None:
        swap(new.parent, old.parent)
        flock(descriptor, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", late)
        with pytest.raises(StoreLocked, match="just now"):
            WriterLock(old.parent / "writer.lock")
    WriterLock(old.parent / "writer.lock").release()


def test_who_holds_a_lock_is_named(tmp_path: Path):
    path = tmp_path / "writer.lock"
    lock = WriterLock(path)
    assert lock_holder(path).startswith(f"process {os.getpid()} (")
    lock.release()
    assert lock_holder(path) == "another process"


def test_nobody_finishes_what_is_on_its_way(tmp_path: Path):
    old, new = table(tmp_path / "kb", 1), table(tmp_path / "next", 2)
    lock = WriterLock(old.parent / "writer.lock")

    def on_step(step: str) -> None:
        if step == "noted":
            with pytest.raises(StoreLocked):
                finish_exchange(old.parent)

    take_place(new.parent, old.parent, tmp_path / "aside", on_step)
    lock.release()
    assert finish_exchange(old.parent) == "none"


def test_a_damaged_note_is_told_of(tmp_path: Path):
    root = table(tmp_path / "kb", 1).parent
    exchange_of(root).write_text('{"in": 1}', encoding="utf-8")
    with pytest.raises(StoreCorrupt, match=r"kb.exchange.json is damaged.*delete that file"):
        finish_exchange(root)


def test_a_folder_that_can_be_moved(tmp_path: Path):
    check_can_move(table(tmp_path / "kb", 1).parent)


@pytest.mark.milvus
@pytest.mark.parametrize("interrupted", [False, True])
def test_journals_of_collections_go_with_their_folders(tmp_path: Path, interrupted: bool):
    service = MilvusService(MilvusSettings(uri="http://127.0.0.1:1"))
    journals = {}
    for name, value in (("kb", 1), ("next", 2)):
        root = table(tmp_path / name, value).parent
        collection, _ = CollectionJournal(root, VECTORS, service).begin(name)
        journals[name] = collection

    def on_step(step: str) -> None:
        if interrupted and step == "moved aside":
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        take_place(tmp_path / "next", tmp_path / "kb", tmp_path / "aside", on_step)
    assert finish_exchange(tmp_path / "kb") == ("finished" if interrupted else "none")
    for folder, name in (("kb", "next"), ("aside", "kb")):
        [entry] = CollectionJournal(tmp_path / folder, VECTORS, service).entries()
        assert entry.name == journals[name]
