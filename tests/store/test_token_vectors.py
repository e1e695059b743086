"""Token vectors: how they are kept, and that they leave with their chunk."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag_engine.errors import InvalidVectors, StoreCorrupt
from rag_engine.store import token_vectors
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.sqlite_database import create_catalogue
from rag_engine.store.token_pooling import pooled_tokens
from rag_engine.store.token_vectors import EightBits, FewBits
from tests.store.test_catalogue import stored

WIDTH = 8
CODE = EightBits(WIDTH)
KEPT = {0: 0, 1: 1, 2: 2, 7: 7, 50: 50, 64: 64, 65: 64, 90: 64, 130: 65, 178: 89}


def tokens(count: int):
    return np.random.default_rng(count).normal(size=(count, WIDTH)).astype(np.float32)


def stored_with_tokens(name: str, count: int):
    document = stored(name)
    chunk = replace(document.chunks[0], tokens=CODE.pack(tokens(count)))
    return replace(document, chunks=(chunk,))


@pytest.fixture
def catalogue(tmp_path: Path):
    opened = create_catalogue(tmp_path / "catalogue.sqlite", {})
    yield opened
    opened.close()


@pytest.mark.parametrize("count", [0, 1, 50])
def test_packing_keeps_direction_and_length(count: int):
    vectors = tokens(count)
    found = CODE.unpack({1: CODE.pack(vectors)}, [1])
    back = found.vectors
    assert found.lengths.tolist() == ([count] if count else [])
    assert back.shape == vectors.shape
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), lengths, rtol=0.01)
    assert (np.sum(back * vectors, axis=1) / lengths**2 > 0.99).all()


def test_a_token_of_zeros_stays_one():
    found = CODE.unpack({1: CODE.pack(np.zeros((2, WIDTH), np.float32))}, [1])
    assert found.vectors.shape == (2, WIDTH)
    assert not found.vectors.any()


def test_several_texts_come_back_one_after_the_other():
    found = CODE.unpack({4: CODE.pack(tokens(3)), 9: CODE.pack(tokens(2))}, [4, 5, 9])
    assert (found.ids.tolist(), found.lengths.tolist()) == ([4, 9], [3, 2])
    expected = np.concatenate([tokens(3), tokens(2)])
    np.testing.assert_allclose(found.vectors, expected, atol=0.02)
    np.testing.assert_allclose(found.vectors[np.array([4, 0])], expected[[4, 0]], atol=0.02)
    assert CODE.unpack({}, [1]).vectors.shape == (0, WIDTH)


@pytest.mark.parametrize("width", [8, 6, 1])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 50, 64, 65, 90])
def test_few_bits_keep_one_vector_for_two_tokens(count: int, width: int):
    code, vectors = FewBits(width), tokens(count)[:, :width]
    packed = code.pack(vectors)
    halves = KEPT[count]
    in_a_byte, most = (2, 0.02) if count <= 64 else (4, 0.31)
    assert len(packed) == (2 * (width + 4) + halves * -(-width // in_a_byte) if count else 0)
    found = code.unpack({3: packed}, [3])
    assert found.lengths.tolist() == ([halves] if count else [])
    assert found.tokens.tolist() == ([count] if count else [])
    eight = EightBits(width)
    pooled = pooled_tokens(eight.unpack({0: eight.pack(vectors)}, [0]).vectors)
    assert found.vectors.shape == pooled.shape
    error = ((found.vectors - pooled) ** 2).sum(axis=0)
    spread = ((pooled - pooled.sum(axis=0) / max(1, halves)) ** 2).sum(axis=0)
    assert (error <= most * spread + 1e-3 * halves).all()  # of two numbers most


@pytest.mark.parametrize("code", [EightBits(WIDTH), FewBits(WIDTH), FewBits(6)], ids=repr)
def test_several_chunks_are_packed_as_each_alone(code: EightBits | FewBits):
    counts = [3, 0, 7, 3, 90, 64, 65, 7, 90, 600]
    chunks = [(tokens(count) + place)[:, : code.width] for place, count in enumerate(counts)]
    alone = [code.pack(vectors) for vectors in chunks]
    assert code.pack_many(chunks) == alone
    assert len(set(alone)) == len(chunks)
    assert code.pack_many([]) == []


def test_so_many_chunks_that_they_are_packed_in_several_goes(monkeypatch):
    chunks = [tokens(5) + place for place in range(7)]
    whole = FewBits(WIDTH).pack_many(chunks)
    monkeypatch.setattr(token_vectors, "_TOGETHER", 5 * WIDTH * 3)
    assert FewBits(WIDTH).pack_many(chunks) == whole


def test_one_chunk_among_several_that_is_no_number_is_refused():
    bad = tokens(3)
    bad[1, 2] = np.nan
    with pytest.raises(InvalidVectors, match="NaN or infinity"):
        FewBits(WIDTH).pack_many([tokens(3), bad, tokens(2)])


def joined_anew(vectors, kept: int):
    """Join groups as the pooling does; every round all distances are computed from the groups."""
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = [[row] for row in range(len(vectors))]
    while len(groups) > kept:
        sizes = np.array([len(group) for group in groups])
        means = np.array([directions[group].mean(axis=0) for group in groups])
        apart = ((means[:, np.newaxis] - means) ** 2).sum(axis=2)
        apart *= np.multiply.outer(sizes, sizes) / np.add.outer(sizes, sizes)
        np.fill_diagonal(apart, np.inf)
        nearest = apart.argmin(axis=1)
        pairs = [(int(n), row) for row, n in enumerate(nearest) if nearest[n] == row and n < row]
        pairs.sort(key=lambda pair: apart[pair])
        for left, right in pairs[: len(groups) - kept]:
            groups[left] += groups[right]
            groups[right] = []
        groups = [group for group in groups if group]
    return np.array([vectors[group].mean(axis=0) for group in groups])


@pytest.mark.parametrize("seed", range(5))
def test_what_is_joined_is_what_distances_computed_anew_join(seed: int):
    vectors = np.random.default_rng(seed).normal(size=(150, 24)) + 0.5
    pooled = pooled_tokens(vectors.astype(np.float32))
    np.testing.assert_allclose(pooled, joined_anew(vectors, 75), atol=1e-5)


def test_each_chunk_has_a_mean_of_its_own():
    code = FewBits(WIDTH)
    texts = {1: tokens(6), 2: tokens(6) + 5, 3: tokens(3) - 5}
    packed = {chunk: code.pack(vectors) for chunk, vectors in texts.items()}
    found = code.unpack(packed, [3, 9, 1, 2])
    assert (found.ids.tolist(), found.lengths.tolist()) == ([3, 1, 2], [3, 6, 6])
    alone = [code.unpack(packed, [chunk]).vectors for chunk in (3, 1, 2)]
    np.testing.assert_array_equal(found.vectors, np.concatenate(alone))
    assert found.vectors[9:].mean() > 4 > -4 > found.vectors[:3].mean()
    assert code.unpack({}, [1]).vectors.shape == (0, WIDTH)


def test_a_number_is_in_the_quarter_of_the_nearest_value():
    code, vectors = FewBits(WIDTH), tokens(90)
    found = code.unpack({1: code.pack(vectors)}, [1]).vectors
    pooled = pooled_tokens(vectors)
    mean, deviation = pooled.mean(axis=0), pooled.std(axis=0)
    values = np.array([-1.5104, -0.4528, 0.4528, 1.5104])
    scaled = (pooled - mean) / deviation
    nearest = values[np.abs(scaled[..., np.newaxis] - values).argmin(axis=2)]
    # Numbers on a bound may fall to either side, as mean and deviation are kept in eight bits.
    agreeing = np.isclose(found, mean + nearest * deviation, atol=0.05)
    assert agreeing.mean() > 0.97


def test_what_is_alike_is_pooled():
    random = np.random.default_rng(3)
    kinds = random.normal(size=(80, WIDTH)).astype(np.float32)
    twice = np.concatenate([kinds, kinds * 1.5])[random.permutation(160)]
    pooled = pooled_tokens(twice)
    order = np.lexsort(pooled.T), np.lexsort((kinds * 1.25).T)
    np.testing.assert_allclose(pooled[order[0]], (kinds * 1.25)[order[1]], rtol=1e-4)


@pytest.mark.parametrize(("count", "kept"), KEPT.items())
def test_half_of_many_tokens_are_kept(count: int, kept: int):
    vectors = tokens(count)
    pooled = pooled_tokens(vectors)
    assert pooled.shape == (kept, WIDTH)
    assert pooled.dtype == np.float32
    assert np.isfinite(pooled_tokens(np.zeros_like(vectors))).all()
    np.testing.assert_array_equal(vectors, tokens(count))


def test_token_vectors_come_back_and_go_with_their_chunk(catalogue: Catalogue):
    catalogue.replace([stored_with_tokens("a", 3), stored_with_tokens("b", 5), stored("c")])
    ids = [row.id for row in catalogue.index_rows(after=0)]
    found = catalogue.token_vectors(ids, CODE)
    assert (found.ids.tolist(), found.lengths.tolist()) == (ids[:2], [3, 5])
    np.testing.assert_allclose(found.vectors[np.arange(3, 8)], tokens(5), atol=0.02)
    turned = catalogue.token_vectors(ids[::-1], CODE)
    assert turned.ids.tolist() == [ids[1], ids[0]]
    catalogue.delete(["a"])
    assert catalogue.token_vectors(ids, CODE).ids.tolist() == [ids[1]]
    with sqlite3.connect(catalogue.name) as other:
        assert other.execute("SELECT count(*) FROM token_vectors").fetchone() == (1,)


def test_changed_token_vectors_are_noticed(catalogue: Catalogue):
    catalogue.replace([stored_with_tokens("a", 3)])
    (row,) = catalogue.index_rows(after=0)
    with sqlite3.connect(catalogue.name) as other:
        other.execute("UPDATE token_vectors SET data = zeroblob(30)")
    with pytest.raises(StoreCorrupt, match="damaged"):
        catalogue.token_vectors([row.id], CODE)


def test_vectors_that_are_nearly_equal_end():
    for seed in range(40):
        random = np.random.default_rng(seed)
        same = random.normal(size=(1, WIDTH)) / 7
        nearly = (same + 1e-8 * random.normal(size=(178, WIDTH))).astype(np.float32)
        assert len(pooled_tokens(nearly)) == 89


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bad: float):
    vectors = tokens(5)
    vectors[3, 2] = bad
    with pytest.raises(InvalidVectors, match="NaN or infinity"):
        FewBits(WIDTH).pack(vectors)


def test_what_long_vectors_lose_stays_a_number():
    code = FewBits(WIDTH)
    kept = code.unpack({1: code.pack(1_000 * tokens(130))}, [1])
    assert kept.lost.tolist() == [65_504]


def test_long_texts_are_pooled_stretch_by_stretch():
    vectors = tokens(1_100)
    pooled = pooled_tokens(vectors)
    assert pooled.shape == (256 + 256 + 38, WIDTH)
    np.testing.assert_array_equal(pooled[:256], pooled_tokens(vectors[:512]))
