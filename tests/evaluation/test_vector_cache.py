"""What was kept is there again: after a kill, beside another process, and never when damaged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rag_engine.errors import InvalidInput, StoreCorrupt, StoreError
from rag_engine.evaluation import vector_cache
from rag_engine.evaluation.vector_cache import VectorCache

ENTRIES = {bytes([number]) * 16: bytes([number]) * 40 for number in range(9)}


def python(code: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)])


def test_entries_come_back_in_the_next_run(tmp_path: Path):
    with VectorCache(tmp_path / "new" / "cache") as cache:
        assert cache.found(ENTRIES) == {}
        cache.keep(ENTRIES)
    with VectorCache(tmp_path / "new" / "cache") as cache:
        assert cache.found([*ENTRIES, b"unknown"]) == ENTRIES


def test_more_keys_than_one_statement_takes(tmp_path: Path):
    many = {number.to_bytes(16, "big"): str(number).encode() for number in range(2_345)}
    with VectorCache(tmp_path) as cache:
        cache.keep(many)
        assert cache.found(many) == many


def test_what_is_there_stays(tmp_path: Path):
    with VectorCache(tmp_path) as cache:
        cache.keep({b"a": b"first"})
        cache.keep({b"a": b"second", b"b": b"new"})
        assert cache.found([b"a", b"b"]) == {b"a": b"first", b"b": b"new"}


def test_a_killed_process_leaves_what_it_kept_and_nothing_half(tmp_path: Path):
    code = """
import os, sys
from pathlib import Path
from rag_engine.evaluation.vector_cache import VectorCache
cache = VectorCache(Path(sys.argv[1]))
cache.keep({b"kept": b"1"})
cache._connection.execute("PRAGMA cache_size=1")  # so that the half reaches the file
cache._connection.execute("BEGIN IMMEDIATE")
for number in range(200):
    cache._connection.execute(
        "INSERT INTO entry VALUES (?, ?, 0)", (b"half %d" % number, bytes(10_000))
    )
os._exit(9)
"""
    assert python(code, tmp_path).wait(timeout=60) == 9
    assert (tmp_path / "vectors.sqlite-journal").stat().st_size > 0
    with VectorCache(tmp_path) as cache:
        assert cache.found([b"kept", b"half 0", b"half 199"]) == {b"kept": b"1"}
        cache.keep({b"half 0": b"whole"})
        assert cache.found([b"half 0"]) == {b"half 0": b"whole"}


def test_two_processes_at_once(tmp_path: Path):
    code = """
import sys
from pathlib import Path
from rag_engine.evaluation.vector_cache import VectorCache
folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for start in range(first, last, 10):
    with VectorCache(folder) as cache:
        cache.keep({b"%d" % number: b"value %d" % number for number in range(start, start + 10)})
"""
    both = [python(code, tmp_path, *span) for span in ((0, 400), (200, 600))]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    expected = {b"%d" % number: b"value %d" % number for number in range(600)}
    with VectorCache(tmp_path) as cache:
        assert cache.found(expected) == expected


def overwrite(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def test_a_changed_byte_is_seen(tmp_path: Path):
    with VectorCache(tmp_path) as cache:
        cache.keep(ENTRIES)
    overwrite(tmp_path / "vectors.sqlite", b"\x05" * 40, b"\x05" * 20 + b"\x06" + b"\x05" * 19)
    with VectorCache(tmp_path) as cache:
        assert len(cache.found([b"\x04" * 16])) == 1
        with pytest.raises(StoreCorrupt, match=r"vectors\.sqlite is damaged.*checksum.*delete"):
            cache.found([b"\x05" * 16])


def test_what_is_no_cache_is_named_and_can_be_deleted(tmp_path: Path):
    path = tmp_path / "vectors.sqlite"
    path.write_bytes(b"no database at all, but long enough to be read as one" * 40)
    with pytest.raises(StoreCorrupt, match=r"vectors\.sqlite is damaged.*delete the file"):
        VectorCache(tmp_path)
    path.unlink()
    with VectorCache(tmp_path) as cache:
        cache.keep(ENTRIES)
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(StoreCorrupt, match="delete the file"), VectorCache(tmp_path) as cache:
        cache.found(ENTRIES)


def test_another_version_and_another_programs_file(tmp_path: Path, monkeypatch):
    with VectorCache(tmp_path / "old"):
        pass
    monkeypatch.setattr(vector_cache, "_VERSION", 2)
    with pytest.raises(StoreCorrupt, match=r"no cache of version 2 .*version 1"):
        VectorCache(tmp_path / "old")
    (tmp_path / "other").mkdir()
    with sqlite3.connect(tmp_path / "other" / "vectors.sqlite") as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StoreCorrupt, match="application 0"):
        VectorCache(tmp_path / "other")


def test_folders_that_can_not_be(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is a file; name a folder"):
        VectorCache(file)
    with pytest.raises(StoreError, match="no cache can be made in"):
        VectorCache(file / "below")


def test_a_process_that_holds_it_for_too_long_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(vector_cache, "_BUSY_TIMEOUT_MS", 20)
    with VectorCache(tmp_path) as cache:
        holder = sqlite3.connect(tmp_path / "vectors.sqlite", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"can not be used \(database is locked\)"):
            cache.keep(ENTRIES)
        holder.execute("ROLLBACK")
        holder.close()
        cache.keep(ENTRIES)
        assert cache.found(ENTRIES) == ENTRIES
