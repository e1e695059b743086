"""The ``/rerank`` connector against a real server, which serves well, badly and out of order."""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, SecretStr

from rag_engine.connectors.rerankers.http_rerank import HttpReranker
from rag_engine.errors import (
    InvalidInput,
    ServiceMalformed,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
    SettingsError,
)
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.ports import Reranker
from rag_engine.records import Document
from tests.connectors.scripted_server import hang_up, refusal, reply, scripted_server

KEY = "sk-geheim-4711-0815"
QUESTION = "Wann wird der Filter gewechselt?"
TEXTS = [
    "Der Filter wird im März gewechselt.",
    "Die Pumpe steht im Keller.",
    "Filter und Pumpe werden gewechselt.",
    "Das Dach ist dicht.",
    "Wann der Filter gewechselt wird, steht im Plan.",
]


def overlap(question, text):
    """Score by shared words, as a logit: the double's own model."""
    words, other = (set(each.lower().strip("?.").split()) for each in (question, text))
    return 3.0 * len(words & other) - 4.0


class CohereRequest(BaseModel, extra="forbid"):
    model: str
    query: str
    documents: list[str]
    top_n: int


class TeiRequest(BaseModel, extra="forbid"):
    query: str
    texts: list[str]
    truncate: bool


class Served:
    """A server of both protocols, as strict about requests as they are documented."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.keys: set[str | None] = set()
        app = FastAPI()

        @app.post("/v2/rerank")
        def cohere(body: CohereRequest, request: Request):
            self._seen(request, body.documents)
            if body.model != "bge-reranker":
                raise HTTPException(404, f"no model {body.model}")
            scores = [1 / (1 + np.exp(-overlap(body.query, text))) for text in body.documents]
            best = sorted(range(len(scores)), key=lambda index: -scores[index])[: body.top_n]
            rows = [{"index": index, "relevance_score": float(scores[index])} for index in best]
            return {"id": "r-1", "results": rows, "meta": {"api_version": {"version": "2"}}}

        @app.post("/rerank")
        def tei(body: TeiRequest, request: Request):
            self._seen(request, body.texts)
            scores = [overlap(body.query, text) for text in body.texts]
            best = sorted(range(len(scores)), key=lambda index: -scores[index])
            return [{"index": index, "score": scores[index]} for index in best]

        self._server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def _seen(self, request, texts):
        self.sizes.append(len(texts))
        self.keys.add(request.headers.get("authorization"))

    def __enter__(self) -> Served:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def served():
    with Served() as server:
        yield server


@pytest.mark.parametrize(("protocol", "path"), [("cohere", "/v2/"), ("tei", "")])
def test_both_protocols_of_a_real_server(served, protocol, path):
    served.sizes.clear()
    served.keys.clear()
    reranker = HttpReranker(
        base_url=served.url + path,
        model="bge-reranker",
        protocol=protocol,
        api_key=SecretStr(KEY),
        batch_size=2,
    )
    assert isinstance(reranker, Reranker)
    assert reranker.name == "bge-reranker"
    scores = reranker.score(QUESTION, TEXTS)
    logits = np.array([overlap(QUESTION, text) for text in TEXTS])
    expected = logits if protocol == "tei" else 1 / (1 + np.exp(-logits))
    assert scores.dtype == np.float32
    assert np.allclose(scores, expected, atol=1e-6)
    assert len(set(scores.tolist())) > 2
    assert served.sizes == [2, 2, 1]
    assert served.keys == {f"Bearer {KEY}"}
    assert reranker.score(QUESTION, []).shape == (0,)
    assert KEY not in repr(reranker)
    reranker.close()


def test_a_server_that_speaks_the_other_protocol_refuses_and_is_named(served):
    reranker = HttpReranker(base_url=served.url, model="bge-reranker", max_retries=0)
    with pytest.raises(ServiceRefused, match="status 422"):
        reranker.score("?", ["a"])
    unknown = HttpReranker(base_url=f"{served.url}/v2", model="other", max_retries=0)
    with pytest.raises(ServiceRefused, match=r"no model other.*up to what stands before /rerank"):
        unknown.score("?", ["a"])


@pytest.fixture
def scripted():
    with scripted_server() as server:
        yield server


@pytest.fixture
def reranker(scripted):
    made = []

    def make(*script, **options):
        scripted.script[:] = script
        options = {"timeout_s": 5, "backoff_s": 0.01, **options}
        made.append(HttpReranker(base_url=scripted.url, model="served", **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def rows(*scores, indexes=None):
    indexes = range(len(scores)) if indexes is None else indexes
    pairs = zip(indexes, scores, strict=True)
    return reply({"results": [{"index": i, "relevance_score": score} for i, score in pairs]})


def test_it_sends_what_the_protocol_asks_for(scripted, reranker, monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_RERANK_API_KEY", KEY)
    assert reranker(rows(2.5, -1)).score("Wo?", ["Hier.", "Dort."]).tolist() == [2.5, -1]
    [request] = scripted.requests
    assert request.path == "/v1/rerank"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "served",
        "query": "Wo?",
        "documents": ["Hier.", "Dort."],
        "top_n": 2,
    }
    reranker(rows(1), protocol="tei").score("Wo?", ["Hier."])
    assert scripted.requests[-1].body == {"query": "Wo?", "texts": ["Hier."], "truncate": True}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (rows(1.0), r"2 passages, and scores with the indexes \[0\]"),
        (rows(1.0, 2.0, 3.0), r"indexes \[0, 1, 2\]"),
        (rows(1.0, 2.0, indexes=[0, 0]), r"indexes \[0, 0\]"),
        (rows(1.0, 2.0, indexes=[1, 2]), r"indexes \[1, 2\]"),
        (rows(1.0, 2.0, indexes=[-1, 0]), r"indexes \[-1, 0\]"),
        (rows(float("nan"), 1.0), "NaN or infinity"),
        (rows(1e300, 1.0), "NaN or infinity"),
        (rows(None, 1.0), "valid number"),
        (rows("0.5", 1.0), "valid number"),
        (rows(1.0, 2.0, indexes=["0", "1"]), "valid integer"),
        (reply({"results": None}), "valid array"),
        (reply({"data": []}), "results: Field required"),
        (reply(b"<html>"), "Invalid JSON"),
        (reply([1, 2]), "should be an object"),
    ],
)
def test_answers_that_can_not_be_used_are_told(reranker, answer, told):
    with pytest.raises(ServiceMalformed, match=told):
        reranker(answer).score("?", ["a", "b"])


def test_a_failure_that_passes_is_no_failure(scripted, reranker):
    used = reranker(refusal(503), hang_up, rows(1.0, 2.0), max_retries=2)
    assert used.score("?", ["a", "b"]).tolist() == [1, 2]
    assert len(scripted.requests) == 3


def test_failures_are_typed_and_end(scripted, reranker):
    with pytest.raises(ServiceRefused, match="RAG_ENGINE_RERANK_API_KEY") as refused:
        reranker(refusal(401, f"bad key {KEY}"), api_key=SecretStr(KEY)).score("?", ["a"])
    assert KEY not in str(refused.value)
    assert len(scripted.requests) == 1
    with pytest.raises(ServiceUnreachable):
        reranker(hang_up, max_retries=1).score("?", ["a"])
    assert len(scripted.requests) == 3
    late = threading.Event()
    try:
        with pytest.raises(ServiceTimeout, match=r"within 0\.2 s"):
            reranker(lambda handler, request: late.wait(30), timeout_s=0.2).score("?", ["a"])
    finally:
        late.set()


def test_odd_and_long_texts_never_crash(scripted, reranker):
    def serve(handler, request):
        rows(*range(len(request.body["documents"])))(handler, request)

    odd = ["", "\ud800 halb", "水" * 5_000, "a" * 100_000, "\x00"]
    assert reranker(serve, max_tokens=100).score("", odd).tolist() == [0, 1, 2, 3, 4]
    sent = scripted.requests[-1].body
    assert sent["documents"][:3] == [" ", "? halb", "水" * 100]
    assert len(sent["documents"][3]) == 300
    assert sent["query"] == " "


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_passages_that_the_server_finds_too_long_are_shortened(scripted, reranker, status, caplog):
    def picky(handler, request):
        texts = request.body["documents"]
        longest = max(map(len, texts))
        step = refusal(status, "too long") if longest > 200 else rows(*map(len, texts))
        step(handler, request)

    used = reranker(picky, max_retries=0)
    assert used.score("?", ["kurz", "lang " * 120]).tolist() == [4, 150]
    assert "too long" in caplog.text
    with pytest.raises(ServiceRefused):
        reranker(refusal(status, "too long"), max_retries=0).score("?", ["lang " * 120])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"model": ""}, InvalidInput),
        ({"protocol": "grpc"}, InvalidInput),
        ({"batch_size": 0}, InvalidInput),
        ({"max_tokens": 2}, InvalidInput),
        ({"timeout_s": 0}, InvalidInput),
        ({"base_url": "rerank.example"}, SettingsError),
        ({"base_url": "https://me:secret@rerank.example"}, SettingsError),
    ],
)
def test_values_out_of_range(wrong, error):
    with pytest.raises(error) as caught:
        HttpReranker(**{"base_url": "http://127.0.0.1:9", "model": "m", **wrong})
    assert "secret" not in str(caught.value)


def test_a_search_is_reranked_by_the_server_and_goes_on_without_it(
    served, tmp_path, quick_components
):
    documents = [Document(id=str(number), text=text) for number, text in enumerate(TEXTS)]
    with Served() as server:
        reranker = HttpReranker(
            base_url=f"{server.url}/v2", model="bge-reranker", max_retries=0, timeout_s=5
        )
        parts = dataclasses.replace(quick_components, reranker=reranker)
        kb = KnowledgeBase.open(tmp_path / "kb", components=parts)
        kb.add(documents)
        before = kb.search(QUESTION, k=5)
    after = kb.search(QUESTION, k=5)
    kb.close()
    best = max(TEXTS, key=lambda text: overlap(QUESTION, text))
    assert before[0].chunk.text == best
    scores = [hit.score for hit in before]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert all(hit.parts.rerank_failure is None for hit in before)
    assert [hit.parts.rank_before_rerank for hit in after] == [1, 2, 3, 4, 5]
    assert all("can not be reached" in hit.parts.rerank_failure for hit in after)
