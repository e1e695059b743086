"""A real server on a free port, in a thread of the tests' own process."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from rag_engine.connectors.http.app import create_app
from rag_engine.connectors.http.service import Service
from tests.waiting import PATIENCE_S, wait_until

ROLES = ("read", "write", "admin")
QUESTION = "How long does the warranty last?"


def secret(tenant: str, role: str) -> str:
    return f"secret-{tenant}-{role}"


def headers(role: str, tenant: str = "default") -> dict[str, str]:
    return {"Authorization": f"Bearer {secret(tenant, role)}"}


def write_keys(path: Path, tenants: tuple[str, ...] = ()) -> Path:
    """Write a file with a key for each tenant and role, and one for metrics."""
    entries = []
    for tenant in tenants or ("default",):
        for role in ROLES:
            digest = hashlib.sha256(secret(tenant, role).encode()).hexdigest()
            entry = f'[[key]]\nname = "{tenant} {role}"\nrole = "{role}"\nsha256 = "{digest}"\n'
            entries.append(entry + (f'tenant = "{tenant}"\n' if tenants else ""))
    digest = hashlib.sha256(secret("default", "metrics").encode()).hexdigest()
    entries.append(f'[[key]]\nname = "prometheus"\nrole = "metrics"\nsha256 = "{digest}"\n')
    path.write_text("\n".join(entries), encoding="utf-8")
    return path


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """Serve until the end of the block; yield the address."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(service), log_config=None, access_log=False, ws="none", server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        assert server.started
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


@contextmanager
def client_of(
    url: str, role: str | None = "admin", tenant: str = "default"
) -> Iterator[httpx.Client]:
    given: Mapping[str, str] = {} if role is None else headers(role, tenant)
    # No certificates: reading them takes longer than most tests.
    with httpx.Client(
        base_url=url, headers=given, timeout=PATIENCE_S, trust_env=False, verify=False
    ) as client:
        yield client
