"""A reranker orders; what a score means stays the engine's to say, also where a service fails."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.errors import ModelError, ServiceUnreachable
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Document
from rag_engine.retrieval.rerank import calibrated

PROBABILITIES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30)
TEXTS = {
    "pump": "Die Pumpe braucht jedes Jahr eine neue Dichtung.",
    "filter": "Der Filter wird alle sechs Monate gewechselt.",
    "lift": "Der Aufzug steht sonntags still, wenn niemand im Haus arbeitet.",
    "roof": "Das Dach ist aus Schiefer.",
}


class Scripted:
    """A reranker that says what it is told to, in the order of a knowledge base's texts."""

    name = "scripted"

    def __init__(self, says) -> None:
        self.says = says
        self.read: list[list[str]] = []

    def score(self, question, passages):
        self.read.append(list(passages))
        return self.says(passages)


def by_length(scale=1.0, shift=0.0):
    return lambda passages: np.array([scale * len(text) + shift for text in passages], np.float32)


def unreachable(passages):
    raise ServiceUnreachable("http://rerank.example can not be reached")


@pytest.fixture
def knowledge_base(tmp_path, quick_components):
    opened = []

    def opening(says=None, **settings):
        reranker = None if says is None else Scripted(says)
        parts = dataclasses.replace(quick_components, reranker=reranker)
        kb = KnowledgeBase.open(tmp_path / str(len(opened)), components=parts, **settings)
        kb.add([Document(id=name, text=text) for name, text in TEXTS.items()])
        opened.append(kb)
        return kb

    yield opening
    for kb in opened:
        kb.close()


def min_max(scores):
    """Isotonic regression by its closed form: the least mean of a beginning's greatest... .

    Independent of the one that is tested (Barlow et al. 1972, theorem 1.4; here it falls).
    """
    values = np.asarray(scores, np.float64)
    count = len(values)
    mean = [
        [values[start : end + 1].mean() if start <= end else None for end in range(count)]
        for start in range(count)
    ]
    return [
        min(max(mean[start][end] for end in range(place, count)) for start in range(place + 1))
        for place in range(count)
    ]


@given(PROBABILITIES)
def test_calibrated_scores_are_the_isotonic_regression(scores):
    found = calibrated(np.array(scores, np.float32))
    np.testing.assert_allclose(found, min_max(scores), atol=1e-6)
    assert (np.diff(found) <= 0).all()
    assert found.sum() == pytest.approx(sum(scores), abs=1e-4)


@given(PROBABILITIES)
def test_an_order_that_agrees_changes_nothing(scores):
    falling = np.sort(np.array(scores, np.float32))[::-1]
    assert calibrated(falling).tolist() == falling.tolist()


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-4, 0.0), (50.0, -3_000.0)])
def test_scores_do_not_depend_on_a_rerankers_scale(knowledge_base, scale, shift):
    plain = knowledge_base().search("Dichtung der Pumpe", k=4)
    hits = knowledge_base(by_length(scale, shift)).search("Dichtung der Pumpe", k=4)
    assert [len(hit.chunk.text) for hit in hits] == sorted(map(len, TEXTS.values()), reverse=True)
    by_id = {hit.chunk.document_id: hit.score for hit in plain}
    before = [by_id[hit.chunk.document_id] for hit in hits]
    np.testing.assert_allclose([hit.score for hit in hits], min_max(before), atol=1e-6)
    assert sum(before) == pytest.approx(sum(hit.score for hit in hits), abs=1e-6)


def test_the_least_score_is_the_engines_also_with_a_reranker(knowledge_base):
    plain = knowledge_base().search("Dichtung der Pumpe", k=4)
    least = (plain[0].score + plain[1].score) / 2
    assert least > plain[1].score
    agrees = knowledge_base(lambda texts: -np.arange(len(texts), dtype=np.float32))
    hits = agrees.search("Dichtung der Pumpe", k=4, min_score=least)
    assert [hit.chunk.document_id for hit in hits] == [plain[0].chunk.document_id]


def test_where_a_service_fails_the_order_of_retrieval_stands(knowledge_base, caplog):
    plain = knowledge_base().search("Dichtung der Pumpe", k=4)
    failing = knowledge_base(unreachable)
    hits = failing.search("Dichtung der Pumpe", k=4)
    assert [(hit.chunk_id, hit.score) for hit in hits] == [
        (hit.chunk_id, hit.score) for hit in plain
    ]
    told = "the reranker 'scripted' failed: http://rerank.example can not be reached"
    assert {hit.parts.rerank_failure for hit in hits} == {told}
    assert {hit.parts.rerank for hit in hits} == {None}
    assert {hit.parts.rerank_failure for hit in plain} == {None}
    assert f"{told}; the order of retrieval stands" in caplog.text


def test_an_answer_warns_that_its_passages_were_not_reranked(knowledge_base, monkeypatch):
    kb = knowledge_base(unreachable)
    question = "Wie oft braucht die Pumpe eine neue Dichtung?"
    warnings = kb.ask(question).warnings
    assert sum("can not be reached; the order of retrieval stands" in w for w in warnings) == 1
    assert not any("order of retrieval" in w for w in knowledge_base().ask(question).warnings)


def test_an_evaluation_measures_no_order_that_the_reranker_did_not_make(knowledge_base):
    with pytest.raises(ServiceUnreachable):
        list(knowledge_base(unreachable).rank(["Dichtung"]))


@pytest.mark.parametrize(
    "says",
    [
        lambda texts: np.full(len(texts), np.nan, np.float32),
        lambda texts: np.zeros(len(texts) - 1, np.float32),
        lambda texts: np.zeros((len(texts), 1), np.float32),
    ],
)
def test_scores_that_make_no_order_are_refused(knowledge_base, says):
    with pytest.raises(ModelError, match=r"'scripted' scores each passage .* shape \(4,\)"):
        knowledge_base(says).search("Dichtung", k=4)
