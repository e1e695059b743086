"""A real HTTP server on this machine that answers by a script, one step a request."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """``script`` holds the steps to come; the last one stays. ``requests`` is what came."""

    url: str = ""
    script: list[Callable[[BaseHTTPRequestHandler, Request], None]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


@contextmanager
def scripted_server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, dict(self.headers), json.loads(body))
            state.requests.append(request)
            step = state.script.pop(0) if len(state.script) > 1 else state.script[0]
            step(self, request)

        def log_message(self, *args):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass  # a client that hung up is part of the script

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(body: object, status: int = 200, **headers: str):
    """Answer with a body: JSON, or bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8")

    def step(handler, request):
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return step


def refusal(status: int, message: str = "no", **headers: str):
    return reply({"error": {"message": message}}, status, **headers)


def chunk(text: str | None, reason: str | None = None) -> str:
    """One event of a streamed chat answer."""
    delta = {} if text is None else {"content": text}
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


def stream(*pieces: str | bytes | Callable[[], None], cut: bool = False):
    """Stream pieces: texts become events, bytes go as they are, callables are called."""

    def step(handler, request):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            if callable(piece):
                piece()
                continue
            data = piece if isinstance(piece, bytes) else f"data: {piece}\n\n".encode()
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            handler.wfile.flush()
        if cut:
            hang_up(handler, request)
        else:
            handler.wfile.write(b"0\r\n\r\n")

    return step


def hang_up(handler, request):
    """Reset the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()
