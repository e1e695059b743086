"""Clusters of passages: what a knowledge base is about, whatever languages it is in.

Vectors of a multilingual model lie by language before they lie by topic, and clusters of them are
clusters of languages. So what the languages have of their own is taken out first, as where search
compares. How well that went is told by the **language purity**: the share of passages that are in
their cluster's commonest language, beside what it would be were the languages of passages dealt
out by chance (the same clusters, the same languages). A cluster should be about something, not in
something: the nearer the two, the better, unless languages are about different things.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rag_engine.errors import InvalidInput
from rag_engine.health.sample import Sample
from rag_engine.ports import Float32Array
from rag_engine.tasks.cluster_terms import ClusterTerms

__all__ = [
    "Cluster",
    "Clusterer",
    "Clusters",
    "chance_purity",
    "cluster_sample",
    "language_purity",
    "usual_number",
]

_Clusters = npt.NDArray[np.intp]

_MOST = 50
_DEALS = 20
_TERMS = 5
_LANGUAGES = 4
"""Languages of a cluster whose terms are told: those of most of its passages."""


class Clusterer(Protocol):
    """Puts vectors into clusters."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        ...

    def assign(self, vectors: Float32Array) -> _Clusters:
        """Return the cluster of each of ``(n, dimension)`` unit vectors, -1 for none: ``(n,)``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Passages that are about the same: ``passages`` are their ids, the most central first.

    ``languages`` counts them by language, most first; ``terms`` are what those of a language say
    that others of it do not, of up to four languages that have any.
    """

    passages: tuple[int, ...]
    languages: dict[str, int]
    terms: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The ``clusters`` of ``looked_at`` passages of ``passages``, the largest first.

    ``apart`` are the ids of passages in none. ``purity`` is the language purity, ``by_chance`` what
    chance gives, ``raw_purity`` and ``raw_by_chance`` the same of clusters of the model's own
    vectors; None where there are no clusters.
    """

    method: str
    clusters: tuple[Cluster, ...]
    apart: tuple[int, ...]
    looked_at: int
    passages: int
    seed: int
    purity: float | None
    by_chance: float | None
    raw_purity: float | None
    raw_by_chance: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def usual_number(count: int) -> int:
    """Return how many clusters are made of so many passages where nobody says it: 2 to 50.

    The square root of half of them, a rule of thumb (Mardia, Kent and Bibby 1979, "Multivariate
    Analysis", section 13.3).

    >>> usual_number(200), usual_number(100_000)
    (10, 50)
    """
    return max(1, min(count, _MOST, max(2, round(math.sqrt(count / 2)))))


def language_purity(clusters: _Clusters, codes: _Clusters) -> float | None:
    """Return the share of passages in their cluster's commonest language; None without clusters.

    ``clusters`` and ``codes`` ``(n,)`` are the cluster and the language of each; those in no
    cluster (-1) do not count.

    >>> language_purity(np.array([0, 0, 0, 1, -1]), np.array([7, 7, 2, 2, 2]))
    0.75
    """
    kept = clusters >= 0
    if not kept.any():
        return None
    table = np.zeros((int(clusters.max()) + 1, int(codes.max()) + 1), dtype=np.int64)
    np.add.at(table, (clusters[kept], codes[kept]), 1)
    return float(table.max(axis=1).sum() / kept.sum())


def chance_purity(clusters: _Clusters, codes: _Clusters, *, seed: int = 1) -> float | None:
    """Return the mean language purity of the same clusters, languages dealt out 20 times.

    >>> chance_purity(np.array([0, 0, 1, 1]), np.array([3, 3, 3, 3]))
    1.0
    """
    kept = clusters >= 0
    generator = np.random.default_rng(seed)
    dealt = [
        language_purity(clusters[kept], generator.permutation(codes[kept])) for _ in range(_DEALS)
    ]
    found = [value for value in dealt if value is not None]
    return float(np.mean(found)) if found else None


def cluster_sample(sample: Sample, clusterer: Clusterer, *, seed: int) -> Clusters:
    """Cluster passages, and their raw vectors beside them for comparison.

    Raises:
        InvalidInput: there are fewer than two passages.
        MissingExtra: the clusterer's package is not installed.
    """
    if len(sample) < 2:
        raise InvalidInput(
            f"clusters are made of two passages or more, and there are {len(sample)}; index "
            "something first: rag-engine index FOLDER --kb DIR"
        )
    found = clusterer.assign(sample.centred)
    raw = clusterer.assign(sample.raw)
    terms = ClusterTerms()
    for place, each in enumerate(sample.chunks):
        terms.add(each.chunk.text, sample.language(place), int(found[place]))
    sizes = Counter(found[found >= 0].tolist())
    order = sorted(sizes, key=lambda cluster: (-sizes[cluster], cluster))
    return Clusters(
        method=clusterer.name,
        clusters=tuple(_cluster(sample, found, each, terms) for each in order),
        apart=tuple(sample.ids[found < 0].tolist()),
        looked_at=len(sample),
        passages=sample.of,
        seed=seed,
        purity=language_purity(found, sample.codes),
        by_chance=chance_purity(found, sample.codes, seed=seed),
        raw_purity=language_purity(raw, sample.codes),
        raw_by_chance=chance_purity(raw, sample.codes, seed=seed),
    )


def _cluster(sample: Sample, found: _Clusters, cluster: int, terms: ClusterTerms) -> Cluster:
    places = np.flatnonzero(found == cluster)
    vectors = sample.centred[places]
    central = np.lexsort((places, -(vectors @ vectors.mean(axis=0))))
    counts = Counter(map(sample.language, places.tolist()))
    languages = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    told = {name: tuple(terms.of(cluster, name, most=_TERMS)) for name in languages}
    return Cluster(
        passages=tuple(sample.ids[places[central]].tolist()),
        languages=languages,
        terms=dict([(name, words) for name, words in told.items() if words][:_LANGUAGES]),
    )
