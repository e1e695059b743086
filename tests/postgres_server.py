"""A real PostgreSQL server for tests: the machine's own, or the one that ``pgserver`` carries.

``RAG_ENGINE_TEST_POSTGRES`` names one that runs already (``postgresql://user@host/database``);
tests that restart one start their own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.marks import unavailable

_WAIT_S = 30


class Unavailable(Exception):
    """There is no server here, and why."""


def _programs() -> Path:
    """Return the folder of initdb and postgres."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    carried = find_spec("pgserver")
    if carried is not None and carried.origin is not None:
        folders.append(Path(carried.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise Unavailable("neither initdb on the PATH, nor /usr/lib/postgresql, nor pgserver")


def _user() -> str | None:
    """Return whom the server runs as: it refuses to be root."""
    return "nobody" if os.geteuid() == 0 else None


class PostgresServer:
    """A server of its own, with its data in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = _programs()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        if _user() is not None:
            shutil.chown(folder, _user())
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(
            [
                *(self._programs / "initdb", "-D", folder / "data", "-U", "rag", "-A", "trust"),
                *("-E", "UTF8", "--no-locale", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=_user(),
            cwd=folder,
        )

    @property
    def address(self) -> str:
        """The address of its database, without a knowledge base's name."""
        return f"postgresql://rag@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        import psycopg

        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", self._folder / "data"),
                    *("-p", str(self._port), "-k", str(self._folder)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "max_connections=100"),
                ],
                stdout=log,
                stderr=log,
                user=_user(),
                cwd=self._folder,
            )
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                psycopg.connect(self.address, connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > until or self._process.poll() is not None:
                    told = (self._folder / "server.log").read_text(encoding="utf-8")
                    raise Unavailable(f"it did not start: {told[-300:]}") from error
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_WAIT_S)
            self._process = None

    def restart(self) -> None:
        """Stop it and start it again, at the same address."""
        self.stop()
        self.start()


@contextmanager
def running() -> Iterator[PostgresServer]:
    """Run a server; its socket needs a short path."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[PostgresServer]:
    """Give a server that a test may restart."""
    try:
        with running() as server:
            yield server
    except Unavailable as reason:
        unavailable("postgres", f"no PostgreSQL server: {reason}")


@pytest.fixture(scope="session")
def postgres_address(request: pytest.FixtureRequest) -> str:
    """Give the address of a database of a real server."""
    if address := os.environ.get("RAG_ENGINE_TEST_POSTGRES"):
        return address
    server: PostgresServer = request.getfixturevalue("own_postgres")
    return server.address


@pytest.fixture
def kb_address(
    postgres_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Give the address of a knowledge base that is not there yet; a cache of its own beside."""
    import psycopg

    monkeypatch.setenv("RAG_ENGINE_CACHE", str(tmp_path / "cache"))
    name = f"kb_{uuid.uuid4().hex[:12]}"
    yield f"{postgres_address}?kb={name}"
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")  # type: ignore[arg-type]
