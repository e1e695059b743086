"""Fits the weights of ``rag_engine.retrieval.answerable``: ``make_answerable EVAL TRAIN WORK [N]``.

``EVAL`` holds ``native_kb_dev`` and ``nomiracl_dev`` (of which only the ids are read, to leave its
questions out), ``TRAIN`` holds ``nomiracl.jsonl.gz``; ``answerable_data`` says which questions are
asked, ``N`` (20) of NoMIRACL for each language and label. ``WORK`` keeps the knowledge bases.

Prints the weights for a model whose usual cosines are known and for another, and for each kind of
questions the area under the ROC curve, before (the best score alone) and after, and what is
answered, rightly and falsely, at each strictness. All of it is cross-validated: what is told of a
language of NoMIRACL, or of an article, comes of weights that were fitted without it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.answering.strictness import LEAST_PROBABILITY
from rag_engine.pipelines.output import note
from rag_engine.pipelines.recipes.answerable_data import Seen, cached_components, every_case
from rag_engine.pipelines.tables import table
from rag_engine.retrieval.answerable import Signs

__all__ = ["area_under_curve", "cross_validated", "fit_logistic", "main", "rows_of"]

_COUNT = 20
_PENALTY = 3.0
"""Of the squares of the weights of standardised signs."""
_STEPS = 30
_SHARES = {"judged": 340.0, "elsewhere": 60.0, "removed": 340.0, "small": 200.0}
"""How much all questions of a kind weigh together, however many they are."""

_Array = npt.NDArray[np.float64]


def fit_logistic(signs: _Array, labels: _Array, shares: _Array) -> _Array:
    """Return the weights of ``signs`` ``(n, m)`` and, last, the intercept: ``(m + 1,)``.

    Logistic regression of ``labels`` ``(n,)``, 0 or 1, each of which counts ``shares`` ``(n,)``, by
    Newton's method on standardised signs, with a quadratic penalty on all but the intercept.

    >>> signs = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> fit_logistic(signs, np.array([0.0, 0.0, 1.0, 1.0]), np.ones(4)).round(2).tolist()
    [0.4, -0.6]
    """
    mean, std = signs.mean(axis=0), signs.std(axis=0) + 1e-9
    rows = np.column_stack([(signs - mean) / std, np.ones(len(signs))])
    penalty = np.diag([_PENALTY] * signs.shape[1] + [0.0])
    weights = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        told = 1 / (1 + np.exp(-rows @ weights))
        curve = (rows * (shares * told * (1 - told))[:, np.newaxis]).T @ rows + penalty
        weights += np.linalg.solve(curve, rows.T @ (shares * (labels - told)) - penalty @ weights)
    scaled = weights[:-1] / std
    return np.append(scaled, weights[-1] - scaled @ mean)


def cross_validated(signs: _Array, labels: _Array, shares: _Array, groups: Sequence[str]) -> _Array:
    """Return for each row its probability by weights that were fitted without its group."""
    told = np.empty(len(labels))
    names = np.array(groups)
    for group in sorted(set(groups)):
        own = names == group
        weights = fit_logistic(signs[~own], labels[~own], shares[~own])
        told[own] = 1 / (1 + np.exp(-(signs[own] @ weights[:-1] + weights[-1])))
    return told


def area_under_curve(labels: _Array, told: _Array) -> float:
    """Return how often one with an answer is told to be likelier than one without; ties half.

    >>> area_under_curve(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]))
    0.75
    """
    there, gone = told[labels == 1], told[labels == 0]
    above = (there[:, np.newaxis] > gone).mean() + 0.5 * (there[:, np.newaxis] == gone).mean()
    return float(above)


def _answered_at(labels: _Array, told: _Array, false: float = 0.09) -> float:
    """Return the share answered at a bound that lets the share ``false`` of the others through."""
    least = np.sort(told[labels == 0])[::-1][int(false * (labels == 0).sum())]
    return float((told[labels == 1] > least).mean())


def rows_of(kind: str, labels: _Array, before: _Array, told: _Array) -> dict[str, str]:
    """Return the line of a table: of some questions, what is told and what is answered."""
    row = {"questions": kind, "n": str(len(labels))}
    both = 0 < labels.sum() < len(labels)
    for name, figure in (("AUROC", area_under_curve), ("at 9 %", _answered_at)):
        told_by = [figure(labels, figures) for figures in (before, told)] if both else []
        row[f"{name}: before/after"] = "/".join(f"{each:.3f}" for each in told_by) or "-"
    for strictness, least in LEAST_PROBABILITY.items():
        if least:
            shares = [
                f"{(told[labels == label] >= least).mean():.2f}" if (labels == label).any() else "-"
                for label in (1, 0)
            ]
            row[f"{strictness}: answered/false"] = "/".join(shares)
    return row


def _matrix(signs: Sequence[Signs]) -> _Array:
    """Return signs as rows; whether cosines are usual says which weights they are for."""
    return np.array([astuple(one)[:-1] for one in signs], dtype=np.float64)


def _shares(seen: Sequence[Seen]) -> _Array:
    kinds = [one.case.kind.split()[0] for one in seen]
    return np.array([_SHARES[kind] / kinds.count(kind) for kind in kinds])


def main(arguments: Sequence[str]) -> None:
    """Fit the weights and print them with what they are worth."""
    evaluation, train, work = map(Path, arguments[:3])
    count = int(arguments[3]) if len(arguments) > 3 else _COUNT
    parts = cached_components(work)
    seen = list(every_case(evaluation, train, work, parts, count))
    labels = np.array([float(one.case.answerable) for one in seen])
    shares = _shares(seen)
    groups = [one.case.group for one in seen]
    kinds = np.array([one.case.kind for one in seen])
    best = np.array([one.best for one in seen])
    for name, signs in (
        ("KNOWN_MODEL", _matrix([one.usual for one in seen])),
        ("OTHER_MODEL", _matrix([one.other for one in seen])),
    ):
        note(f"{name} {fit_logistic(signs, labels, shares).round(2).tolist()}")
        told = cross_validated(signs, labels, shares, groups)
        rows = [
            rows_of(kind, labels[kinds == kind], best[kinds == kind], told[kinds == kind])
            for kind in dict.fromkeys(kinds.tolist())
        ]
        judged = kinds == "judged"
        for group in sorted({one.case.group for one in seen if one.case.kind == "judged"}):
            own = judged & np.array([one.case.group == group for one in seen])
            rows.append(rows_of(f"judged, {group} held out", labels[own], best[own], told[own]))
        note("\n".join(table(rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
