"""HTTP by hand, for what no client library would send."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=300)


def head(method: str, path: str, *fields: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def answer(connection: socket.socket) -> bytes:
    """Return all that the server says until it closes, or falls silent."""
    said = b""
    while True:
        try:
            piece = connection.recv(65536)
        except (TimeoutError, ConnectionResetError):
            return said
        if not piece:
            return said
        said += piece


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1]) if said else 0
