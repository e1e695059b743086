"""Token vectors: how they are kept, and that they leave with their chunk."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag_engine.errors import StoreCorrupt
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.token_vectors import ChunkTokens, pack
from tests.store.test_catalogue import stored

WIDTH = 8


def tokens(count: int):
    return np.random.default_rng(count).normal(size=(count, WIDTH)).astype(np.float32)


def stored_with_tokens(name: str, count: int):
    document = stored(name)
    chunk = replace(document.chunks[0], tokens=tokens(count))
    return replace(document, chunks=(chunk,))


@pytest.fixture
def catalogue(tmp_path: Path):
    opened = Catalogue.create(tmp_path / "catalogue.sqlite", {})
    yield opened
    opened.close()


@pytest.mark.parametrize("count", [0, 1, 50])
def test_packing_keeps_direction_and_length(count: int):
    vectors = tokens(count)
    found = ChunkTokens.of({1: pack(vectors)}, [1], WIDTH)
    back = found.vectors()
    assert found.lengths.tolist() == ([count] if count else [])
    assert back.shape == vectors.shape
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), lengths, rtol=0.01)
    assert (np.sum(back * vectors, axis=1) / lengths**2 > 0.99).all()


def test_a_token_of_zeros_stays_one():
    found = ChunkTokens.of({1: pack(np.zeros((2, WIDTH), np.float32))}, [1], WIDTH)
    assert found.vectors().shape == (2, WIDTH)
    assert not found.vectors().any()


def test_several_texts_come_back_one_after_the_other():
    found = ChunkTokens.of({4: pack(tokens(3)), 9: pack(tokens(2))}, [4, 5, 9], WIDTH)
    assert (found.ids.tolist(), found.lengths.tolist()) == ([4, 9], [3, 2])
    expected = np.concatenate([tokens(3), tokens(2)])
    np.testing.assert_allclose(found.vectors(), expected, atol=0.02)
    np.testing.assert_allclose(found.vectors(np.array([4, 0])), expected[[4, 0]], atol=0.02)
    assert ChunkTokens.of({}, [1], WIDTH).vectors().shape == (0, WIDTH)


def test_token_vectors_come_back_and_go_with_their_chunk(catalogue: Catalogue):
    catalogue.replace([stored_with_tokens("a", 3), stored_with_tokens("b", 5), stored("c")])
    ids = [row.id for row in catalogue.index_rows(after=0)]
    found = catalogue.token_vectors(ids, WIDTH)
    assert (found.ids.tolist(), found.lengths.tolist()) == (ids[:2], [3, 5])
    np.testing.assert_allclose(found.vectors(np.arange(3, 8)), tokens(5), atol=0.02)
    turned = catalogue.token_vectors(ids[::-1], WIDTH)
    assert turned.ids.tolist() == [ids[1], ids[0]]
    catalogue.delete(["a"])
    assert catalogue.token_vectors(ids, WIDTH).ids.tolist() == [ids[1]]
    with sqlite3.connect(catalogue.path) as other:
        assert other.execute("SELECT count(*) FROM token_vectors").fetchone() == (1,)


def test_changed_token_vectors_are_noticed(catalogue: Catalogue):
    catalogue.replace([stored_with_tokens("a", 3)])
    (row,) = catalogue.index_rows(after=0)
    with sqlite3.connect(catalogue.path) as other:
        other.execute("UPDATE token_vectors SET data = zeroblob(30)")
    with pytest.raises(StoreCorrupt, match="damaged"):
        catalogue.token_vectors([row.id], WIDTH)
