"""How far languages lie from each other in the model's space, before and after the correction.

A multilingual model puts unrelated passages of one language nearer to each other than those of
two, so that a question finds its own language first. Two figures say how much, both of passages of
different documents that are no translations. ``nearer`` is, for each language, how often two of its
passages are nearer to each other than one of them to one of another language: 0.5 where the
language says nothing (the area under the ROC curve, by the statistic of Mann and Whitney 1947). The
share of neighbours at home says what that does to a search: how many of the nearest passages are in
a passage's own language, beside how many would be if languages played no role. Languages that are
about different things lie apart for that reason too, and rightly stay so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rag_engine.health.findings import Finding, not_told
from rag_engine.health.sample import Places, Sample
from rag_engine.ports import Float32Array

__all__ = [
    "LanguagePlace",
    "Placement",
    "at_home",
    "place_languages",
    "placement_findings",
    "probability_above",
]

_FEWEST = 5
"""Passages of a language: of fewer nothing is told."""
_FEWEST_IN_ALL = 30
_MUCH = 0.3
"""Neighbours at home above chance, after the correction, that are worth a look."""

_PAIRS = 2_000
"""Pairs that are drawn of a language, and as many with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguagePlace:
    """How often passages of a language are nearer to each other than to others, 0 to 1."""

    language: str
    passages: int
    nearer_before: float
    nearer_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where languages lie; the shares are of the nearest passages that are at home, 0 to 1."""

    languages: tuple[LanguagePlace, ...]
    at_home_before: float
    at_home_after: float
    at_home_by_chance: float


def place_languages(
    sample: Sample, corrected: Places, plain: Places, seed: int
) -> Placement | None:
    """Tell where languages lie; None where there are too few passages, or one language.

    ``corrected`` and ``plain`` ``(n, k)`` are the nearest passages of other documents, with and
    without correction; pairs are drawn by ``seed``.
    """
    counts = np.bincount(sample.codes, minlength=len(sample.languages))
    told = np.flatnonzero(counts >= _FEWEST)
    if len(told) < 2 or len(sample) < _FEWEST_IN_ALL or not (plain >= 0).any():
        return None
    generator = np.random.default_rng(seed)
    languages = []
    for code in told[np.argsort(-counts[told], kind="stable")].tolist():
        own, others = _pairs(sample, code, generator)
        if len(own) and len(others):
            languages.append(
                LanguagePlace(
                    language=sample.languages[code],
                    passages=int(counts[code]),
                    nearer_before=_nearer(sample.raw, own, others),
                    nearer_after=_nearer(sample.centred, own, others),
                )
            )
    return Placement(
        languages=tuple(languages),
        at_home_before=at_home(sample.codes, plain),
        at_home_after=at_home(sample.codes, corrected),
        at_home_by_chance=_by_chance(sample),
    )


def _pairs(sample: Sample, code: int, generator: np.random.Generator) -> tuple[Places, Places]:
    """Draw pairs of unrelated passages ``(n, 2)``: within a language, and with others."""
    members = np.flatnonzero(sample.codes == code)
    rest = np.flatnonzero(sample.codes != code)
    one = generator.choice(members, _PAIRS)
    own = np.stack([one, generator.choice(members, _PAIRS)], axis=1)
    others = np.stack([one, generator.choice(rest, _PAIRS)], axis=1)
    twins = set(zip(sample.twins[0].tolist(), sample.twins[1].tolist(), strict=True))
    translated = np.array([tuple(pair) in twins for pair in others.tolist()])
    apart = sample.documents[own[:, 0]] != sample.documents[own[:, 1]]
    alone = sample.documents[others[:, 0]] != sample.documents[others[:, 1]]
    return own[apart], others[alone & ~translated]


def _nearer(vectors: Float32Array, own: Places, others: Places) -> float:
    """Return how often a pair of ``own`` is nearer than one of ``others``, 0 to 1."""
    inside, outside = (
        np.vecdot(vectors[pairs[:, 0]], vectors[pairs[:, 1]]) for pairs in (own, others)
    )
    return probability_above(inside, outside)


def probability_above(values: Float32Array, others: Float32Array) -> float:
    """Return how often one of ``values`` is above one of ``others``, a tie counting half.

    >>> probability_above(np.array([1.0, 3.0]), np.array([0.0, 2.0]))
    0.75
    """
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return round(float((below + up_to).mean() / (2 * len(ordered))), 4)


def _by_chance(sample: Sample) -> float:
    """Return the share of all passages of other documents that are in the passage's language."""
    counts = np.bincount(sample.codes, minlength=len(sample.languages))
    sizes = np.bincount(sample.documents)
    both = sample.documents * len(sample.languages) + sample.codes
    _, inverse, shared = np.unique(both, return_inverse=True, return_counts=True)
    others = len(sample) - sizes[sample.documents]
    same = counts[sample.codes] - shared[inverse]
    there = others > 0
    return round(float((same[there] / others[there]).mean()), 4) if there.any() else 0.0


def at_home(codes: Places, places: Places) -> float:
    """Return the share of neighbours that are in the passage's own language.

    >>> at_home(np.array([0, 0, 1]), np.array([[1, 2], [0, 2], [0, -1]]))
    0.4
    """
    there = places >= 0
    same = (codes[places] == codes[:, np.newaxis]) & there
    return round(float(same.sum() / max(1, there.sum())), 4)


def placement_findings(placement: Placement | None, *, enabled: bool) -> Iterator[Finding]:
    """Say how much of a search the language decides."""
    if placement is None:
        yield not_told(
            "languages apart",
            f"fewer than {_FEWEST_IN_ALL} passages, or than two languages with {_FEWEST}: "
            "where languages lie can not be told",
        )
        return
    after, chance = placement.at_home_after, placement.at_home_by_chance
    fine = after - chance < _MUCH
    if not enabled:
        advice = "the correction is off: set fairness.enabled = true"
    elif fine:
        advice = "nothing to do"
    else:
        advice = (
            "where languages are about different things this is right; else see that passages are "
            "in the language that is told of them (below), and measure with rag-engine evaluate"
        )
    yield Finding(
        check="languages apart",
        fine=fine,
        says=(
            f"of a passage's nearest in other documents, {placement.at_home_before:.0%} are in its "
            f"own language before the correction and {after:.0%} after it; {chance:.0%} would be "
            "if languages played no role"
        ),
        advice=advice,
    )
