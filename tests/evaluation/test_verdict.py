"""The verdict on runs of which it is known: one below, one above, one that nobody can tell."""

from __future__ import annotations

import random

from rag_engine.evaluation.verdict import Comparison, compare, verdict_lines


def languages(**counts: int) -> dict[str, str]:
    return {
        f"{language}{number}": language
        for language, count in counts.items()
        for number in range(count)
    }


def run(questions: dict[str, str], *, seed: int, **gains: float) -> dict[str, float]:
    """Values around 0.5, the same for every run but for noise and a gain by language."""
    common, own = random.Random(0), random.Random(seed)
    return {
        question: common.uniform(0.3, 0.7) + own.gauss(0, 0.1) + gains.get(language, 0.0)
        for question, language in questions.items()
    }


def standings(comparisons: list[Comparison]) -> dict[tuple[str, str], str]:
    return {(each.language, each.baseline): each.difference.standing for each in comparisons}


QUESTIONS = languages(fa=120, he=110, no=99)
DENSE = run(QUESTIONS, seed=1)


def test_a_language_that_is_below_is_found_though_the_set_is_not():
    ours = run(QUESTIONS, seed=2, fa=0.2, he=-0.1, no=-0.13)
    weak = run(QUESTIONS, seed=3, fa=-0.5, he=-0.5, no=-0.5)
    found = compare("set", QUESTIONS, ours, {"dense": DENSE, "weak": weak})
    assert standings(found) == {
        ("", "dense"): "not told apart",
        ("", "weak"): "above",
        ("fa", "dense"): "above",
        ("fa", "weak"): "above",
        ("he", "dense"): "below",
        ("he", "weak"): "above",
    }  # Norwegian has 99 questions
    below = next(each for each in found if each.difference.standing == "below")
    assert (below.questions, below.place) == (110, "set he (110 questions)")
    assert below.ours < below.theirs
    assert abs(below.difference.mean - (below.ours - below.theirs)) < 1e-9
    lines = list(verdict_lines(found))
    assert lines[0].startswith("not told apart from dense: set (329 questions): 0.")
    assert lines[1].startswith("below dense: set he (110 questions): 0.")
    assert lines[-1].startswith("below dense or weak in 1 of 6 comparisons of nDCG@10 (4 above, 1 ")
    assert len(lines) == 3


def test_never_below():
    ours = run(QUESTIONS, seed=2, fa=0.2, he=0.1, no=0.1)
    found = compare("set", QUESTIONS, ours, {"dense": DENSE})
    assert set(standings(found).values()) == {"above"}
    [line] = verdict_lines(found)
    assert line.startswith("never below dense by more than noise: 3 comparisons of nDCG@10 (3 ab")


def test_what_is_not_told_apart_is_not_below():
    found = compare("set", QUESTIONS, run(QUESTIONS, seed=5), {"dense": DENSE})
    assert set(standings(found).values()) == {"not told apart"}
    *undecided, line = verdict_lines(found)
    assert len(undecided) == 3
    assert line.startswith("never below dense by more than noise")
    same = compare("set", QUESTIONS, DENSE, {"dense": DENSE})
    assert set(standings(same).values()) == {"not told apart"}


def test_a_set_of_one_language_or_of_none_is_judged_once():
    for only in (languages(de=120), dict.fromkeys(languages(de=120), "")):
        values = dict.fromkeys(only, 0.5)
        assert list(standings(compare("set", only, values, {"dense": values}))) == [("", "dense")]


def test_a_set_without_answers_has_no_verdict():
    assert compare("set", {}, {}, {"dense": {}}) == []
    assert list(verdict_lines([])) == ["no verdict: no question of these sets has an answer"]


def test_as_data():
    [found] = compare("set", {"1": "de"}, {"1": 0.5}, {"dense": {"1": 1.0}})
    assert found.as_dict() == {
        "set": "set",
        "language": "",
        "baseline": "dense",
        "questions": 1,
        "ours": 0.5,
        "theirs": 1.0,
        "difference": -0.5,
        "low": -0.5,
        "high": -0.5,
        "standing": "below",
    }
