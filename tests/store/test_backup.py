"""Backups while another process writes, kills in the middle, and what is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import (
    InvalidInput,
    StorageFailed,
    StoreCorrupt,
    StoreError,
    StoreLocked,
    StoreNotFound,
)
from rag_engine.store import backup, digests, live_copy
from rag_engine.store.backup import backup_store, restore_store
from rag_engine.store.check import check_store
from rag_engine.store.files import WriterLock
from rag_engine.store.new_folder import unfinished_folder
from rag_engine.store.recognised import is_knowledge_base
from tests.images.drawn import picture
from tests.samples import RULES, ids
from tests.store.backup_writer import parts

ROOT = Path(__file__).parents[2]
BACKUPS = 24
KILLS = 8


@contextlib.contextmanager
def writing(root: Path, told: Path, seed: int):
    """Have a process that writes to ``root`` meanwhile; it has begun."""
    command = [sys.executable, "-m", "tests.store.backup_writer", *map(str, (root, told, seed))]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_for(lambda: told.exists() and told.read_bytes().count(b"\n") > 3, process)
            yield process
            assert process.poll() is None
        finally:
            process.kill()


def wait_for(done, process) -> None:
    until = time.monotonic() + 300
    while not done():
        assert process.poll() is None, "the writer has ended"
        assert time.monotonic() < until
        time.sleep(0.02)


def states(told: Path, upto: int, process) -> dict[int, dict[str, str]]:
    """Return the texts of each revision, once ``upto`` is among those that were told."""
    found: dict[int, dict[str, str]] = {}

    def read() -> bool:
        lines = told.read_text(encoding="utf-8").splitlines(keepends=True)
        entries = [json.loads(line) for line in lines if line.endswith("\n")]
        found.update({entry["revision"]: entry["texts"] for entry in entries})
        return max(found) >= upto

    wait_for(read, process)
    return found


def held(folder: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection:
        return dict(connection.execute("SELECT id, text FROM document"))


@pytest.fixture
def small_batches(monkeypatch):
    """Let a writer come between every few rows."""
    for name in ("CATALOGUE_ROWS", "IMAGE_ROWS"):
        groups = [dataclasses.replace(group, least=4) for group in getattr(backup, name)]
        monkeypatch.setattr(backup, name, groups)
    monkeypatch.setattr(live_copy, "_MOST", 4)


def test_a_backup_is_one_revision_whatever_is_written_meanwhile(tmp_path: Path, small_batches):
    root, told = tmp_path / "kb", tmp_path / "told"
    revisions, pictures = set(), 0
    with writing(root, told, seed=5) as process:
        for number in range(BACKUPS):
            target = tmp_path / f"backup {number}"
            before = told.read_bytes().count(b"\n")
            report = backup_store(root, target)
            wait_for(lambda before=before: told.read_bytes().count(b"\n") > before, process)
            of_revision = states(told, report.revision, process)
            # What publishes changes the revision, and no document.
            told_last = max(known for known in of_revision if known <= report.revision)
            assert held(target) == of_revision[told_last]
            assert check_store(target).problems == []
            assert report.documents == len(of_revision[told_last])
            assert (report.index, report.index_left_out) == (True, None)
            pictures += report.images
            revisions.add(report.revision)
            if number % 8:
                shutil.rmtree(target)
    assert len(revisions) > BACKUPS // 2
    assert pictures > 0
    assert check_store(root).problems == []
    for target in tmp_path.glob("backup *"):
        with KnowledgeBase.open(target, components=parts(), read_only=True) as kb:
            [(name, text), *_] = held(target).items()
            assert name in ids(kb.search(text, k=20))
            assert {image for hit in kb.search("red", k=50) if (image := hit.image)}


def test_a_thread_of_the_same_process_writes_on(tmp_path: Path, quick_components, small_batches):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(Document(id=f"{n}", text=f"The pump has the number {n}.") for n in range(200))
        over, waits = threading.Event(), []

        def write() -> None:
            number = 1_000
            while not over.is_set():
                began = time.monotonic()
                kb.add([Document(id=f"{number}", text=f"The pump has the number {number}.")])
                kb.delete([f"{number - 900}"])
                waits.append(time.monotonic() - began)
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            reports = [kb.backup(tmp_path / f"backup {n}") for n in range(5)]
        finally:
            over.set()
            writer.join()
        assert len({report.revision for report in reports}) == 5
        assert len(waits) > 5
        for report in reports:
            assert kb.check().problems == check_store(report.folder).problems == []
            assert len(held(report.folder)) == report.documents


def test_a_kill_leaves_nothing_that_looks_like_a_backup(tmp_path: Path, quick_components):
    root, target = tmp_path / "kb", tmp_path / "to" / "backup"
    with KnowledgeBase.open(root, components=quick_components) as kb:
        kb.add(Document(id=f"{n}", text=f"The pump has the number {n}.") for n in range(400))
    before = {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    drawn, killed = random.Random(3), 0
    code = (
        "import sys, time; from pathlib import Path\n"
        "from rag_engine.store.backup import backup_store\n"
        "say = lambda *stage: (print(stage, flush=True), time.sleep(0.02))\n"
        "backup_store(*map(Path, sys.argv[1:]), on_stage=say)"
    )
    command = [sys.executable, "-c", code, str(root), str(target)]
    for _ in range(KILLS):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(drawn.randrange(1, 30)):
                process.stdout.readline()
            time.sleep(drawn.random() * 0.05)
            process.kill()
        assert process.returncode in {0, -signal.SIGKILL}
        if target.exists():  # it was quicker
            assert check_store(target).problems == []
            shutil.rmtree(target)
        else:
            killed += unfinished_folder(target).exists()
            assert not any(map(is_knowledge_base, tmp_path.rglob("backup*")))
            with pytest.raises(StoreNotFound):
                restore_store(target, tmp_path / "other")
    assert killed > 0
    assert before == {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    backup_store(root, target)
    assert [path.name for path in target.parent.iterdir()] == ["backup"]


@pytest.fixture
def kb_folder(tmp_path: Path, quick_components) -> Path:
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(RULES)
    return tmp_path / "kb"


def test_a_backup_is_restored_and_written_to(kb_folder, tmp_path, quick_components):
    backup_store(kb_folder, tmp_path / "backup")
    kept = held(kb_folder)
    with KnowledgeBase.open(kb_folder, components=quick_components) as kb:
        kb.delete(["pump"])
    stages = []
    report = restore_store(
        tmp_path / "backup", tmp_path / "again", on_stage=lambda *stage: stages.append(stage)
    )
    assert (report.documents, report.chunks, report.index) == (4, 4, True)
    assert {"copying passages", "copying the index", "checking documents"} <= {
        stage for stage, *_ in stages
    }
    assert held(tmp_path / "again") == kept
    with KnowledgeBase.open(tmp_path / "again", components=quick_components) as kb:
        assert kb.inspect().published
        kb.add([Document(id="neu", text="Neue Dichtung")])
        assert set(ids(kb.search("Dichtung"))) == {"neu", *kept}
        assert kb.check().problems == []
    assert held(tmp_path / "backup") == kept


def test_rows_are_those_of_the_original_and_what_was_deleted_is_not_in_the_file(
    kb_folder, tmp_path, quick_components, monkeypatch
):
    with KnowledgeBase.open(kb_folder, components=quick_components) as kb:

        def deletes_one(self, on_stage):
            usual(self, on_stage)
            kb.delete(["garantie"])

        usual = live_copy.LiveCopy.copy_most
        monkeypatch.setattr(live_copy.LiveCopy, "copy_most", deletes_one)
        report = kb.backup(tmp_path / "backup")
    assert report.documents == 3
    data = (tmp_path / "backup" / "catalogue.sqlite").read_bytes()
    assert b"facture" not in data
    assert b"Dichtung" in data
    tables = ("meta", "digest", "source", "document", "field", "chunk", "token_vectors")
    for table in (*tables, "tombstone", "sqlite_sequence"):
        rows = [
            set(connection.execute(f"SELECT * FROM {table}").fetchall())
            for folder in (kb_folder, tmp_path / "backup")
            for connection in [sqlite3.connect(folder / "catalogue.sqlite")]
        ]
        if table not in {"meta", "digest", "tombstone", "sqlite_sequence"}:  # closing published
            assert rows[0] == rows[1], table
    with contextlib.closing(sqlite3.connect(tmp_path / "backup" / "catalogue.sqlite")) as one:
        assert digests.kept_digest(one, digests.CHUNKS).rows == 3


def test_a_picture_whose_number_had_another_before(tmp_path: Path, monkeypatch):
    with KnowledgeBase.open(tmp_path / "kb", components=parts()) as kb:
        for name, colour in (("one", "red"), ("two", "green"), ("three", "blue")):
            kb.add([picture(name, colour)])  # the last one has the greatest number
        usual = live_copy.LiveCopy.copy_most
        calls = []

        def counted(self, on_stage):
            usual(self, on_stage)
            calls.append(self)
            if len(calls) == 1:  # the pictures come first
                kb.delete(["three"])
                kb.add([picture("four", "red", side=80)])

        monkeypatch.setattr(live_copy.LiveCopy, "copy_most", counted)
        report = kb.backup(tmp_path / "backup")
    assert report.images == 3
    assert check_store(tmp_path / "backup").problems == []
    rows = []
    for folder in (tmp_path / "kb", tmp_path / "backup"):
        with contextlib.closing(sqlite3.connect(folder / "images.sqlite")) as images:
            rows.append(images.execute("SELECT number, digest FROM image ORDER BY 1").fetchall())
    assert rows[0] == rows[1]


def test_an_index_that_is_not_there_is_built_anew(kb_folder, tmp_path, quick_components):
    report = backup_store(kb_folder, tmp_path / "without", with_index=False)
    assert (report.index, report.index_left_out) == (False, None)
    [vectors] = kb_folder.glob("generations/*/vectors.npy")
    data = vectors.read_bytes()
    vectors.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    damaged = backup_store(kb_folder, tmp_path / "damaged")
    assert not damaged.index
    assert "vectors.npy is not what was written" in (damaged.index_left_out or "")
    vectors.unlink()
    gone = backup_store(kb_folder, tmp_path / "gone", verified=False)
    assert "files of the index are missing" in (gone.index_left_out or "")
    for name in ("without", "damaged", "gone"):
        assert check_store(tmp_path / name).problems == []
        with KnowledgeBase.open(tmp_path / name, components=quick_components, read_only=True) as kb:
            assert len(kb.search("Dichtung")) == 4


@pytest.mark.parametrize("where", ["exists", "empty", "file"])
def test_nothing_is_overwritten(kb_folder, tmp_path, where):
    target = tmp_path / "target"
    if where == "file":
        target.write_text("mine", encoding="utf-8")
    else:
        target.mkdir()
    if where == "exists":
        (target / "mine").touch()
    for copies in (backup_store, restore_store):
        with pytest.raises(StoreError, match=r"target exists, and nothing is ever overwritten.*-2"):
            copies(kb_folder, target)
    assert target.exists()
    assert not unfinished_folder(target).exists()


def test_a_target_inside_of_the_source_is_refused(kb_folder):
    for target in (kb_folder, kb_folder / "backup", kb_folder / ".." / kb_folder.name / "b"):
        with pytest.raises(InvalidInput, match="is inside of"):
            backup_store(kb_folder, target)


def test_what_others_left_where_it_is_made_is_not_removed(kb_folder, tmp_path):
    target = tmp_path / "target"
    beside = unfinished_folder(target)
    beside.mkdir()
    lock = WriterLock(beside / "writer.lock")
    with pytest.raises(StoreLocked, match="another process is making"):
        backup_store(kb_folder, target)
    lock.release()
    (beside / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"holds other files \(letter.txt"):
        backup_store(kb_folder, target)
    assert (beside / "letter.txt").exists()


def test_of_a_damaged_one_there_is_no_backup_and_nothing_is_restored(kb_folder, tmp_path):
    backup_store(kb_folder, tmp_path / "backup")
    for folder, copies in ((kb_folder, backup_store), (tmp_path / "backup", restore_store)):
        with contextlib.closing(sqlite3.connect(folder / "catalogue.sqlite")) as other, other:
            other.execute("UPDATE chunk SET text = 'Other words.' WHERE id = 3")
        with pytest.raises(StoreCorrupt, match=r"is damaged: document '水': .*check --kb"):
            copies(folder, tmp_path / "target")
        with contextlib.closing(sqlite3.connect(folder / "catalogue.sqlite")) as other, other:
            other.execute("DELETE FROM chunk WHERE id = 2")
        with pytest.raises(StoreCorrupt, match="3 passages are there, 4 were written"):
            copies(folder, tmp_path / "target")
        (folder / "catalogue.sqlite").write_bytes(b"SQLite format 3\0" + bytes(5000))
        with pytest.raises(StoreCorrupt):
            copies(folder, tmp_path / "target")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "kb"]


def test_a_newer_version_s_is_refused(kb_folder, tmp_path):
    with contextlib.closing(sqlite3.connect(kb_folder / "catalogue.sqlite")) as other, other:
        other.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(StoreCorrupt, match=r"has schema 99.*use the version"):
        restore_store(kb_folder, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    with pytest.raises(StoreNotFound, match="no knowledge base at"):
        restore_store(tmp_path / "none", tmp_path / "target")


def test_where_there_is_no_room_nothing_is_left(kb_folder, tmp_path, monkeypatch):
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from rag_engine.store.backup import backup_store\n"
        "from rag_engine.errors import StorageFailed\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "try: backup_store(*map(Path, sys.argv[1:]))\n"
        "except StorageFailed as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(kb_folder), str(tmp_path / "to" / "backup")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the knowledge base is as it was, and nothing is left of the backup" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["kb"]

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for part in ("index_copy.shutil.copyfileobj", "new_folder.sync_tree", "backup.sync_tree"):
        with monkeypatch.context() as disk:
            disk.setattr(f"rag_engine.store.{part}", full)
            with pytest.raises(StorageFailed, match=r"to/backup: No space left.*make room"):
                backup_store(kb_folder, tmp_path / "to" / "backup")
        assert [path.name for path in tmp_path.iterdir()] == ["kb"]
    # The folder is in place, and its name may not be durable.
    with monkeypatch.context() as disk:
        disk.setattr("rag_engine.store.new_folder.sync_folder", full)
        with pytest.raises(StorageFailed):
            backup_store(kb_folder, tmp_path / "to" / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["kb"]


def test_ctrl_c_leaves_nothing_and_an_error_of_a_bar_is_its_own(kb_folder, tmp_path):
    def stops(stage: str, done: int, total: int) -> None:
        if stage == "checking documents":
            raise error

    for error in (KeyboardInterrupt(), BrokenPipeError()):
        with pytest.raises(type(error)):
            backup_store(kb_folder, tmp_path / "target", on_stage=stops)
        assert [path.name for path in tmp_path.iterdir()] == ["kb"]
