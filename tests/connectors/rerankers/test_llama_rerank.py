"""The ``/rerank`` connector against llama.cpp, with a reranker of random weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.rerankers.http_rerank import HttpReranker
from rag_engine.errors import ServiceRefused
from tests.connectors.tiny_gguf import CONTEXT, save_gguf_reranker
from tests.llama_server import Unavailable, serving
from tests.marks import unavailable

QUESTION = "Wann wird der Filter gewechselt?"
TEXTS = [
    "Der Filter wird im Keller gewechselt.",
    "Die Pumpe steht im Keller.",
    "Das Dach ist dicht.",
    "Wann der Filter gewechselt wird, ist der Pumpe gleich.",
]


@pytest.fixture(scope="module")
def reranking(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    try:
        model = save_gguf_reranker(folder / "tiny.gguf")
        with serving(model, "tiny", folder / "server.log", rerank=True) as server:
            yield server
    except Unavailable as reason:
        unavailable("llm", f"no llama.cpp server: {reason}")


@pytest.fixture
def reranker(reranking):
    made = HttpReranker(base_url=reranking.base_url, model=reranking.model, timeout_s=60)
    yield made
    made.close()


def test_logits_are_those_of_the_passages_in_any_order_and_batch(reranking, reranker):
    scores = reranker.score(QUESTION, TEXTS)
    assert np.ptp(scores) > 0.1  # else it tells nothing apart, and neither would the test
    assert scores.min() < 0 or scores.max() > 1
    assert np.allclose(reranker.score(QUESTION, TEXTS[::-1])[::-1], scores, atol=1e-3)
    one_by_one = HttpReranker(
        base_url=reranking.base_url, model=reranking.model, batch_size=1, timeout_s=60
    )
    assert np.allclose(one_by_one.score(QUESTION, TEXTS), scores, atol=1e-3)
    one_by_one.close()


def test_what_is_longer_than_its_context_is_shortened_until_it_fits(reranker):
    long = "die pumpe " * CONTEXT
    scores = reranker.score(QUESTION, [TEXTS[0], long])
    assert np.isfinite(scores).all()
    assert scores[0] == pytest.approx(reranker.score(QUESTION, TEXTS[:1])[0], abs=1e-3)
    with pytest.raises(ServiceRefused, match="context"):
        reranker.score("der " * CONTEXT, ["die pumpe"])


def test_a_search_is_in_its_order(reranker, tmp_path, quick_components):
    parts = dataclasses.replace(quick_components, reranker=reranker)
    with KnowledgeBase.open(tmp_path / "kb", components=parts) as kb:
        kb.add([Document(id=text, text=text) for text in TEXTS])
        hits = kb.search(QUESTION, k=4)
    expected = dict(zip(TEXTS, reranker.score(QUESTION, TEXTS).tolist(), strict=True))
    assert [hit.chunk.text for hit in hits] == sorted(TEXTS, key=lambda text: -expected[text])
    assert [hit.parts.rerank for hit in hits] == pytest.approx(
        sorted(expected.values(), reverse=True), abs=1e-3
    )
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
