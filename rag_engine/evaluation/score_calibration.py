"""Do scores mean what they say? Reliability, and answers where there are none.

Every question is asked twice: as it is, and with its right passages taken out of the corpus, so
that half of the questions have no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rag_engine.evaluation.datasets import TestSet

__all__ = ["Bin", "ScoredRun", "calibration_report", "reliability"]

_HITS = 3
"""Hits of a question that count: what a reader looks at."""
_BINS = 10
_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)

ScoredRun = Mapping[str, Sequence[tuple[str, float]]]
"""A question's id and its ranked documents with their scores, best first."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Hits of similar scores: their mean score, the share that is right, how many there are."""

    predicted: float
    observed: float
    count: int


def reliability(scores: Sequence[float], right: Sequence[bool]) -> list[Bin]:
    """Sort hits into ten bins by their scores, 0 to 1; empty bins are left out.

    >>> reliability([0.05, 0.15, 0.12], [False, True, False])
    [Bin(predicted=0.05, observed=0.0, count=1), Bin(predicted=0.135, observed=0.5, count=2)]
    """
    bins = []
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.bool_)
    places = np.minimum((values * _BINS).astype(int), _BINS - 1)
    for number in range(_BINS):
        here = places == number
        if here.any():
            mean, share = float(values[here].mean()), float(truth[here].mean())
            bins.append(Bin(round(mean, 4), round(share, 4), int(here.sum())))
    return bins


def _expected_error(bins: Sequence[Bin]) -> float:
    """Return the mean distance of score and share (Naeini et al. 2015, section 3, the ECE)."""
    total = sum(bin_.count for bin_ in bins)
    return sum(abs(bin_.predicted - bin_.observed) * bin_.count for bin_ in bins) / max(1, total)


def calibration_report(test_set: TestSet, whole: ScoredRun, without: ScoredRun) -> dict[str, Any]:
    """Return what scores were worth, as plain data.

    ``whole`` is a run over the corpus, ``without`` one in which each question's right documents
    were left out. ``reliability`` holds the bins of the three best hits of all questions of both
    runs, for all hits, those in the question's language and those in another (by the set's own
    fields); ``expected_calibration_error`` the mean distance between score and truth;
    ``thresholds`` for some ``min_score`` the share of questions whose first hit reaches it where
    an answer is (``answered``; ``right`` of these), and where none is (``false_answers``).
    """
    query_languages = {question.id: question.language for question in test_set.questions}
    hits: dict[str, list[tuple[float, bool]]] = {
        "all": [],
        "same language": [],
        "other language": [],
    }
    for run in (whole, without):
        for question, ranked in run.items():
            for document, score in ranked[:_HITS]:
                right = run is whole and test_set.qrels[question].get(document, 0) > 0
                languages = {test_set.languages.get(document, ""), query_languages[question]}
                hits["all"].append((score, right))
                if "" not in languages:
                    side = "same language" if len(languages) == 1 else "other language"
                    hits[side].append((score, right))
    bins = {
        name: reliability([s for s, _ in pairs], [r for _, r in pairs])
        for name, pairs in hits.items()
    }
    return {
        "reliability": {
            name: [asdict(bin_) for bin_ in group_bins] for name, group_bins in bins.items()
        },
        "expected_calibration_error": {
            name: round(_expected_error(group_bins), 4) for name, group_bins in bins.items()
        },
        "thresholds": [_at(test_set, whole, without, least) for least in _THRESHOLDS],
    }


def _at(test_set: TestSet, whole: ScoredRun, without: ScoredRun, least: float) -> dict[str, float]:
    answered = {q: ranked[0] for q, ranked in whole.items() if ranked and ranked[0][1] >= least}
    right = [test_set.qrels[q].get(document, 0) > 0 for q, (document, _) in answered.items()]
    false = [ranked[0][1] >= least for ranked in without.values() if ranked]
    return {
        "min_score": least,
        "answered": round(len(answered) / max(1, len(whole)), 4),
        "right": round(sum(right) / max(1, len(right)), 4),
        "false_answers": round(sum(false) / max(1, len(without)), 4),
    }
