"""The file of pictures: durable, checked, and really without what was deleted."""

from __future__ import annotations

import hashlib
import sqlite3

import numpy as np
import pytest

from rag_engine.errors import ContractMismatch, StoreCorrupt, StoreNotFound
from rag_engine.images.image_store import IMAGES, ImageStore, StoredImage

CONTRACT = {"model": "m", "weights": "w", "dimension": 4}


def stored(number: int) -> StoredImage:
    thumbnail = f"thumbnail {number} ".encode() * 20
    vector = np.eye(4, dtype=np.float32)[number % 4]
    return StoredImage(hashlib.sha256(thumbnail).hexdigest(), vector, thumbnail)


@pytest.fixture
def path(tmp_path):
    return tmp_path / IMAGES


@pytest.fixture
def store(path):
    made = ImageStore.create(path, CONTRACT)
    yield made
    made.close()


def test_what_was_added_is_there_for_every_reader(store, path):
    reader = ImageStore(path, read_only=True)
    assert reader.vectors().vectors.shape[0] == 0
    images = [stored(number) for number in range(5)]
    store.add(images)
    for one in (store, reader):
        held = one.vectors()
        assert (one.count(), held.vectors.shape) == (5, (5, 4))
        for image in images:
            np.testing.assert_allclose(held.vectors[held.rows[image.digest]], image.vector)
            assert one.thumbnail(image.digest) == image.thumbnail
    assert store.missing([images[0].digest, "ff" * 32]) == {"ff" * 32}
    assert reader.thumbnail("ff" * 32) is None
    assert store.damage() == []
    reader.close()


def test_what_goes_is_overwritten(store, path):
    images = [stored(number) for number in range(5)]
    store.add(images)
    kept = [image.digest for image in images[:2]]
    assert store.keep_only(kept) == 3
    assert store.keep_only(kept) == 0
    assert set(store.vectors().rows) == set(kept)
    assert store.thumbnail(images[4].digest) is None
    store.close()
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert images[0].thumbnail in left
    for image in images[2:]:
        assert image.thumbnail not in left
        assert image.digest.encode() not in left


def test_another_model_is_refused_by_name(store):
    store.check_contract(CONTRACT)
    with pytest.raises(ContractMismatch, match=r"images\.weights: stored 'w', given 'x'"):
        store.check_contract({**CONTRACT, "weights": "x"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE thumbnail SET data = x'ffd8ff00' WHERE number = 2", "the thumbnail"),
        ("UPDATE image SET vector = zeroblob(8) WHERE number = 2", "the vector"),
        ("DELETE FROM image WHERE number = 2", "4 are there, 5 were written"),
        ("DELETE FROM thumbnail WHERE number = 2", "is missing"),
        ("UPDATE meta SET value = '[0, 0]' WHERE key = 'state'", "'state'"),
    ],
)
def test_damage_is_noticed(store, path, change, told):
    store.add([stored(number) for number in range(5)])
    store.close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA foreign_keys=ON")
        other.execute(change)
    other.close()
    reader = ImageStore(path, read_only=True)
    assert told in "".join(reader.damage())
    reader.close()


def test_a_file_of_a_newer_version_or_of_something_else_is_refused(store, path, tmp_path):
    store.set_meta("schema", 99)
    store.close()
    with pytest.raises(StoreCorrupt, match="schema is 99"):
        ImageStore(path, read_only=True)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreCorrupt):
        ImageStore(path, read_only=True)
    with pytest.raises(StoreNotFound):
        ImageStore(tmp_path / "none.sqlite", read_only=True)
