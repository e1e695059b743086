"""Where the disk does not do what is asked of it: one error, nothing lost, and work goes on."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StorageFailed, StoreLocked
from rag_engine.store.failures import storage
from rag_engine.store.files import WriterLock
from rag_engine.store.index_builder import IndexBuilder
from tests.samples import RULES, ids


@pytest.fixture
def no_temporary_files(tmp_path: Path, monkeypatch):
    """Return what makes the folder for temporary files go away, and come back."""
    usual = tempfile.gettempdir()

    def gone(*, away: bool) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone") if away else usual)

    return gone


def test_a_search_answers_where_no_index_can_be_built(
    tmp_path: Path, quick_components, no_temporary_files
):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
        no_temporary_files(away=True)
        assert len(kb.search("Dichtung")) == 4  # nothing was ever published
        kb.add([Document(id="neu", text="Neue Dichtung")])
        assert len(kb.search("Dichtung")) == 5
        for fails in (kb.publish, kb.compact):
            with pytest.raises(StorageFailed, match="every document that was acknowledged is kept"):
                fails()
        assert len(kb.search("Dichtung")) == 5
        with KnowledgeBase.open(path, components=quick_components, read_only=True) as reader:
            assert len(reader.search("Dichtung")) == 5
        assert not kb.inspect().published
        no_temporary_files(away=False)
        kb.publish()
        assert kb.inspect().published
        assert len(kb.search("Dichtung")) == 5


def test_a_knowledge_base_whose_name_may_be_lost_is_made_anew(
    tmp_path: Path, quick_components, monkeypatch
):
    path = tmp_path / "kb"

    def fails(folder: Path) -> None:
        if folder == path:
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr("rag_engine.store.files.sync_folder", fails)
        with pytest.raises(StorageFailed):
            KnowledgeBase.open(path, components=quick_components)
    # Opened at the second try, it would take changes that go with it when power is lost.
    assert not list(path.glob("catalogue*"))
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
        assert len(kb.search("Dichtung")) == 4


def test_closing_lets_go_though_the_index_can_not_be_built(
    tmp_path: Path, quick_components, no_temporary_files
):
    kb = KnowledgeBase.open(tmp_path / "kb", components=quick_components)
    kb.add(RULES)
    no_temporary_files(away=True)
    with pytest.raises(StorageFailed):
        kb.close()
    no_temporary_files(away=False)
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        assert len(ids(kb.search("Dichtung"))) == 4


def test_many_changes_without_an_index_are_not_built_in_every_search(
    tmp_path: Path, quick_components, no_temporary_files, monkeypatch
):
    monkeypatch.setattr("rag_engine.store.index._LIVE_CHUNKS", 10)
    monkeypatch.setattr("rag_engine.store.index._FEW", 0)  # of few, all is built anew in memory
    tried: list[object] = []
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(RULES)
        kb.publish()
        build = IndexBuilder.generation
        monkeypatch.setattr(
            IndexBuilder,
            "generation",
            lambda *given, **named: tried.append(1) or build(*given, **named),
        )
        no_temporary_files(away=True)
        for number in range(40):
            kb.add([Document(id=f"{number}", text=f"Dichtung {number}")])
            assert len(kb.search("Dichtung", k=100)) == 5 + number
        assert 1 <= len(tried) <= 4
        no_temporary_files(away=False)


def test_an_error_of_the_caller_stays_as_it_is(tmp_path: Path, quick_components):
    def gone(stage: str, done: int, total: int) -> None:
        raise BrokenPipeError(errno.EPIPE, "the bar's terminal has gone")

    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(RULES)
        with pytest.raises(BrokenPipeError):
            kb.publish(on_stage=gone)
        assert len(kb.search("Dichtung")) == 4


def test_a_catalogue_that_another_program_holds(tmp_path: Path, quick_components, monkeypatch):
    monkeypatch.setattr("rag_engine.store.schema._BUSY_TIMEOUT_MS", 10)
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(RULES)
        other = sqlite3.connect(tmp_path / "kb" / "catalogue.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageFailed, match="end the other program") as raised:
            kb.delete(["pump"])
        assert raised.value.reason == "busy"
        other.execute("ROLLBACK")
        other.close()
        assert kb.delete(["pump"]) == ["pump"]


def test_a_lock_that_can_not_be_made_is_not_one_that_is_held(tmp_path: Path):
    with pytest.raises(StorageFailed) as raised:
        WriterLock(tmp_path / "nothing" / "writer.lock")
    assert raised.value.reason == "gone"
    held = WriterLock(tmp_path / "writer.lock")
    with pytest.raises(StoreLocked):
        WriterLock(tmp_path / "writer.lock")
    held.release()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EMFILE, "limit"),
        (errno.EIO, "io"),
        (errno.ESTALE, "gone"),
    ],
)
def test_the_reason_is_told(number: int, reason: str):
    with (
        pytest.raises(StorageFailed, match=os.strerror(number)) as raised,
        storage("x", Path("kb")),
    ):
        raise OSError(number, os.strerror(number))
    assert raised.value.reason == reason
