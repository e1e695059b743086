"""Searches whose question is translated first: who waits for the model holds up no other search."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest import mock

import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.cancellation import Cancelled, check_cancelled
from rag_engine.connectors.http.limits import Limits
from rag_engine.connectors.http.service import Service
from rag_engine.pipelines.serve import ServeOptions, open_service
from tests.connectors.http.raw import connect, head
from tests.connectors.http.service import client_of, headers, serving, write_keys
from tests.test_translations import ENGLISH, QUESTION, TEXTS
from tests.waiting import PATIENCE_S, wait_until


class Model:
    """Translates once it is let go on."""

    name, quotes = "model", False

    def __init__(self):
        self.asked, self.go, self.stopped = threading.Event(), threading.Event(), []

    def generate(self, prompt):
        self.asked.set()
        while not self.go.wait(0.01):
            try:
                check_cancelled()
            except Cancelled:
                self.stopped.append(prompt.question)
                raise
        yield ENGLISH


@pytest.fixture
def model():
    made = Model()
    yield made
    made.go.set()


@pytest.fixture
def service(tmp_path, real_components, model):
    """Yield a service with one worker a pool, whose settings want English."""
    retrieval = {"translate": ["en"], "translate_timeout_s": PATIENCE_S}
    settings = Settings.model_validate({"retrieval": retrieval})
    components = replace(real_components, generator=model)
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add([Document(id=name, text=text) for name, text in TEXTS.items()])
    limits = Limits(search_workers=1, ask_workers=1, max_wait_s=PATIENCE_S)
    keys = write_keys(tmp_path / "keys.toml")
    options = ServeOptions(kb=tmp_path / "kb", keys=keys, settings=settings)
    with (
        mock.patch("rag_engine.connectors.wiring.build_components", return_value=components),
        open_service(options) as opened,
    ):
        yield Service(tenants=opened.tenants, keys=opened.keys, limits=limits)


def test_a_translation_that_is_waited_for_holds_up_no_other_search(service, model):
    with (
        serving(service) as url,
        client_of(url) as client,
        client_of(url) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        waiting = thread.submit(client.post, "/v1/search", json={"question": QUESTION})
        assert model.asked.wait(PATIENCE_S)
        assert (service.searching.under_way, service.answering.under_way) == (0, 1)
        # One that is in English already asks no model, and waits for no worker that answers.
        found = other.post("/v1/search", json={"question": ENGLISH}).json()["hits"]
        assert found[0]["document"] == "filtre"
        assert found[0]["parts"]["translations"] == []
        assert not waiting.done()
        model.go.set()
        reply = waiting.result(PATIENCE_S)
    assert reply.status_code == 200
    [first, *_] = reply.json()["hits"]
    assert first["parts"]["translations"] == [ENGLISH]
    kb = service.tenants.of("default").kb
    assert first["score"] == pytest.approx(kb.search(QUESTION)[0].score, abs=1e-6)


def test_who_hangs_up_stops_the_model(service, model):
    body = b'{"question":"%s"}' % QUESTION.encode()
    key = "Authorization: " + headers("read")["Authorization"]
    lines = [key, "Content-Type: application/json", f"Content-Length: {len(body)}"]
    with serving(service) as url:
        with connect(url) as client:
            client.sendall(head("POST", "/v1/search", *lines) + body)
            assert model.asked.wait(PATIENCE_S)
        wait_until(lambda: model.stopped == [QUESTION])
        wait_until(lambda: service.answering.under_way == 0)
        assert service.searching.under_way == 0
