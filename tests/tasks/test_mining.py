"""Mining on vectors: the margins of the paper, one to one or not, and what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory
from rag_engine.errors import InvalidInput
from rag_engine.tasks.mining import (
    MinedPairs,
    centred_sides,
    mine_pairs,
    nearest_neighbours,
    pairs_of_neighbours,
)
from rag_engine.tasks.mining_quality import mining_quality


def units(count: int, width: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def translated(vectors: np.ndarray, noise: float, seed: int) -> np.ndarray:
    moved = vectors + noise * units(*vectors.shape, seed)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def by_the_formula(x, y, k, kind, one_to_one):
    """Artetxe and Schwenk 2019, section 3, written down as it stands, over all pairs."""
    cosines = x.astype(np.float64) @ y.astype(np.float64).T
    near = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    back = np.argsort(-cosines.T, axis=1, kind="stable")[:, :k]
    scores = {}
    proposed = set()
    for i in range(len(x)):
        for j in near[i]:
            scores[i, int(j)] = None
    for j in range(len(y)):
        for i in back[j]:
            scores[int(i), j] = None
    for i, j in scores:
        around = sum(cosines[i, z] / (2 * len(near[i])) for z in near[i])
        around += sum(cosines[z, j] / (2 * len(back[j])) for z in back[j])
        scores[i, j] = cosines[i, j] / around if kind == "ratio" else cosines[i, j] - around
    for i in range(len(x)):
        proposed.add((i, int(max(near[i], key=lambda j: scores[i, int(j)]))))
    for j in range(len(y)):
        proposed.add((int(max(back[j], key=lambda i: scores[int(i), j])), j))
    ordered = sorted(scores, key=lambda pair: -scores[pair])
    if not one_to_one:
        return [(pair, scores[pair]) for pair in ordered]
    taken, others, found = set(), set(), []
    for i, j in (pair for pair in ordered if pair in proposed):
        if i not in taken and j not in others:
            taken.add(i)
            others.add(j)
            found.append(((i, j), scores[i, j]))
    return found


@pytest.mark.parametrize("one_to_one", [True, False])
@pytest.mark.parametrize("kind", ["ratio", "distance"])
@pytest.mark.parametrize(("count", "others", "k"), [(40, 30, 4), (7, 3, 4), (1, 1, 4)])
def test_it_is_the_paper_s_formula(count, others, k, kind, one_to_one):
    x = np.abs(units(count, 16, 1))  # cosines above 0, as a model's are before centring
    y = translated(x, 0.5, 2)[:others]
    found = mine_pairs(x, y, index=ExactIndexFactory(), k=k, margin=kind, one_to_one=one_to_one)
    expected = by_the_formula(x, y, k, kind, one_to_one)
    assert list(zip(found.rows.tolist(), found.others.tolist(), strict=True)) == [
        pair for pair, _ in expected
    ]
    assert found.scores == pytest.approx([score for _, score in expected], abs=1e-5)


def test_one_to_one_names_no_text_twice_and_the_rest_is_a_part_of_all():
    x = units(200, 24, 3)
    y = translated(x, 0.9, 4)
    index = ExactIndexFactory()
    one = mine_pairs(x, y, index=index, margin="distance")
    every = mine_pairs(x, y, index=index, margin="distance", one_to_one=False)
    assert len(set(one.rows.tolist())) == len(set(one.others.tolist())) == len(one)
    assert set(zip(one.rows.tolist(), one.others.tolist(), strict=True)) < set(
        zip(every.rows.tolist(), every.others.tolist(), strict=True)
    )
    assert len(every) > len(one)
    assert (np.diff(every.scores) <= 0).all()


def test_an_approximate_index_mines_what_an_exact_one_does():
    x = units(600, 32, 5)
    y = translated(x, 0.4, 6)[::-1]
    exact = mine_pairs(x, y, index=ExactIndexFactory())
    walked = mine_pairs(x, y, index=FaissHnswFactory(threads=1))
    same = set(zip(exact.rows.tolist(), exact.others.tolist(), strict=True)) & set(
        zip(walked.rows.tolist(), walked.others.tolist(), strict=True)
    )
    assert len(same) > 0.99 * len(exact)
    right = sum(row + other == 599 for row, other in same)
    assert right > 590


def test_what_languages_differ_in_is_taken_out_with_any_model():
    """Both sides lie elsewhere: a few texts of each are near everything on the other side."""
    meanings = units(400, 32, 7)
    shift = units(2, 32, 8)
    x = meanings + 1.5 * shift[0]
    y = translated(meanings, 0.7, 9) + 1.5 * shift[1]
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (x, y))
    gold = {(row, row) for row in range(400)}
    index = ExactIndexFactory()
    plain = mining_quality(mine_pairs(x, y, index=index), gold)
    one, other = centred_sides(
        x.astype(np.float16), y.astype(np.float16), ["und", "und"], prior=None
    )
    centred = mining_quality(mine_pairs(one, other, index=index), gold)
    assert centred.f1 > plain.f1


def test_quality_is_counted_by_hand():
    scores = np.array([0.9, 0.8, 0.8, 0.5], np.float32)
    pairs = MinedPairs(np.array([0, 1, 2, 3]), np.array([0, 1, 9, 3]), scores, scores)
    gold = {(0, 0), (1, 1), (3, 3), (7, 7)}
    best = mining_quality(pairs, gold)
    # 1 of 1 right: F1 2/5; of three (two score alike) two: 4/7; of four three: 6/8.
    assert (best.mined, best.right, best.f1) == (4, 3, 0.75)
    assert best.threshold == 0.5
    at = mining_quality(pairs, gold, 0.8)
    assert (at.mined, at.precision, at.recall) == (3, pytest.approx(2 / 3), 0.5)
    assert at.f1 == pytest.approx(4 / 7)
    none = mining_quality(pairs, gold, 2.0)
    assert (none.mined, none.precision, none.recall, none.f1) == (0, 0.0, 0.0, 0.0)
    nothing = mining_quality(pairs.above(2.0), gold)
    assert (nothing.mined, nothing.f1) == (0, 0.0)


def test_neighbours_that_are_not_there_count_for_nothing():
    eye = np.eye(4, dtype=np.float32)
    near = nearest_neighbours(eye, eye[:2], ExactIndexFactory(), k=3)
    assert near.rows.tolist()[0] == [0, 1]
    assert near.means()[:2].tolist() == [0.5, 0.5]
    pairs = pairs_of_neighbours(near, nearest_neighbours(eye[:2], eye, ExactIndexFactory(), k=3))
    assert list(zip(pairs.rows.tolist(), pairs.others.tolist(), strict=True))[:2] == [
        (0, 0),
        (1, 1),
    ]


def test_no_more_neighbours_are_kept_than_there_are():
    near = nearest_neighbours(
        np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[:2], ExactIndexFactory(), k=10**8
    )
    assert near.rows.shape == (3, 2)


@pytest.mark.parametrize("k", [0, -1, 2.0, True])
def test_a_number_of_neighbours_that_is_none_is_refused(k):
    eye = np.eye(2, dtype=np.float32)
    with pytest.raises(InvalidInput, match=rf"1 or more, got {k!r}"):
        mine_pairs(eye, eye, index=ExactIndexFactory(), k=k)


def test_vectors_of_two_models_are_refused():
    with pytest.raises(InvalidInput, match=r"one model, got widths \(3,\) and \(4,\)"):
        mine_pairs(np.eye(3), np.eye(4), index=ExactIndexFactory())
