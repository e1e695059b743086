"""Passages that come up for everything, and passages that nothing finds.

Every passage asks for its nearest, as a question about it would; how often each passage is found so
is its k-occurrence. In spaces of many dimensions a few are found by very many (hubs) and many by
none: Radovanović, Nanopoulos and Ivanović 2010, "Hubs in Space", JMLR 11, section 3, who measure it
by the skewness of the k-occurrences, 0 where they spread evenly to both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rag_engine.health.findings import EXAMPLES, Finding, first_of, not_told
from rag_engine.health.sample import Places, Sample

__all__ = ["Hubs", "find_hubs", "hub_findings", "skewness"]

_FEWEST = 100
"""Passages: of fewer, ten nearest are a tenth of all."""
_TIMES = 6
"""A hub is found so many times as often as a passage is on average."""
_MANY_UNFOUND = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Hubs:
    """How often passages are found by others; ``occurrences`` ``(n,)`` counts it for each.

    ``histogram`` counts the passages by how often they are found, in steps that double: 0, 1, 2
    to 3, 4 to 7, and so on.
    """

    skewness: float
    hubs: Places
    unfound: Places
    occurrences: Places
    histogram: tuple[int, ...]


def skewness(values: Places) -> float:
    """Return the third standardised moment; 0 where all values are equal.

    >>> skewness(np.array([1, 2, 3])), skewness(np.array([0, 0, 0, 4])).__round__(3)
    (0.0, 1.155)
    """
    apart = values - values.mean()
    deviation = float(np.sqrt((apart**2).mean()))
    return 0.0 if deviation == 0 else float((apart**3).mean()) / deviation**3


def find_hubs(places: Places) -> Hubs | None:
    """Tell from the nearest of each passage ``(n, k)``; None where there are too few passages."""
    count, k = places.shape
    if count < _FEWEST:
        return None
    occurrences = np.bincount(places[places >= 0], minlength=count)
    order = np.argsort(-occurrences, kind="stable")
    hubs = order[occurrences[order] >= _TIMES * k]
    steps = np.where(occurrences > 0, np.floor(np.log2(np.maximum(1, occurrences))) + 1, 0)
    return Hubs(
        skewness=round(skewness(occurrences), 2),
        hubs=hubs,
        unfound=np.flatnonzero(occurrences == 0),
        occurrences=occurrences,
        histogram=tuple(np.bincount(steps.astype(np.intp)).tolist()),
    )


def hub_findings(sample: Sample, hubs: Hubs | None) -> Iterator[Finding]:
    """Say which passages stand in the way, and how many nobody meets."""
    if hubs is None:
        for check in ("hubs", "found by nothing"):
            yield not_told(check, f"fewer than {_FEWEST} passages: it can not be told")
        return
    few = hubs.hubs[:EXAMPLES].tolist()
    notes = [f"found by {hubs.occurrences[place]:,} of {len(sample):,} passages" for place in few]
    yield Finding(
        check="hubs",
        fine=len(hubs.hubs) == 0,
        says=(
            f"passages among the ten nearest of {_TIMES} times as many as usual: "
            f"{len(hubs.hubs):,} (skewness {hubs.skewness:.2f})"
        ),
        advice=(
            "nothing to do"
            if len(hubs.hubs) == 0
            else "read them: imprints, cookie notices, lists of contents and very short texts are "
            "near to everything; leave them out of what is indexed"
        ),
        count=len(hubs.hubs),
        of=len(sample),
        examples=first_of(sample, few, notes),
    )
    unfound = hubs.unfound.tolist()
    fine = len(unfound) < _MANY_UNFOUND * len(sample)
    yield Finding(
        check="found by nothing",
        fine=fine,
        says=f"passages among the ten nearest of no other one: {len(unfound):,}",
        advice=(
            "nothing to do: in such a space some always are, and words find them"
            if fine
            else "read some: what is about nothing in particular (fragments, codes) is found by "
            "its words alone; cut it otherwise or leave it out"
        ),
        count=len(unfound),
        of=len(sample),
        examples=() if fine else first_of(sample, unfound),
    )
