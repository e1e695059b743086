"""scikit-learn: k-means and HDBSCAN, behind ``rag_engine.tasks.clusters.Clusterer``."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt

from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.ports import Float32Array
from rag_engine.tasks.clusters import usual_number
from rag_engine.whole_numbers import check_whole

__all__ = ["HdbscanClusterer", "KMeansClusterer", "normalised_mutual_information", "v_measure"]

_STARTS = 10
_Clusters = npt.NDArray[np.intp]


def _sklearn(part: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(f"sklearn.{part}")
    except ImportError as error:
        raise MissingExtra("cluster", package="sklearn") from error


@dataclass(frozen=True, slots=True)
class KMeansClusterer:
    """Lloyd's k-means, the best of ten starts by k-means++; of unit vectors, so by cosines.

    ``number`` of clusters; None: ``usual_number`` of the vectors there are.

    Raises:
        InvalidInput: ``number`` is no whole number from 2 on.
    """

    number: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.number is not None:
            check_whole("the number of clusters", self.number, 2)
        check_whole("seed", self.seed, 0)

    @property
    def name(self) -> str:
        """What a report calls it."""
        return "k-means"

    def assign(self, vectors: Float32Array) -> _Clusters:
        """Return the cluster of each of ``vectors`` ``(n, dimension)``, from 0, ``(n,)``.

        Raises:
            MissingExtra: scikit-learn is not installed.
            InvalidInput: there are fewer vectors than clusters are wanted.
        """
        number = usual_number(len(vectors)) if self.number is None else self.number
        if number > len(vectors):
            raise InvalidInput(
                f"{len(vectors):,} passages make no {number:,} clusters; ask for fewer (--clusters)"
            )
        found = _sklearn("cluster").KMeans(number, n_init=_STARTS, random_state=self.seed)
        # Equal vectors make fewer clusters than asked for, which it warns of; they are counted.
        unique = len(np.unique(vectors, axis=0))
        if unique < number:
            found.set_params(n_clusters=unique)
        clusters: _Clusters = found.fit_predict(vectors).astype(np.intp)
        return clusters


@dataclass(frozen=True, slots=True)
class HdbscanClusterer:
    """HDBSCAN (Campello et al. 2013): finds how many clusters there are, and leaves out the rest.

    ``smallest`` is how many a cluster has at least.

    Raises:
        InvalidInput: ``smallest`` is no whole number from 2 on.
    """

    smallest: int = 5

    def __post_init__(self) -> None:
        check_whole("the smallest cluster", self.smallest, 2)

    @property
    def name(self) -> str:
        """What a report calls it."""
        return "HDBSCAN"

    def assign(self, vectors: Float32Array) -> _Clusters:
        """Return the cluster of each of ``vectors`` ``(n, dimension)``, -1 for none, ``(n,)``.

        Raises:
            MissingExtra: scikit-learn is not installed.
        """
        if len(vectors) <= self.smallest:
            return np.full(len(vectors), -1, dtype=np.intp)
        found = _sklearn("cluster").HDBSCAN(min_cluster_size=self.smallest, copy=True)
        clusters: _Clusters = found.fit_predict(vectors).astype(np.intp)
        return clusters


def v_measure(truths: npt.ArrayLike, clusters: npt.ArrayLike) -> float:
    """Return the V-measure of clusters, 0 to 1 (Rosenberg and Hirschberg 2007, section 2).

    >>> v_measure([0, 0, 1, 1], [5, 5, 3, 3])
    1.0
    """
    return float(_sklearn("metrics").v_measure_score(truths, clusters))


def normalised_mutual_information(truths: npt.ArrayLike, clusters: npt.ArrayLike) -> float:
    """Return the mutual information over the greater of the two entropies, 0 to 1.

    Over their mean it would be the V-measure (Vinh et al. 2010, "Information Theoretic Measures for
    Clusterings Comparison", table 2: NMI max).

    >>> normalised_mutual_information([0, 0, 1, 1], [0, 0, 1, 1])
    1.0
    """
    metrics = _sklearn("metrics")
    return float(metrics.normalized_mutual_info_score(truths, clusters, average_method="max"))
