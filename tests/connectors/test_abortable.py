"""An answer that nobody waits for ends at the server too, whatever the model is doing."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial

import anyio
import pytest
from anyio.to_thread import run_sync as in_thread

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.cancellation import Cancellation, Cancelled
from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.connectors.retries import Retries
from rag_engine.errors import ServiceUnreachable
from tests.connectors.scripted_server import chunk, refusal, reply, scripted_server, stream
from tests.waiting import PATIENCE_S

RULE = Document(id="rule", text="Die Pumpe läuft mit acht Bar.")
SETTINGS = Settings.model_validate({"answering": {"min_score": 0.0, "strictness": "eager"}})
LATIN = "The pump runs with a pressure of eight bar, as the manual says in its third chapter [1]. "


class Client:
    """Sees from the server's side what becomes of the connection."""

    def __init__(self):
        self.connected, self.gone = threading.Event(), threading.Event()

    def hung_up(self, handler):
        """Wait for the client to hang up: it sends nothing more before."""
        self.connected.set()
        if handler.connection.recv(1) == b"":
            self.gone.set()

    def before_any_answer(self, handler, request):
        self.hung_up(handler)

    def in_the_middle(self, handler, request):
        stream(chunk(LATIN), lambda: self.hung_up(handler))(handler, request)


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def server():
    with scripted_server() as running:
        yield running


@pytest.fixture
def kb(server, tmp_path, quick_components):
    writer = OpenAICompatibleGenerator(
        base_url=server.url, model="m", timeout_s=2 * PATIENCE_S, backoff_s=2 * PATIENCE_S
    )
    components = replace(quick_components, generator=writer)
    with KnowledgeBase.open(tmp_path / "kb", settings=SETTINGS, components=components) as kb:
        kb.add([RULE])
        yield kb


async def read(kb):
    async for _ in kb.astream("What is the pressure of the pump?", language="en"):
        pass


async def ask(kb):
    await kb.aask("What is the pressure of the pump?", language="en")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("asked", [read, ask])
@pytest.mark.parametrize("when", ["before_any_answer", "in_the_middle"])
def test_a_cancelled_task_closes_the_connection(kb, server, client, backend, asked, when):
    # An answer that is read to its end leaves a connection, which could not be broken off.
    message = {"message": {"role": "assistant", "content": LATIN}, "finish_reason": "stop"}
    whole = reply({"choices": [message]})
    server.script[:] = [whole, getattr(client, when)]

    async def main():
        await kb.aask("What is the pressure of the pump?", language="en")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asked, kb)
            assert await in_thread(client.connected.wait, PATIENCE_S)
            tasks.cancel_scope.cancel()
        assert await in_thread(client.gone.wait, PATIENCE_S)

    anyio.run(main, backend=backend)
    assert len(server.requests) == 2, "it is not asked again"
    kb._workers._answers.shutdown(wait=True)  # its thread is free


def test_a_pause_before_the_next_try_ends_too(kb, server):
    server.script[:] = [refusal(503)]

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read, kb)
            while not server.requests:
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

    anyio.run(main)
    kb._workers._answers.shutdown(wait=True)
    assert len(server.requests) == 1


def test_an_answer_that_is_waited_for_is_whole(kb, server):
    server.script[:] = [stream(chunk(LATIN), chunk("That is all.", "stop"), "[DONE]")]

    async def main():
        return [await kb.aask("What is the pressure of the pump?", language="en") for _ in range(2)]

    first, second = anyio.run(main)
    assert first.text == second.text == LATIN + "That is all."
    assert first.supported


def test_what_is_cancelled_is_not_tried_again():
    stop, tries = Cancellation(), []

    def once():
        tries.append(time.monotonic())
        stop.cancel()
        raise ServiceUnreachable("the connection was shut down")

    work = stop.bound(partial(Retries(max_retries=5, backoff_s=2 * PATIENCE_S).run, once))
    with pytest.raises(Cancelled):
        work()
    assert len(tries) == 1
