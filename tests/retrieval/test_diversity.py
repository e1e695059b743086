"""Maximal marginal relevance, against its definition; hits that say different things."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import InvalidInput, InvalidVectors
from rag_engine.retrieval.diversity import marginal_order, relevance
from rag_engine.settings import Settings
from tests.test_twin_hits import RULES

SHARES = st.integers(0, 4).map(lambda quarters: quarters / 4)


@st.composite
def pools(draw):
    size = draw(st.integers(1, 6))
    relevances = draw(st.lists(SHARES, min_size=size, max_size=size))
    likeness = draw(st.lists(SHARES, min_size=size * size, max_size=size * size))
    return relevances, np.array(likeness, np.float32).reshape(size, size)


def by_definition(relevances, likeness, k, weight):
    chosen = []
    while len(chosen) < min(k, len(relevances)):
        left = [place for place in range(len(relevances)) if place not in chosen]

        def marginal(place):
            nearest = max((likeness[before, place] for before in chosen), default=0)
            return weight * relevances[place] - (1 - weight) * nearest

        chosen.append(max(left, key=marginal))
    return chosen


@given(pools(), st.integers(1, 7), SHARES)
def test_the_order_is_that_of_the_definition(pool, k, weight):
    relevances, likeness = pool
    found = marginal_order(np.array(relevances, np.float32), likeness, k=k, weight=weight)
    assert found == by_definition(relevances, likeness, k, weight)


def test_relevance_is_relative_and_keeps_a_rerankers_order():
    assert relevance([], probable=True).tolist() == []
    assert relevance([0.3], probable=True).tolist() == [1.0]
    assert relevance([0.2, 0.2], probable=False).tolist() == [1.0, 1.0]
    assert relevance([12.0, 6.0, 0.0], probable=False).tolist() == [1.0, 0.5, 0.0]
    assert np.isfinite(relevance([1.0, 0.5, 0.0], probable=True)).all()
    reranked = relevance([0.2, 0.9, 0.1], probable=True)
    assert reranked[0] == reranked[1] == 1 > reranked[2] == 0


@pytest.fixture(scope="module")
def kb(tmp_path_factory, real_components):
    path = tmp_path_factory.mktemp("diversity") / "kb"
    ungrouped = Settings.model_validate({"retrieval": {"group_twins": False}})
    with KnowledgeBase.open(path, components=real_components, settings=ungrouped) as kb:
        kb.add(
            Document(id=f"{rule}-{code}", text=text)
            for rule, texts in RULES.items()
            for code, text in texts.items()
        )
        yield kb


def rules(hits):
    return [hit.chunk.document_id.split("-")[0] for hit in hits]


def test_hits_say_different_things_in_whatever_language(kb):
    hits = kb.search("When must the seal be replaced?", k=100)
    diverse = kb.diverse(hits, k=len(RULES), relevance=0.3)
    assert rules(diverse)[0] == "seal"
    assert len(set(rules(diverse))) > len(set(rules(hits[: len(RULES)])))
    assert [hit.rank for hit in diverse] == list(range(1, len(RULES) + 1))
    assert {hit.chunk_id for hit in diverse} <= {hit.chunk_id for hit in hits}


def test_full_relevance_keeps_the_order(kb):
    hits = kb.search("When must the seal be replaced?", k=10)
    assert kb.diverse(hits, k=10, relevance=1) == hits
    assert kb.diverse(hits, k=3, relevance=1) == hits[:3]
    assert kb.diverse([], k=3) == []


def test_what_can_not_be_meant_is_refused(kb):
    hits = kb.search("seal", k=3)
    for wrong in ({"k": 0}, {"k": 2, "relevance": 1.1}, {"k": 2, "relevance": True}):
        with pytest.raises(InvalidInput):
            kb.diverse(hits, **wrong)


def test_passages_that_are_gone_meanwhile_are_like_nothing(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add([Document(id=name, text=f"lamp {name}") for name in "abc"])
        hits = kb.search("lamp", k=3)
        kb.delete([hits[1].chunk.document_id])
        kb.compact()
        assert len(kb.diverse(hits, k=3)) == 3


def test_search_by_vector_is_search_by_cosine(tmp_path, real_components, bundled_e5):
    texts = [text for of_rule in RULES.values() for text in of_rule.values()]
    settings = Settings.model_validate({"retrieval": {"mode": "dense"}})
    with KnowledgeBase.open(
        tmp_path / "kb", components=real_components, settings=settings
    ) as dense:
        dense.add(Document(id=str(number), text=text) for number, text in enumerate(texts))
        for language, question in (("en", "When must the seal be replaced?"), ("de", "Filter")):
            [vector] = bundled_e5.embed_queries([question])
            by_text = dense.search(question, k=9, language=language)
            by_vector = dense.search_by_vector(vector, k=9, language=language)
            assert [hit.chunk_id for hit in by_vector] == [hit.chunk_id for hit in by_text]
            assert [hit.score for hit in by_vector] == pytest.approx(
                [hit.score for hit in by_text], abs=1e-4
            )
            least = by_vector[2].score
            assert len(dense.search_by_vector(vector, k=9, language=language, min_score=least)) == 3
            assert {hit.query_language for hit in dense.search_by_vector(vector)} == {"und"}


def test_vectors_and_options_that_are_none_are_refused(kb, bundled_e5):
    [vector] = bundled_e5.embed_queries(["seal"])
    for wrong in ([1.0], vector * 0, vector * np.nan, [["x"]], [vector, vector]):
        with pytest.raises(InvalidVectors):
            kb.search_by_vector(wrong)
    for wrong in ({"k": 0}, {"min_score": 2}, {"language": "??"}):
        with pytest.raises(InvalidInput):
            kb.search_by_vector(vector, **wrong)


def test_an_empty_knowledge_base_has_no_hits(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        assert kb.search_by_vector(np.ones(128)) == []
