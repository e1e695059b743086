from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag_engine.store.files import (
    make_folders,
    read_json,
    renew_name,
    save_array,
    write_bytes,
    write_json,
)


@pytest.mark.parametrize("shape", [(0,), (4,), (3, 5), (5000, 2)])
def test_an_array_is_saved_as_numpy_saves_it(tmp_path: Path, shape):
    array = np.arange(np.prod(shape), dtype=np.float16).reshape(shape)
    save_array(tmp_path / "ours.npy", array)
    np.save(tmp_path / "numpy.npy", array)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file become larger than 256 bytes; to a program that is as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# np.save says nothing of 500 numbers, of which the head of the file and 32 numbers fit.
@pytest.mark.parametrize("size", [33, 500, 100_000])
@pytest.mark.usefixtures("small_disk")
def test_an_array_that_does_not_fit_on_the_disk_is_an_error(tmp_path: Path, size):
    with pytest.raises(OSError) as failed:  # noqa: PT011 (its number is looked at)
        save_array(tmp_path / "array.npy", np.arange(size, dtype=np.int32))
    assert failed.value.errno == errno.EFBIG


def test_bytes_take_the_place_of_a_file_when_they_are_durable(tmp_path: Path, monkeypatch):
    synced = []
    monkeypatch.setattr("rag_engine.store.files.os.fsync", synced.append)
    path = tmp_path / "a.npz"
    for content in (b"old", b"new"):
        synced.clear()
        write_bytes(path, content)
        assert (path.read_bytes(), len(synced)) == (content, 2)  # the file, then its name
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("small_disk")
def test_bytes_that_do_not_fit_on_the_disk_leave_what_was_there(tmp_path: Path):
    path = tmp_path / "a.npz"
    write_bytes(path, b"old")
    with pytest.raises(OSError, match="large"):
        write_bytes(path, bytes(1_000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_with_those_above_them(tmp_path: Path):
    make_folders(tmp_path / "a" / "b" / "c")
    make_folders(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_folder_whose_name_may_be_lost_is_made_anew(tmp_path: Path, monkeypatch):
    def fails(folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("rag_engine.store.files.sync_folder", fails)
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="Input/output"):
        make_folders(tmp_path / "a" / "b")
    assert not (tmp_path / "a" / "b").exists()  # the next attempt makes it, and its name
    assert (tmp_path / "a").is_dir()  # which was there before


@pytest.mark.parametrize("links", [True, False])
def test_what_could_not_be_put_in_place_durably_is_not_there(tmp_path: Path, monkeypatch, links):
    def fails(*given: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    if not links:
        monkeypatch.setattr("os.link", fails)
    path = tmp_path / "a.json"
    for before in ({}, {"n": 1}):
        with monkeypatch.context() as disk:
            disk.setattr("rag_engine.store.files.sync_folder", fails)
            with pytest.raises(OSError, match="Input/output"):
                write_json(path, {"n": 2})
        assert (read_json(path) if path.exists() else {}) == before
        write_json(path, {"n": 1})
        assert read_json(path) == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_comes_anew_as_it_was(tmp_path: Path):
    folder = tmp_path / "kb"
    folder.mkdir(mode=0o700)
    (folder / "writer.lock").touch()
    before = folder.stat()
    renew_name(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["kb"]
    assert (folder.stat().st_ino, folder.stat().st_mode) == (before.st_ino, before.st_mode)
