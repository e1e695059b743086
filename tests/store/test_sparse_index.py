"""The index of learned weights, against inner products of plain dictionaries."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.errors import InvalidVectors, StoreCorrupt
from rag_engine.ports import SparseVector
from rag_engine.store.row_codec import split_terms, unpack_terms
from rag_engine.store.sparse_index import (
    SparseIndex,
    SparseIndexBuilder,
    pack_sparse,
    unpack_sparse,
)

weighed = st.dictionaries(
    st.sampled_from([0, 3, 7, 250_001]), st.sampled_from([0.125, 1.0, 2.5]), max_size=4
)


def vector(weights: dict[int, float]) -> SparseVector:
    tokens = sorted(weights)
    return SparseVector(
        np.array(tokens, np.int64), np.array([weights[t] for t in tokens], np.float32)
    )


def index_of(rows) -> SparseIndex | None:
    builder = SparseIndexBuilder()
    for row in rows:
        builder.add(pack_sparse(vector(row)))
    return builder.finished()


@given(rows=st.lists(weighed, max_size=8), question=weighed)
def test_scores_are_inner_products_of_dictionaries(rows, question):
    index = index_of(rows)
    expected = [sum(question.get(t, 0) * weight for t, weight in row.items()) for row in rows]
    if index is None:
        assert not any(rows)
    else:
        assert index.scores(vector(question)).tolist() == expected


def test_many_random_vectors_against_a_dense_product():
    random = np.random.default_rng(4)
    table = np.where(random.random((300, 50)) < 0.2, random.random((300, 50)), 0)
    table = table.astype(np.float16).astype(np.float32)
    rows = [{t: float(row[t]) for t in np.flatnonzero(row).tolist()} for row in table]
    index = index_of(rows)
    assert index is not None
    np.testing.assert_allclose(index.scores(vector(rows[7])), table @ table[7], rtol=1e-5)


def test_it_comes_back_from_disk_and_is_refused_for_other_rows(tmp_path):
    index = index_of([{3: 0.5}, {}, {3: 1.0, 9: 2.0}])
    assert index is not None
    index.save(tmp_path)
    again = SparseIndex.load(tmp_path, 3)
    assert again is not None
    assert again.scores(vector({3: 2.0, 9: 1.0})).tolist() == [1.0, 0.0, 4.0]
    with pytest.raises(StoreCorrupt, match="other passages"):
        SparseIndex.load(tmp_path, 2)
    np.save(tmp_path / "sparse_rows.npy", np.zeros(1, np.int32))
    with pytest.raises(StoreCorrupt, match="do not fit"):
        SparseIndex.load(tmp_path, 3)


def test_nothing_is_written_where_no_token_weighs_anything(tmp_path):
    assert index_of([{}, {}]) is None
    assert SparseIndex.load(tmp_path, 2) is None


@pytest.mark.parametrize(
    ("tokens", "weights"),
    [
        ([3, 3], [1, 1]),
        ([5, 3], [1, 1]),
        ([-1], [1]),
        ([3], [1, 1]),
        ([3], [0]),
        ([3], [-1]),
        ([3], [np.nan]),
        ([3], [1e6]),
    ],
)
def test_what_is_no_sparse_vector_is_refused(tokens, weights):
    with pytest.raises(InvalidVectors, match="sparse vector"):
        pack_sparse(SparseVector(np.array(tokens, np.int64), np.array(weights, np.float32)))


@given(st.lists(st.text(max_size=5).filter(lambda term: "\n" not in term), max_size=4), weighed)
def test_it_stands_behind_the_terms_and_both_come_back(terms, weights):
    terms = [term for term in terms if term and term.isprintable()]
    packed = zlib.compress("\n".join(terms).encode(), 1) + pack_sparse(vector(weights))
    found, sparse = split_terms(packed)
    assert (found, unpack_terms(packed)) == (tuple(terms), tuple(terms))
    assert unpack_sparse(sparse).tokens.tolist() == sorted(weights)
