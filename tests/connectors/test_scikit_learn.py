"""scikit-learn's k-means and HDBSCAN."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rag_engine.connectors.scikit_learn import HdbscanClusterer, KMeansClusterer
from rag_engine.errors import InvalidInput, MissingExtra

CORNERS = np.eye(4, dtype=np.float32).repeat(6, axis=0)


@pytest.mark.parametrize("clusterer", [KMeansClusterer(4), HdbscanClusterer(3)])
def test_equal_vectors_are_one_cluster(clusterer):
    found = clusterer.assign(CORNERS)
    assert len(set(found.tolist())) == 4
    assert all(len(set(found[start : start + 6].tolist())) == 1 for start in range(0, 24, 6))


def test_fewer_different_vectors_than_clusters_are_no_warning():
    assert len(set(KMeansClusterer(6).assign(CORNERS).tolist())) == 4
    assert HdbscanClusterer(5).assign(CORNERS[:3]).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("number", [0, 1, -3, 2.0, True, "7"])
def test_numbers_that_can_not_be_meant_are_refused(number):
    with pytest.raises(InvalidInput, match="2 or more"):
        KMeansClusterer(number)
    with pytest.raises(InvalidInput, match="2 or more"):
        HdbscanClusterer(number)


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(MissingExtra, match=r"rag-engine\[cluster\]"):
        KMeansClusterer(2).assign(CORNERS)
