"""Which sentences are quoted, on matches that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.answering.sentence_choice import choose_sentences, token_matches

EVEN = np.ones(2, np.float32)


def chosen(rows, *, weights=EVEN, scores=None, most=2):
    matches = np.array(rows, np.float32)
    given = np.ones(len(rows)) if scores is None else scores
    return choose_sentences(matches, weights, np.array(given, np.float32), most=most)


def test_the_sentence_that_matches_most_is_quoted():
    assert chosen([[0.7, 0.7], [0.8, 0.8], [0.75, 0.75]]) == [1]


def test_another_is_quoted_where_it_matches_what_the_first_does_not():
    assert chosen([[0.9, 0.3], [0.2, 0.8]]) == [0, 1]
    assert chosen([[0.9, 0.3], [0.2, 0.8]], most=1) == [0]
    assert chosen([[0.9, 0.79], [0.2, 0.8]]) == [0]  # half a hundredth more is nothing


def test_what_two_have_said_a_third_does_not_say_again():
    assert chosen([[0.95, 0.4], [0.2, 0.9], [0.55, 0.75]], most=3) == [0, 1]


def test_they_stand_in_the_order_of_their_sources():
    assert chosen([[0.2, 0.8], [0.5, 0.5], [0.9, 0.3]]) == [0, 2]


def test_a_token_counts_by_its_weight():
    rows = [[0.9, 0.3], [0.3, 0.9]]
    assert chosen(rows, weights=np.array([2, 1], np.float32), most=1) == [0]
    assert chosen(rows, weights=np.array([1, 2], np.float32), most=1) == [1]
    assert chosen(rows, weights=np.zeros(2, np.float32)) == [0]


@pytest.mark.parametrize(("score", "first"), [(0.9, 1), (0.5, 0)])
def test_a_match_stands_beside_the_score_of_its_passage(score, first):
    # 0.05 more of a match is worth 9.46 * 0.05 = 0.47 nats: a score of 0.62 times the other.
    assert chosen([[0.70, 0.70], [0.75, 0.75]], scores=[1, score], most=1) == [first]


def test_of_equals_the_first_is_quoted():
    assert chosen([[0.5, 0.5], [0.5, 0.5]]) == [0]


def test_a_sentence_is_matched_by_its_best_token():
    question = np.array([[1, 0], [0, 1]], np.float32)
    sentences = [np.array([[1, 0], [0.6, 0.8]], np.float32), np.array([[0, 1]], np.float32)]
    assert token_matches(question, sentences).round(3).tolist() == [
        pytest.approx([1, 0.8]),
        pytest.approx([0, 1]),
    ]


def test_what_has_no_tokens_matches_nothing():
    some, none = np.ones((1, 1), np.float32), np.ones((0, 1), np.float32)
    assert token_matches(some, [none, some]).tolist() == [[-1], [1]]
    assert token_matches(none, [some]).shape == (1, 0)
    assert chosen([[], []], weights=np.ones(0, np.float32), scores=[0.1, 0.2]) == [1]
