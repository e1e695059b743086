"""To which servers that a knowledge base's own settings name anything is sent.

Who gives settings names their servers. The settings that a knowledge base keeps may have been
written by anybody: opened with these alone, questions, passages and keys are sent only to this
machine and to the servers that the environment variable ``RAG_ENGINE_TRUSTED_SERVERS`` names, such
as ``api.example.com, llm.intern:8443, http://10.0.0.5:8000``. Without ``http://`` that is HTTPS.
"""

from __future__ import annotations

import ipaddress
import os
import re

from rag_engine.errors import SettingsError
from rag_engine.settings import (
    HttpRerankerSettings,
    OpenAICompatibleEmbedderSettings,
    OpenAICompatibleGeneratorSettings,
    Settings,
)
from rag_engine.settings.base import Sourced

__all__ = ["TRUSTED_SERVERS", "check_server", "check_stored_servers", "is_loopback"]

TRUSTED_SERVERS = "RAG_ENGINE_TRUSTED_SERVERS"

# Every parser of addresses agrees on what looks like this; nothing else is ever a named server.
_ADDRESS = re.compile(r"(https?)://([\w.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?:/.*)?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}

_Server = tuple[str, str, int]


def is_loopback(host: str) -> bool:
    """Tell whether an address is one that only this machine can reach.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost")
    (True, True, True)
    >>> is_loopback("0.0.0.0"), is_loopback("example.org")
    (False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_server(address: str) -> None:
    """Refuse a server that only a knowledge base's own settings name.

    Raises:
        SettingsError: it is another machine, and ``RAG_ENGINE_TRUSTED_SERVERS`` does not name it.
    """
    server = _server(address)
    if server is not None and (is_loopback(server[1].strip("[]")) or server in _named()):
        return
    told = "HOST" if server is None else _written(server)
    raise SettingsError(
        f"{address!r:.200} is named only by the settings that the knowledge base keeps, and they "
        f"may come from anybody: nothing is sent there. If it is right, set "
        f"{TRUSTED_SERVERS}={told}, or give the settings yourself (--settings FILE, or "
        "settings=...)"
    )


def check_stored_servers(settings: Settings) -> None:
    """Refuse settings with a server that nothing is sent to, before anybody asks for it.

    Raises:
        SettingsError: as ``check_server``.
    """
    servers: list[tuple[Sourced, str]] = [
        (stage, stage.base_url)
        for stage in (settings.embedder, settings.reranker, settings.generator)
        if isinstance(
            stage,
            OpenAICompatibleEmbedderSettings
            | HttpRerankerSettings
            | OpenAICompatibleGeneratorSettings,
        )
    ]
    milvus = settings.milvus
    if "://" in milvus.uri and "milvus" not in settings.without_effect():
        servers.append((milvus, milvus.uri))
    for stage, address in servers:
        if stage.from_store:
            check_server(address)


def _named() -> set[_Server]:
    """Return the servers that the environment names."""
    named = set()
    for entry in re.split(r"[\s,]+", os.environ.get(TRUSTED_SERVERS, "")):
        if not entry:
            continue
        server = _server(entry if "://" in entry else f"https://{entry}")
        if server is None:
            raise SettingsError(
                f"{TRUSTED_SERVERS} names {entry!r:.80}, which is no server; name servers as "
                "api.example.com, llm.intern:8443 or http://10.0.0.5:8000, with commas between"
            )
        named.add(server)
    return named


def _server(address: str) -> _Server | None:
    """Return scheme, host and port of an address; None: it is none that can be trusted.

    >>> _server("https://API.example.com/v1"), _server("http://[::1]:8000")
    (('https', 'api.example.com', 443), ('http', '[::1]', 8000))
    >>> _server("https://api.example.com@evil.example/v1"), _server("*")
    (None, None)
    """
    match = _ADDRESS.fullmatch(address.strip())
    if match is None:
        return None
    scheme = match[1].lower()
    return scheme, match[2].lower(), int(match[3] or _DEFAULT_PORTS[scheme])


def _written(server: _Server) -> str:
    """Return a server as ``RAG_ENGINE_TRUSTED_SERVERS`` names it.

    >>> _written(("https", "api.example.com", 443)), _written(("http", "10.0.0.5", 8000))
    ('api.example.com', 'http://10.0.0.5:8000')
    """
    scheme, host, port = server
    shown = host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    return shown if scheme == "https" else f"http://{shown}"
