"""Reliability and false answers, by figures made by hand."""

from __future__ import annotations

import pytest

from rag_engine import Document
from rag_engine.evaluation.datasets import TestQuestion, TestSet
from rag_engine.evaluation.score_calibration import calibration_report, reliability

SET = TestSet(
    name="small",
    corpus=tuple(Document(id=each, text="x") for each in "abc"),
    questions=(TestQuestion("1", "?", "de"), TestQuestion("2", "?", "de")),
    qrels={"1": {"a": 1}, "2": {"b": 1}},
    languages={"a": "de", "b": "fr", "c": "fr"},
)
WHOLE = {"1": [("a", 0.92), ("b", 0.08)], "2": [("c", 0.34), ("b", 0.32)]}
WITHOUT = {"1": [("b", 0.06)], "2": [("c", 0.24), ("a", 0.02)]}


def test_bins():
    bins = reliability([0.0, 0.05, 0.99, 1.0, 0.55], [False, True, True, True, False])
    assert [(each.predicted, each.observed, each.count) for each in bins] == [
        (0.025, 0.5, 2),
        (0.55, 0.0, 1),
        (0.995, 1.0, 2),
    ]


def test_a_report_by_hand():
    report = calibration_report(SET, WHOLE, WITHOUT)
    everything = report["reliability"]["all"]
    assert sum(each["count"] for each in everything) == 7
    third = next(each for each in everything if each["count"] == 2)
    assert (third["predicted"], third["observed"]) == (pytest.approx(0.33), 0.5)
    same = report["reliability"]["same language"]
    assert [(each["observed"], each["count"]) for each in same] == [(0.0, 1), (1.0, 1)]
    assert report["expected_calibration_error"]["same language"] == pytest.approx((0.02 + 0.08) / 2)
    at = {each["min_score"]: each for each in report["thresholds"]}
    assert at[0.2] == {"min_score": 0.2, "answered": 1.0, "right": 0.5, "false_answers": 0.5}
    assert at[0.5] == {"min_score": 0.5, "answered": 0.5, "right": 1.0, "false_answers": 0.0}


def test_a_question_without_any_hit_is_not_answered():
    report = calibration_report(SET, {"1": [], "2": [("b", 0.9)]}, {"1": [], "2": []})
    at = {each["min_score"]: each for each in report["thresholds"]}
    assert at[0.5]["answered"] == 0.5
    assert at[0.05]["false_answers"] == 0
