"""Clusters are about something, not in something."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.scikit_learn import HdbscanClusterer, KMeansClusterer
from rag_engine.errors import InvalidInput
from rag_engine.tasks.cluster_terms import ClusterTerms
from rag_engine.tasks.clusters import chance_purity, language_purity, usual_number
from tests.doubles import HashEmbedder
from tests.tasks.test_similarity import SENTENCES


@pytest.fixture(scope="module")
def kb(tmp_path_factory, bundled_e5):
    path = tmp_path_factory.mktemp("clusters") / "kb"
    with KnowledgeBase.open(path, embedder=bundled_e5) as opened:
        opened.add(
            Document(id=f"{language}-{place}", text=text, language_hint=language)
            for language, texts in SENTENCES.items()
            for place, text in enumerate(texts)
        )
        yield opened


def contents(kb, cluster):
    return [each.chunk.document_id.split("-")[1] for each in kb.passages(cluster.passages)]


def test_three_subjects_in_ten_languages_are_three_clusters(kb):
    found = kb.clusters(KMeansClusterer(3))
    assert len(found.clusters) == 3
    told = [contents(kb, cluster) for cluster in found.clusters]
    right = sum(max(map(each.count, each)) for each in told)
    assert right >= 27  # of 30
    assert found.purity < 0.2
    assert found.raw_purity >= found.purity
    assert sorted(len(each) for each in told) == sorted(
        sum(cluster.languages.values()) for cluster in found.clusters
    )
    assert found.as_dict()["looked_at"] == 30


def test_hdbscan_leaves_out_what_belongs_to_none(kb):
    clusterer = SimpleNamespace(
        name="all but one", assign=lambda vectors: np.array([-1] + [4] * (len(vectors) - 1))
    )
    found = kb.clusters(clusterer)
    assert len(found.apart) == 1
    assert len(found.clusters[0].passages) == 29
    many = kb.clusters(HdbscanClusterer(2))
    placed = [each for cluster in many.clusters for each in cluster.passages]
    assert sorted([*placed, *many.apart]) == kb.passage_ids()
    none = kb.clusters(HdbscanClusterer(30))
    assert (none.clusters, none.purity, none.by_chance) == ((), None, None)


def test_of_a_larger_one_a_sample_is_drawn(kb):
    found = kb.clusters(KMeansClusterer(2), sample=10, seed=3)
    assert (found.looked_at, found.passages) == (10, 30)
    assert found == kb.clusters(KMeansClusterer(2), sample=10, seed=3)


def test_what_can_not_be_clustered_is_refused(kb, tmp_path):
    with pytest.raises(InvalidInput, match="31"):
        kb.clusters(KMeansClusterer(31))
    with pytest.raises(InvalidInput, match="sample is a whole number, 2 to 20,000; got 1"):
        kb.clusters(KMeansClusterer(2), sample=1)
    with KnowledgeBase.open(tmp_path / "kb", embedder=HashEmbedder()) as empty:
        for text in ("", "Die Pumpe."):
            empty.add([Document(id="1", text=text)])
            with pytest.raises(InvalidInput, match="two passages or more"):
                empty.clusters(KMeansClusterer())


def test_chance_is_what_the_sizes_and_languages_give():
    clusters, codes = np.arange(1000) % 2, np.arange(1000) // 2 % 5
    assert language_purity(clusters, codes) == pytest.approx(0.2)
    assert chance_purity(clusters, codes) == pytest.approx(0.22, abs=0.02)
    assert language_purity(codes, codes) == 1.0
    assert chance_purity(codes, codes) == pytest.approx(0.25, abs=0.02)
    assert [usual_number(count) for count in (1, 2, 3, 50)] == [1, 2, 2, 5]


def test_terms_are_what_others_of_the_language_do_not_say():
    terms = ClusterTerms()
    for text, cluster in [
        ("Die Pumpe läuft, sagt Anna.", 0),
        ("Eine Pumpe steht, sagt Anna.", 0),
        ("Die Wahl ist am Sonntag, sagt Anna.", 1),
        ("Nach der Wahl, sagt Anna.", 1),
        ("Die Dichtung der Pumpe, sagt Anna.", -1),
    ]:
        terms.add(text, "de", cluster)
    terms.add("Le scrutin et le scrutin.", "fr", 1)
    assert terms.of(0, "de", most=5) == ["pumpe"]  # all say "sagt Anna", one says "läuft"
    assert terms.of(1, "de", most=5) == ["wahl"]
    assert terms.of(1, "fr", most=5) == []  # there is no other French text
