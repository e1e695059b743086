"""``rag-engine clusters``: what the passages of a knowledge base are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from rag_engine.connectors.scikit_learn import HdbscanClusterer, KMeansClusterer
from rag_engine.errors import InvalidInput
from rag_engine.health.extent import SAMPLE
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.output import Outcome, safe
from rag_engine.pipelines.progress import Bar
from rag_engine.tasks.clusters import Cluster, Clusterer, Clusters

__all__ = ["Method", "clusters", "made_clusterer"]

Method = Literal["kmeans", "hdbscan"]

_SHOWN_LANGUAGES = 6


def made_clusterer(
    method: Method, *, number: int | None, smallest: int | None, seed: int
) -> Clusterer:
    """Return what clusters.

    Raises:
        InvalidInput: a ``number`` with HDBSCAN, or a ``smallest`` with k-means, where it has no
            effect; or one that can not be meant.
    """
    if method == "hdbscan":
        if number is not None:
            raise InvalidInput(
                "--clusters has no effect with --method hdbscan, which finds their number; set "
                "--smallest"
            )
        return HdbscanClusterer() if smallest is None else HdbscanClusterer(smallest)
    if smallest is not None:
        raise InvalidInput("--smallest has an effect with --method hdbscan alone; set --clusters")
    return KMeansClusterer(number, seed)


def clusters(
    kb: KnowledgeBase, clusterer: Clusterer, *, sample: int = SAMPLE, seed: int = 1
) -> Outcome:
    """Cluster the passages, and say what each cluster is about, and in.

    Raises:
        InvalidInput: fewer than two passages; a ``sample`` or ``seed`` that can not be meant.
        MissingExtra: scikit-learn is not installed.
    """
    with Bar(unit="passage") as bar:
        found = kb.clusters(clusterer, sample=sample, seed=seed, on_stage=bar.stage)
    names = {
        passage.id: f"{passage.chunk.document_id}#{passage.chunk.ordinal}"
        for passage in kb.passages([each for one in found.clusters for each in one.passages])
    }
    result = found.as_dict()
    for cluster, data in zip(found.clusters, result["clusters"], strict=True):
        data["passages"] = [names[each] for each in cluster.passages if each in names]
    return Outcome(result=result, lines=list(_lines(found, names)))


def _lines(found: Clusters, names: dict[int, str]) -> Iterator[str]:
    drawn = (
        ""
        if found.looked_at == found.passages
        else f" of {found.passages:,}, drawn with --seed {found.seed}"
    )
    yield f"{len(found.clusters):,} clusters of {found.looked_at:,} passages{drawn}, {found.method}"
    if found.apart:
        yield f"{len(found.apart):,} passages are in none"
    yield (
        f"language purity {_share(found.purity)} (by chance {_share(found.by_chance)}); "
        f"with the model's own vectors {_share(found.raw_purity)} "
        f"(by chance {_share(found.raw_by_chance)})"
    )
    for number, cluster in enumerate(found.clusters, start=1):
        yield from _cluster(number, cluster, names)


def _cluster(number: int, cluster: Cluster, names: dict[int, str]) -> Iterator[str]:
    counts = list(cluster.languages.items())
    more = f", {len(counts) - _SHOWN_LANGUAGES} more" if len(counts) > _SHOWN_LANGUAGES else ""
    shown = ", ".join(f"{name} {count:,}" for name, count in counts[:_SHOWN_LANGUAGES])
    yield f"{number:>3}. {len(cluster.passages):,} passages: {shown}{more}"
    for language, terms in cluster.terms.items():
        yield f"     [{language}] {safe(', '.join(terms))}"
    if (central := names.get(cluster.passages[0])) is not None:
        yield f"     most central: {safe(central)}"


def _share(value: float | None) -> Any:
    return "-" if value is None else f"{value:.2f}"
