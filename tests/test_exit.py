"""A call that was given up holds up no process: one ends when its main part does."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.waiting import PATIENCE_S

CHILD = """
import asyncio, sys
from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.connectors.rerankers.http_rerank import HttpReranker
from tests.doubles import HashEmbedder

path, url, asked = sys.argv[1:]
server = dict(base_url=url, model="m", timeout_s=80_000, max_retries=9)
parts = (
    dict(generator=OpenAICompatibleGenerator(**server))
    if asked != "asearch"
    else dict(reranker=HttpReranker(**server))
)
settings = Settings.model_validate({"answering": {"min_score": 0, "strictness": "eager"}})

async def main(kb):
    async def read():
        async for piece in kb.astream("Pumpe"):
            pass
    work = read() if asked == "astream" else getattr(kb, asked)("Pumpe")
    try:
        await asyncio.wait_for(work, 0.5)
    except TimeoutError:
        print("given up", flush=True)

with KnowledgeBase.open(path, embedder=HashEmbedder(), settings=settings, **parts) as kb:
    kb.add([Document(id="1", text="Die Pumpe.")])
    asyncio.run(main(kb))
"""


@contextmanager
def silent(*, connects: bool):
    """Yield the address of a server that takes a connection, or not even that, and is silent."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16 if connects else 0)
        waiting = []
        try:
            for _ in range(0 if connects else 4):  # these fill up what the kernel takes by itself
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(listening.getsockname())
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            for each in waiting:
                each.close()


@pytest.mark.parametrize("connects", [True, False], ids=["answers nothing", "can not be reached"])
@pytest.mark.parametrize("asked", ["aask", "astream", "asearch"])
def test_a_call_that_was_given_up_does_not_hold_up_the_exit(tmp_path, asked, connects):
    with silent(connects=connects) as url:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path / "kb"), url, asked],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            told, _ = child.communicate(timeout=PATIENCE_S)  # the model has most of a day
        finally:
            child.kill()
    assert (told, child.returncode) == ("given up\n", 0)
