from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from rag_engine.store.files import make_folders, save_array


@pytest.mark.parametrize("shape", [(0,), (4,), (3, 5), (5000, 2)])
def test_an_array_is_saved_as_numpy_saves_it(tmp_path: Path, shape):
    array = np.arange(np.prod(shape), dtype=np.float16).reshape(shape)
    save_array(tmp_path / "ours.npy", array)
    np.save(tmp_path / "numpy.npy", array)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


@pytest.mark.parametrize("size", [4, 100_000])
def test_an_array_that_does_not_fit_on_the_disk_is_not_saved(size):
    with pytest.raises(OSError) as failed:  # noqa: PT011 (its number is looked at)
        save_array(Path("/dev/full"), np.arange(size))
    assert failed.value.errno == errno.ENOSPC


def test_folders_are_made_with_those_above_them(tmp_path: Path):
    make_folders(tmp_path / "a" / "b" / "c")
    make_folders(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
