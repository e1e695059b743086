"""Term weights and fusion, by figures made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rag_engine.ports import Detection, Ranking
from rag_engine.retrieval.fusion import (
    FusionWeights,
    LexicalWeights,
    dense_evidence,
    lexical_evidence,
    probability,
    reciprocal_rank_fusion,
)
from rag_engine.retrieval.lexical import (
    QueryTerms,
    inverse_document_frequency,
    lexical_query,
    literal_terms,
    query_terms,
    sound_terms,
    surprises,
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


def test_shared_terms_are_looked_for_at_home_too():
    table = {"de:pump": 3, "de:x200": 1, "de=x200": 1, "fr=x200": 2}
    detections = [Detection("de", 0.9)]
    found = lexical_query(
        "Wann startet die Pumpe X-200?",
        detections,
        {"de": 50, "fr": 50},
        frequencies(table),
        known=1.0,
    )
    assert set(found.words) == {"de:pump", "de:x200"}
    assert set(found.shared) == {"de=x200", "fr=x200"}
    assert found.language_probabilities == {"de": 0.9}
    assert set(found.terms("de")) == set(found.words)
    assert set(found.terms("fr")) == {"fr=x200"}


def test_confidences_that_add_up_to_more_than_one_are_shares():
    detections = [Detection("zh", 0.9), Detection("ja", 0.6)]
    found = lexical_query("漢字", detections, {"zh": 5}, frequencies({}), known=1.0)
    assert found.language_probabilities == {"zh": pytest.approx(0.6), "ja": pytest.approx(0.4)}
    assert found.words == found.shared == {}


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


PLAIN = FusionWeights(
    cosine=1.0,
    late=10.0,
    unknown_cosine=2.0,
    unknown_late=4.0,
    slope=0.5,
    size=1.0,
    intercept=-2.0,
)
PLAIN_WORDS = LexicalWeights(own_language=4.0, shared=2.0, literal=0.5)
ZEROS = np.zeros(4, np.float32)


def test_words_count_as_surely_as_the_passage_is_in_the_language_of_the_question():
    words = np.array([0.0, 1.0, 0.5, 0.5], dtype=np.float32)
    same = np.array([1.0, 1.0, 1.0, 0.5], dtype=np.float32)
    total = lexical_evidence(words, ZEROS, ZEROS, same, PLAIN_WORDS)
    assert total.tolist() == [0.0, 4.0, 2.0, 1.0]


def test_a_code_counts_in_full_in_whatever_language():
    shared = np.array([1.0, 0.0, 0.0, 0.5], dtype=np.float32)
    same = np.array([0.0, 1.0, 0.0, 1.0], dtype=np.float32)
    total = lexical_evidence(ZEROS, shared, ZEROS, same, PLAIN_WORDS)
    assert total.tolist() == [2.0, 0.0, 0.0, 1.0]


def test_a_word_as_it_stands_counts_in_other_languages():
    literal = np.array([6.0, 6.0, 2.0, 0.0], dtype=np.float32)
    same = np.array([0.0, 1.0, 0.5, 0.0], dtype=np.float32)
    total = lexical_evidence(ZEROS, ZEROS, literal, same, PLAIN_WORDS)
    assert total.tolist() == [3.0, 0.0, 0.5, 0.0]


def test_where_no_word_reaches_lexical_search_is_silent():
    assert not lexical_evidence(ZEROS, ZEROS, ZEROS, ZEROS, PLAIN_WORDS).any()


def test_surprise_is_told_in_nats_by_the_language_of_the_passages():
    wanted = [
        QueryTerms("en", ("en:zambia", "en:citi", "en:no"), 3),
        QueryTerms("fr", ("fr:zambia", "fr:le"), 2),
    ]
    found = frequencies({"en:zambia": 1, "en:citi": 20, "fr:zambia": 3, "fr:le": 90})
    weights = surprises(wanted, {"en": 1000, "fr": 100}, found, known=1.0)
    assert weights == {
        "en:zambia": pytest.approx(0.4 * (-math.log(1.5 / 1051) - 2.5)),
        "en:citi": pytest.approx(0.4 * (-math.log(20.5 / 1051) - 2.5)),
        "fr:zambia": pytest.approx(0.4 * (-math.log(3.5 / 151) - 2.5)),
    }
    assert surprises([], {}, found, known=1.0) == {}


def test_in_a_small_language_a_word_is_no_rarity_unless_there_is_nothing_else_to_go_by():
    wanted = [QueryTerms("cs", ("cs:pumpa",), 1)]
    found = frequencies({"cs:pumpa": 1})

    def surprise(size: int, known: float) -> float:
        return surprises(wanted, {"cs": size}, found, known=known)["cs:pumpa"]

    assert 0 < surprise(3, 1.0) < 0.5 < 1.5 < surprise(3_000, 1.0)
    assert surprise(3, 0.0) > 3
    assert surprise(3, 0.5) == pytest.approx((surprise(3, 0.0) + surprise(3, 1.0)) / 2)


def test_words_are_looked_for_as_they_stand_in_languages_of_one_script():
    terms = {
        of_language.language: of_language.terms
        for of_language in literal_terms("Bushe kenneth kaunda", ["en", "fr", "ru", "th"])
    }
    assert terms == {
        "en": ("en:bush", "en:kenneth", "en:kaunda"),
        "fr": ("fr:bush", "fr:kenneth", "fr:kaund"),
    }


def test_words_that_hold_a_sentence_together_are_not_heard_where_its_language_is_sure():
    question = "What is the price of a Siemens pump?"
    sure, unsure = (
        {
            term
            for of_language in sound_terms(question, [Detection("en", c)], ["ar"])
            for term in of_language.terms
        }
        for c in (0.95, 0.3)
    )
    assert sure < unsure
    assert sound_terms("Siemens", [Detection("en", 0.95)], ["ar"])[0].terms[0] in sure


def test_dense_evidence_by_hand():
    z_scores, late = np.array([2.0], np.float32), np.array([0.1], np.float32)
    assert dense_evidence(z_scores, late, 1.0, PLAIN)[0] == pytest.approx(2 + 10 * 0.1)
    assert dense_evidence(z_scores, late, 0.0, PLAIN)[0] == pytest.approx(2 * 2 + 4 * 0.1)
    assert dense_evidence(z_scores, late, 0.75, PLAIN)[0] == pytest.approx(2.5 + 8.5 * 0.1)


def test_probabilities_by_hand():
    total = np.array([4.0, 12.0], dtype=np.float32)
    among_fifty = probability(total, 50, PLAIN)
    for each, found in zip(total.tolist(), among_fifty.tolist(), strict=True):
        logit = 0.5 * each - math.log(50) - 2
        assert found == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-5)
    assert (probability(total, 1000, PLAIN) < among_fifty).all()
    np.testing.assert_array_equal(probability(total, 3, PLAIN), probability(total, 20, PLAIN))
    extreme = probability(np.array([-1e6, 1e6], np.float32), 1, PLAIN)
    assert extreme.tolist() == pytest.approx([0, 1], abs=1e-9)


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
