"""How likely a question is a follow-up, and what becomes of the scores of two searches."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.records import Message
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.conversation import (
    FOLLOW_UPS,
    Exchange,
    agreed,
    follow_up,
    last_exchange,
    mixed,
)


def scores(*values):
    return np.array(values, dtype=np.float32)


def candidates(found: dict[int, float], cosine: float) -> Candidates:
    """Make candidates with scores by id; ``cosine`` tells which search they are of."""
    ids = np.array(sorted(found, key=lambda each: -found[each]), dtype=np.int64)
    nothing = np.zeros(len(ids), dtype=np.float32)
    return Candidates(
        ids=ids,
        languages=np.zeros(len(ids), dtype=np.intp),
        same_language_probability=nothing,
        scores=scores(*(found[each] for each in ids.tolist())),
        dense=nothing + np.float32(cosine),
        dense_plain=nothing,
        z_scores=nothing,
        own_language_coverage=nothing,
        shared_term_coverage=nothing,
        literal_surprise=nothing,
        sparse=nothing,
        late=nothing,
        rerank=nothing,
        rank_before_rerank=np.zeros(len(ids), dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], None),
        ([("user", "Wer?")], Exchange("Wer?", "")),
        ([("user", "Wer?"), ("assistant", "Ada.")], Exchange("Wer?", "Ada.")),
        ([("assistant", "Guten Tag!")], Exchange("", "Guten Tag!")),
        (
            [("user", "Wer?"), ("assistant", "Ada."), ("user", "Wann?"), ("user", "Wo?")],
            Exchange("Wo?", ""),
        ),
        (
            [("user", "A"), ("assistant", "B"), ("user", "C"), ("assistant", "D")],
            Exchange("C", "D"),
        ),
    ],
)
def test_the_last_exchange_is_the_last_question_with_its_answer(history, expected):
    assert last_exchange([Message(*said) for said in history]) == expected


def test_of_a_long_exchange_a_bounded_part_is_read():
    exchange = last_exchange(
        [Message("user", "x" * 50_000 + " the end?"), Message("assistant", "Start. " * 10_000)]
    )
    assert exchange is not None
    assert exchange.question.endswith("the end?")
    assert exchange.answer.startswith("Start.")
    assert all(len(text) <= 1_000 for text in exchange.about)
    assert exchange.continued_by("And?").endswith("the end? And?")


def test_the_longer_and_the_better_answered_alone_the_less_a_follow_up():
    weak, strong = scores(0.05, 0.01), scores(0.7, 0.01)
    by_length = [follow_up(tokens, weak, weak) for tokens in (2, 8, 14, 20, 40)]
    assert by_length == sorted(by_length, reverse=True)
    assert by_length[0] > 0.8 > 0.2 > by_length[-1]
    assert follow_up(12, weak, strong) > follow_up(12, weak, weak) > follow_up(12, strong, weak)


def test_it_is_a_probability_whatever_comes():
    assert follow_up(5, scores(0.5), scores()) == 0.0
    assert follow_up(50, scores(), scores(0.5)) == FOLLOW_UPS.most
    for tokens in (0, 1, 10_000):
        for value in (0.0, 1.0):
            assert 0 <= follow_up(tokens, scores(value), scores(1 - value)) <= FOLLOW_UPS.most


def test_scores_are_the_mean_of_both_searches():
    alone = candidates({1: 0.4, 2: 0.2}, cosine=1)
    continued = candidates({2: 0.6, 3: 0.3}, cosine=2)
    for probability in (0.25, 0.75):
        both = mixed(alone, continued, probability)
        expected = {
            1: (1 - probability) * 0.4,
            2: (1 - probability) * 0.2 + probability * 0.6,
            3: probability * 0.3,
        }
        found = dict(zip(both.ids.tolist(), both.scores.tolist(), strict=True))
        assert found == pytest.approx(expected)
        assert both.ids.tolist() == sorted(expected, key=lambda each: -expected[each])


def test_the_other_figures_are_those_of_the_likelier_search():
    alone, continued = candidates({1: 0.4, 2: 0.2}, cosine=1), candidates({2: 0.6}, cosine=2)
    for probability, cosines in ((0.1, {1: 1, 2: 1}), (0.9, {1: 1, 2: 2})):
        both = mixed(alone, continued, probability)
        assert dict(zip(both.ids.tolist(), both.dense.tolist(), strict=True)) == cosines


def test_what_two_searches_agree_on_is_best():
    asked = candidates({1: 0.5, 2: 0.5, 3: 0.01}, cosine=1)
    topic = candidates({1: 0.1, 2: 0.5, 4: 0.9}, cosine=2)
    both = agreed(asked, topic)
    assert both.ids[0] == 2
    found = dict(zip(both.ids.tolist(), both.scores.tolist(), strict=True))
    assert found[2] == pytest.approx(0.5)
    assert found[1] == pytest.approx(0.25)  # odds of 1 and 1 to 9: 1 to 3
    assert found[3] < found[1]  # not found by one search: as good as the least that it found
    assert agreed(asked, asked).scores.tolist() == pytest.approx(asked.scores.tolist())
    assert len(agreed(candidates({}, cosine=1), topic)) == 3


def test_a_search_that_is_not_likely_changes_nothing():
    alone = candidates({1: 0.4, 2: 0.2}, cosine=1)
    both = mixed(alone, candidates({3: 0.9}, cosine=2), 0.0)
    assert both.ids.tolist() == [1, 2, 3]
    assert both.scores.tolist() == pytest.approx([0.4, 0.2, 0.0])
