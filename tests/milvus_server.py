"""A real Milvus server for tests: in an environment of its own, started by each file that needs it.

A machine runs one at a time; of several processes of tests, each waits for its turn. Milvus 2.3.5
comes as a package for Linux on x86-64. Where it can not be had, tests that need it are skipped,
loudly; with ``RAG_ENGINE_REQUIRE_MILVUS`` set, they fail instead. A server that runs already is
used if ``RAG_ENGINE_TEST_MILVUS`` holds its address.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag_engine.connectors.embedders.model_cache import cache_folder
from tests.marks import unavailable

_PACKAGES = ("milvus==2.3.5", "setuptools<80")
_SERVE = """
import sys
from milvus import default_server as server
server.set_base_dir(sys.argv[1])
server.listen_port = int(sys.argv[2])
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop()
"""


_FIXED_PORTS = (2379, 2380, 9091)
"""What it listens to beside its own: there is one a machine."""


class Unavailable(Exception):
    """There is no server to be had here."""


def _environment() -> Path:
    """Return the interpreter that has the server, installing it if need be."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise Unavailable("the server's package is for Linux on x86-64")
    home = cache_folder(None) / "milvus-2.3.5"
    python = home / "bin" / "python"
    if not (home / "installed").exists():
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        run = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *_PACKAGES],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise Unavailable(f"it can not be installed: {run.stderr.strip()[-300:]}")
        (home / "installed").touch()
    return python


def _check_ports() -> None:
    for port in _FIXED_PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise Unavailable(f"port {port} is taken, perhaps by another Milvus")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until no other process of the tests installs or runs the server."""
    import fcntl  # there is none on Windows, as there is no server

    home = cache_folder(None)
    home.mkdir(parents=True, exist_ok=True)
    with (home / "milvus-2.3.5.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run a server that keeps its data in ``folder``; gives its address."""
    if sys.platform == "win32":
        raise Unavailable("the server's package is for Linux on x86-64")
    with _turn(), _running(folder) as address:
        yield address


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    _check_ports()
    python, port = _environment(), _free_port()
    with (
        (folder / "server.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [python, "-c", _SERVE, str(folder), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            if server.stdout.readline().strip() != "ready":
                told = (folder / "server.log").read_text(encoding="utf-8")
                raise Unavailable(f"it did not start: {told.strip()[-300:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stdin.close()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


@pytest.fixture(scope="module")
def milvus_server(tmp_path_factory) -> Iterator[str]:
    """Give the address of a real Milvus server."""
    if address := os.environ.get("RAG_ENGINE_TEST_MILVUS"):
        yield address
        return
    try:
        with running(tmp_path_factory.mktemp("milvus")) as address:
            yield address
    except Unavailable as reason:
        unavailable("milvus", f"no Milvus server: {reason}")


@pytest.fixture(scope="session")
def milvus_lite(tmp_path_factory) -> str:
    """Give the file of a Milvus Lite."""
    return str(tmp_path_factory.mktemp("lite") / "tests.db")
