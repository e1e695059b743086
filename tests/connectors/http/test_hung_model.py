"""A real service is stopped while a model's server, which never answers, holds up all it does."""

from __future__ import annotations

import signal
import threading
import tomllib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from rag_engine import Document, KnowledgeBase, Settings
from tests.connectors.scripted_server import reply, scripted_server
from tests.trials.served import served
from tests.waiting import PATIENCE_S, wait_until

HANGS = "Das hängt."
SETTINGS = """
answering.min_score = 0
answering.strictness = "eager"
fairness.enabled = false
[embedder]
kind = "openai-compatible"
model = "m"
base_url = "{url}"
[generator]
kind = "openai-compatible"
model = "m"
base_url = "{url}"
timeout_s = 86400
"""


@pytest.fixture
def model():
    """Yield a server that embeds all but one text, and never answers a question."""
    with scripted_server() as server:
        ended = threading.Event()

        def step(handler, request):
            texts = request.body.get("input", [HANGS])  # a question to the model has none
            if any(HANGS in text for text in texts):
                ended.wait(PATIENCE_S)
                return
            data = [{"index": n, "embedding": [1.0, 0.5, 0.25]} for n, _ in enumerate(texts)]
            reply({"model": "m", "data": data})(handler, request)

        server.script.append(step)
        yield server
        ended.set()


def test_a_stop_beside_it_ends_and_says_what_is_kept(tmp_path: Path, model):
    settings = Settings.model_validate(tomllib.loads(SETTINGS.format(url=model.url)))
    with KnowledgeBase.open(tmp_path / "kb", settings=settings) as kb:
        kb.add([Document(id="a", text="Die Pumpe braucht Wasser.")])
    with (
        served(tmp_path, "--kb", str(tmp_path / "kb"), "--grace", "3") as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_S, trust_env=False) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        waiting: list[Future[httpx.Response]] = [
            threads.submit(client.post, "/v1/ask", json={"question": "Was braucht die Pumpe?"}),
            threads.submit(
                client.post,
                "/v1/files",
                files=[
                    ("files", ("b.txt", b"Der Filter.")),
                    ("files", ("c.txt", HANGS.encode())),
                ],
            ),
        ]
        wait_until(lambda: any(HANGS in str(each.body) for each in model.requests))
        wait_until(lambda: any(each.path.endswith("/completions") for each in model.requests))
        service.process.send_signal(signal.SIGTERM)
        asked, sent = (each.result(PATIENCE_S) for each in waiting)
        assert (asked.status_code, asked.json()["error"]["code"]) == (503, "stopping")
        assert (sent.status_code, sent.json()["error"]["code"]) == (503, "stopped")
        assert "kept are b.txt: send c.txt" in sent.json()["error"]["message"]
        assert service.process.wait(PATIENCE_S) == 0
