"""Term weights and fusion, by figures made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rag_engine.ports import Detection, Ranking
from rag_engine.retrieval.fusion import (
    language_aware_scores,
    reciprocal_rank_fusion,
    semantic_scores,
)
from rag_engine.retrieval.lexical import (
    QueryTerms,
    inverse_document_frequency,
    query_terms,
    term_weights,
)


def frequencies(table: dict[str, int]):
    return lambda terms: np.array([table.get(term, 0) for term in terms], dtype=np.int64)


def test_terms_by_language():
    question = "Wann startet die Pumpe X-200?"
    found = {
        each.language: each for each in query_terms(question, [Detection("de", 0.9)], ["de", "fr"])
    }
    assert "de:pump" in found["de"].terms
    assert "de:die" not in found["de"].terms
    assert "fr=x200" in found["fr"].terms
    assert not [term for term in found["fr"].terms if term.startswith("fr:")]


def test_every_plausible_language_is_tried():
    detections = [Detection("nl", 0.5), Detection("de", 0.4)]
    found = query_terms("Garantie", detections, ["de", "en", "nl"])
    assert {term for each in found for term in each.terms} >= {"de:garanti", "nl:garantie"} or {
        each.language for each in found
    } >= {"de", "nl"}


def test_weights_are_shares_of_the_idf():
    wanted = [QueryTerms("de", ("de:pump", "de:dicht"), 2)]
    table = {"de:pump": 4, "de:dicht": 1}
    weights = term_weights(wanted, {"de": 100}, frequencies(table))
    rare, common = inverse_document_frequency(1, 100), inverse_document_frequency(4, 100)
    assert weights["de:dicht"] == pytest.approx(rare / (rare + common))
    assert sum(weights.values()) == pytest.approx(1)


def test_a_word_that_is_nowhere_lowers_the_coverage():
    wanted = [QueryTerms("de", ("de:pump", "de:quux"), 2)]
    weights = term_weights(wanted, {"de": 100}, frequencies({"de:pump": 1}))
    assert weights == {"de:pump": pytest.approx(0.5)}


def test_a_common_word_weighs_little():
    wanted = [QueryTerms("de", ("de:pump", "de:wasser"), 2)]
    weights = term_weights(wanted, {"de": 100}, frequencies({"de:pump": 1, "de:wasser": 80}))
    assert 0 < weights["de:wasser"] < 0.1 < 0.9 < weights["de:pump"] < 1


def test_nothing_found_weighs_nothing():
    wanted = [QueryTerms("de", ("de:pump",), 1)]
    assert term_weights(wanted, {"de": 3}, frequencies({})) == {}
    assert term_weights([], {}, frequencies({})) == {}


FUSION = {"weight": 4.0, "expected": 0.6}


def test_coverage_is_measured_within_each_language():
    dense = np.array([0.80, 0.80, 0.70, 0.60], dtype=np.float32)
    coverage = np.array([0.0, 1.0, 0.5, 0.0], dtype=np.float32)
    scores = language_aware_scores(dense, coverage, ["fr", "de", "de", "fr"], **FUSION)
    spread = float(np.std(dense))
    expected = dense + 4 * spread * (coverage - np.array([0.0, 0.6, 0.6, 0.0]))
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_lexical_silence_leaves_the_cosines():
    dense = np.array([0.9, 0.1, 0.5], dtype=np.float32)
    scores = language_aware_scores(dense, np.zeros(3, np.float32), ["de", "fr", "zh"], **FUSION)
    np.testing.assert_array_equal(scores, dense)


def test_equal_cosines_are_ordered_by_coverage():
    dense = np.full(3, 0.5, dtype=np.float32)
    coverage = np.array([0.1, 0.9, 0.5], dtype=np.float32)
    scores = language_aware_scores(dense, coverage, ["de"] * 3, **FUSION)
    assert np.argsort(-scores).tolist() == [1, 2, 0]


def test_late_interaction_weighs_twice_and_keeps_the_scale_of_the_cosines():
    dense = np.array([0.9, 0.8, 0.7], dtype=np.float32)
    late = np.array([1.0, 5.0, 3.5], dtype=np.float32)
    joined = semantic_scores(dense, late)
    assert joined.mean() == pytest.approx(dense.mean())
    assert np.argsort(-joined).tolist() == [1, 2, 0]
    np.testing.assert_allclose(
        semantic_scores(dense, np.ones(3, np.float32)) - 0.8, (dense - 0.8) / 3, atol=1e-6
    )


def test_rrf_by_hand():
    one = Ranking(np.array([10, 20]), np.array([0.9, 0.8], np.float32))
    two = Ranking(np.array([20, 30]), np.array([5.0, 4.0], np.float32))
    fused = reciprocal_rank_fusion([one, two])
    assert fused.ids.tolist() == [20, 10, 30]
    assert fused.scores.tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert math.isclose(reciprocal_rank_fusion([one], rrf_k=0).scores[0], 1.0)
    tied = Ranking(np.array([7]), np.array([1.0], np.float32))
    assert reciprocal_rank_fusion([tied, Ranking(np.array([5]), tied.scores)]).ids.tolist() == [
        5,
        7,
    ]
