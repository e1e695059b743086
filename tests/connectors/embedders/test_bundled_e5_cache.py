"""The cache of prepared models: damage, company, crashes, places where nothing can be written."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.connectors.embedders.model_cache import cache_folder, opened, prepared
from tests.waiting import PATIENCE_S

OPEN_AND_EMBED = """
import sys
from pathlib import Path
import numpy as np
from rag_engine.connectors.embedders.bundled_e5 import BundledE5

embedder = BundledE5(cache_dir=Path(sys.argv[1]), threads=1, precision="f32")
np.save(sys.argv[2], embedder.embed_queries(["two at once"]))
"""


def write_files(folder: Path) -> None:
    (folder / "model.xml").write_text("<net/>", encoding="utf-8")
    (folder / "model.bin").write_bytes(bytes(range(256)) * 40)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_two_processes_prepare_the_model_at_once(tmp_path):
    cache = tmp_path / "cache"
    results = [tmp_path / f"{number}.npy" for number in range(2)]
    running = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_EMBED, str(cache), str(result)])
        for result in results
    ]
    assert [process.wait(timeout=PATIENCE_S) for process in running] == [0, 0]
    first, second = (np.load(result) for result in results)
    np.testing.assert_allclose(first, second, atol=1e-6)
    folder, compiled = sorted((path for path in cache.iterdir() if path.is_dir()), key=str)
    assert sorted(contents(compiled)) == ["compiled.blob", "manifest.json"]
    names = ["manifest.json", "model.bin", "model.xml", "piece_tokens.npy", "pieces.npy"]
    names.append("tokenizer.model")
    assert sorted(contents(folder)) == names
    for name in names[1:]:
        assert (folder / name).stat().st_size > 100_000


def test_of_many_at_once_one_prepares(tmp_path):
    prepared_by = []
    start = threading.Barrier(8)

    def prepare(folder: Path) -> None:
        prepared_by.append(threading.get_ident())
        write_files(folder)

    def open_it() -> None:
        start.wait()
        prepared(tmp_path / "model", prepare)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(prepared_by) == 1
    assert sorted(contents(tmp_path / "model")) == ["manifest.json", "model.bin", "model.xml"]


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / "model.bin").read_bytes())
    data[5000] ^= 1
    (folder / "model.bin").write_bytes(data)


def truncate(folder: Path) -> None:
    data = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(data[:-1])


def remove_a_file(folder: Path) -> None:
    (folder / "model.xml").unlink()


def remove_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "[1]", "null", '{"model.bin": 3}', "\x00"])
def test_a_damaged_manifest_is_replaced(tmp_path, text):
    folder = prepared(tmp_path / "model", write_files)
    whole = contents(folder)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    assert contents(prepared(folder, write_files)) == whole


@pytest.mark.parametrize("damage", [flip_a_bit, truncate, remove_a_file, remove_the_manifest])
def test_a_damaged_folder_is_prepared_again(tmp_path, damage):
    folder = prepared(tmp_path / "model", write_files)
    whole = contents(folder)
    damage(folder)
    assert contents(folder) != whole
    assert contents(prepared(folder, write_files)) == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.lock"]


def test_an_intact_folder_is_not_touched(tmp_path):
    folder = prepared(tmp_path / "model", write_files)
    before = (folder / "model.bin").stat()

    def never(_: Path) -> None:
        raise AssertionError

    assert (prepared(folder, never) / "model.bin").stat().st_mtime_ns == before.st_mtime_ns


LARGE = bytes(range(256)) * 8192


def write_large(folder: Path) -> None:
    write_files(folder)
    (folder / "model.bin").write_bytes(LARGE)


def read_both(folder: Path) -> tuple[str, bytes]:
    return (folder / "model.xml").read_text("utf-8"), (folder / "model.bin").read_bytes()


def test_what_was_read_of_a_damaged_large_file_is_not_handed_out(tmp_path):
    """It is read while it is checked; then it is prepared and read again."""
    prepared(tmp_path / "model", write_large)
    damaged = b"\xff" + LARGE[1:]
    (tmp_path / "model" / "model.bin").write_bytes(damaged)
    seen = []

    def read(folder: Path) -> bytes:
        seen.append(read_both(folder)[1])
        return seen[-1]

    assert opened(tmp_path / "model", write_large, read) == LARGE
    assert seen == [damaged, LARGE]
    assert opened(tmp_path / "model", lambda _: pytest.fail("it is intact"), read) == LARGE


@pytest.mark.parametrize("name", ["model.xml", "manifest.json"])
def test_a_small_file_is_checked_before_anything_is_read(tmp_path, name):
    prepared(tmp_path / "model", write_large)
    (tmp_path / "model" / name).write_text("<other/>", encoding="utf-8")
    seen = []
    assert opened(
        tmp_path / "model", write_large, lambda folder: seen.append(read_both(folder)) or seen
    ) == [("<net/>", LARGE)]


def test_who_can_not_read_an_intact_folder_is_told(tmp_path):
    prepared(tmp_path / "model", write_large)
    with pytest.raises(ValueError, match="no such layer"):
        opened(
            tmp_path / "model",
            lambda _: pytest.fail("it is intact"),
            lambda _: (_ for _ in ()).throw(ValueError("no such layer")),
        )


def test_what_a_damaged_folder_breaks_is_read_again(tmp_path):
    prepared(tmp_path / "model", write_large)
    (tmp_path / "model" / "model.bin").write_bytes(LARGE[::-1])

    def read(folder: Path) -> bytes:
        if (data := read_both(folder)[1]) != LARGE:
            raise RuntimeError("these are no weights")
        return data

    assert opened(tmp_path / "model", write_large, read) == LARGE


def test_what_a_killed_process_left_is_cleared(tmp_path):
    leftover = tmp_path / "model.tmp-abc"
    leftover.mkdir()
    (leftover / "model.bin").write_bytes(b"half")
    prepared(tmp_path / "model", write_files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.lock"]


def test_a_failure_leaves_nothing_and_the_next_try_works(tmp_path):
    def fail(folder: Path) -> None:
        write_files(folder)
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        prepared(tmp_path / "model", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["model.lock"]
    assert "model.bin" in contents(prepared(tmp_path / "model", write_files))


def test_a_damaged_prepared_model_is_found_and_rebuilt(tmp_path):
    def vector():
        embedder = BundledE5(cache_dir=tmp_path, precision="f32", threads=2)
        return embedder.embed_queries(["a damaged cache"])

    whole = vector()
    (binary,) = tmp_path.glob("*/model.bin")
    with binary.open("r+b") as file:
        file.seek(40_000_000)
        file.write(b"\xff" * 4096)
    np.testing.assert_allclose(vector(), whole, atol=1e-6)
    assert np.fromfile(binary, np.uint8)[40_000_000:40_004_096].min() < 255


def test_without_a_writable_cache_the_model_still_opens(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    embedder = BundledE5(cache_dir=tmp_path / "file" / "cache", threads=2)
    assert embedder.embed_queries(["read-only"]).shape == (1, 384)


def test_the_folder_is_the_argument_then_the_environment_then_the_platform(monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_CACHE", "/named")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder(Path("/given")) == Path("/given")
    assert cache_folder() == Path("/named")
    monkeypatch.setenv("RAG_ENGINE_CACHE", "")
    monkeypatch.setattr(platformdirs, "PlatformDirs", Unix)
    assert cache_folder() == Path("/xdg/rag-engine")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/someone/.cache/rag-engine")
    monkeypatch.setattr(platformdirs, "PlatformDirs", MacOS)
    assert cache_folder() == Path("/home/someone/Library/Caches/rag-engine")
