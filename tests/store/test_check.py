"""What a row, an index of the tables or a count has otherwise than it was written is noticed.

Damage to bytes and pages is in ``tests/trials/corruption.py``; this is one fault of each table.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from rag_engine import Document, Equals, KnowledgeBase
from rag_engine.errors import StoreCorrupt
from rag_engine.store.check import REBUILD, REPAIR, check_store
from rag_engine.store.repair import repair_catalogue

FAULTS = {
    "a title": "UPDATE document SET title = 'Title 9' WHERE number = 7",
    "a source": "UPDATE document SET source = 'x' WHERE number = 7",
    "metadata": "UPDATE document SET metadata = '{\"year\":1999}' WHERE number = 7",
    "a field": "UPDATE field SET value = 1999 WHERE key = 'year' AND document = 4",
    "a field is gone": "DELETE FROM field WHERE document = 9 AND key = 'year'",
    "a chunk is gone": "DELETE FROM chunk WHERE id = 9",
    "a language": "UPDATE chunk SET language = 'xx' WHERE id = 9",
    "a tombstone": "INSERT INTO tombstone VALUES (5, 1, 2)",
    "a count": "DELETE FROM digest WHERE name = 'field year'",
    "a number to come": "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'chunk'",
    "a source's fingerprint": "INSERT INTO source VALUES ('b.txt', x'00')",
}
SEEN_BY_NO_READER = {"a number to come", "a source's fingerprint"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, quick_components) -> Path:
    path = tmp_path_factory.mktemp("whole") / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(
            Document(
                id=f"d{n}",
                text=f"Note {n} of many.",
                title=f"Title {n}",
                source=f"{n % 3}.txt",
                metadata={"year": 2000 + n % 4},
            )
            for n in range(30)
        )
    return path


@pytest.fixture
def kb(tmp_path: Path, whole: Path) -> Path:
    shutil.copytree(whole, tmp_path / "kb")
    return tmp_path / "kb"


def change(path: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(path / "catalogue.sqlite")) as other, other:
        other.execute(sql)


def ask_everything(path: Path, components) -> None:
    with KnowledgeBase.open(path, components=components, read_only=True) as kb:
        kb.search("Note", k=100)
        kb.search("Note", k=100, where=Equals("year", 2003))
        kb.search("Note", k=100, where=Equals("language", "en"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed_and_mended(kb: Path, quick_components, fault: str):
    change(kb, FAULTS[fault])
    if fault not in SEEN_BY_NO_READER:
        with pytest.raises(StoreCorrupt, match="rag-engine check"):
            ask_everything(kb, quick_components)
    report = check_store(kb)
    assert report.problems
    assert report.repairs == [REPAIR]
    repaired = repair_catalogue(kb)
    assert repaired.saved + len(repaired.dropped) == 30
    assert len(repaired.dropped) <= 1
    with KnowledgeBase.open(kb, components=quick_components) as opened:
        assert len(opened.search("Note", k=100)) == repaired.saved
    assert check_store(kb).problems == []
    ask_everything(kb, quick_components)


def test_an_intact_one_is_verified_whole(kb: Path, quick_components):
    report = check_store(kb, lambda _: (quick_components.dense, quick_components.lexical))
    assert (report.documents, report.chunks, report.problems) == (30, 30, [])
    assert report.index_files > 10


def test_what_was_never_repaired_is_refused(kb: Path):
    change(kb, "UPDATE meta SET value = '{}' WHERE key = 'contract'")
    report = check_store(kb)
    assert report.problems
    assert report.repairs == []
    assert len(report.problems) < 5  # once, not for every vector
    before = (kb / "catalogue.sqlite").read_bytes()
    with pytest.raises(StoreCorrupt, match="backup"):
        repair_catalogue(kb)
    assert (kb / "catalogue.sqlite").read_bytes() == before


def test_a_header_that_keeps_from_writing_is_damage(kb: Path, quick_components):
    path = kb / "catalogue.sqlite"
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[18] ^= 0x80
    path.write_bytes(data)
    with pytest.raises(StoreCorrupt, match="rag-engine check"):
        KnowledgeBase.open(kb, components=quick_components)
    assert check_store(kb).repairs == [REPAIR]
    assert repair_catalogue(kb).saved == 30
    assert path.stat().st_mode & 0o777 == 0o600
    with KnowledgeBase.open(kb, components=quick_components) as opened:
        opened.delete(["d1"])
    assert check_store(kb).problems == []


def test_a_damaged_index_needs_no_repair_of_the_catalogue(kb: Path):
    [vectors] = kb.rglob("vectors.npy")
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"\xff")
    report = check_store(kb)
    assert [problem.source for problem in report.problems] == ["index"]
    assert report.repairs == [REBUILD]


def test_a_check_beside_a_writer_finds_nothing(kb: Path, quick_components):
    done = threading.Event()
    found: list[object] = []

    def check() -> None:
        while not done.is_set():
            found.extend(check_store(kb).problems)

    with KnowledgeBase.open(kb, components=quick_components) as writer:
        checking = threading.Thread(target=check)
        checking.start()
        try:
            for n in range(8):
                writer.add([Document(id=f"d{n}", text=f"Another {n}.", metadata={"year": n})])
                writer.delete([f"d{20 + n}"])
            writer.publish()
            writer.add([Document(id="last", text="The last one.")])
        finally:
            done.set()
            checking.join()
        assert found == []
        assert writer.check().problems == []
