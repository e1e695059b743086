"""Sums of weights over the terms of chunks, against plain sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.ports import AnalysedPassage
from rag_engine.store.forward_index import ForwardIndex, ForwardIndexBuilder

words = st.lists(st.sampled_from(["de:haus", "de:see", "fr=x200", "ja:湖", ""]), max_size=6)


def table_of(rows) -> ForwardIndex:
    with ForwardIndexBuilder() as builder:
        for terms in rows:
            builder.add(terms)
        return builder.finished()


@given(
    rows=st.lists(words, max_size=8),
    weightings=st.lists(
        st.dictionaries(st.sampled_from(["de:haus", "fr=x200", "ja:湖", "x"]), st.just(0.25)),
        max_size=3,
    ),
    data=st.data(),
)
def test_sums_are_those_of_sets(rows, weightings, data):
    table = table_of(rows)
    assert len(table) == len(rows)
    places = data.draw(st.lists(st.sampled_from(range(len(rows))))) if rows else []
    found = table.sums(np.array(places, dtype=np.intp), weightings)
    expected = [
        [sum(weights.get(term, 0) for term in set(rows[place])) for place in places]
        for weights in weightings
    ]
    assert found.tolist() == expected
    assert found.dtype == np.float32


def test_what_kept_hashes_gives_the_same():
    rows = [["a", "b"], [], ["b", "c", "d"]]
    table = table_of(rows)
    hashes = ForwardIndex(None, table.vocabulary[table.codes], table.starts)
    for weights in ({"a": 0.5, "b": 0.25}, {"x": 1.0}, {}, {"d": 2.0, "y": 3.0}):
        places = np.array([2, 0, 1, 0])
        np.testing.assert_array_equal(hashes.sums(places, [weights]), table.sums(places, [weights]))


def test_more_than_is_gathered_in_memory():
    rows = [[f"t{number}", f"t{number + 1}"] for number in range(100_000)]
    table = table_of(rows)
    assert table.sums(np.array([0, 99_999, 50_000]), [{"t50000": 1.0}]).tolist() == [[0, 0, 1]]
    assert table.sums(np.array([49_999]), [{"t50000": 1.0}]).tolist() == [[1]]


def test_terms_are_taken_on_their_way():
    given_terms = [AnalysedPassage(id=1, terms=["a"]), AnalysedPassage(id=2, terms=["b", "c"])]
    with ForwardIndexBuilder() as builder:
        assert list(builder.passing(given_terms)) == given_terms
        table = builder.finished()
    assert table.sums(np.array([0, 1]), [{"c": 0.5}]).tolist() == [[0, 0.5]]
