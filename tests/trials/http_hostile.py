"""What no client would send: by hand, byte by byte."""

from __future__ import annotations

from tests.connectors.http.raw import head

__all__ = ["deep_bodies", "hostile"]

_JSON = "Content-Type: application/json"
_CLOSE = "Connection: close"
_CHUNKED = "Transfer-Encoding: chunked"
_ASK = b'{"question":"a"}'
_GET = head("GET", "/healthz")


def _post(*fields: str, body: bytes = b"") -> bytes:
    return head("POST", "/v1/search", _JSON, *fields) + body


def hostile() -> dict[str, bytes]:
    """Return whole conversations by what is wrong with them; each is sent, then ended."""
    chunk = b"%x\r\n%s\r\n" % (len(_ASK), _ASK)
    return {
        "nothing": b"",
        "blank lines": b"\r\n" * 1_000,
        "noise": bytes(range(256)) * 64,
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        "HTTP/0.9": b"GET /healthz\r\n\r\n",
        "HTTP/9.9": _GET.replace(b"HTTP/1.1", b"HTTP/9.9"),
        "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
        "two hosts": head("GET", "/healthz", "Host: evil.example"),
        "a blank before the colon": head("GET", "/healthz", "Accept : a"),
        "a folded header": head("GET", "/healthz", "A: b\r\n c"),
        "a NUL in a header": head("GET", "/healthz", "A: b\x00c"),
        "a bare CR": head("GET", "/healthz", "A: b\rX-Request-ID: c"),
        "a header of 1 MB": head("GET", "/healthz", "A: " + "b" * 1_000_000),
        "a path of 1 MB": head("GET", "/" + "a" * 1_000_000),
        "20,000 headers": head("GET", "/healthz", *(f"A{n}: b" for n in range(20_000))),
        "an unknown method": head("FROBNICATE", "/v1/search"),
        "CONNECT": head("CONNECT", "evil.example:443"),
        "TRACE": head("TRACE", "/v1/search"),
        "OPTIONS *": head("OPTIONS", "*"),
        "an absolute path": head("GET", "http://evil.example/healthz"),
        "a path of percents": head("GET", "/v1/documents/%"),
        "a path of NULs": head("GET", "/v1/documents/%00%ff%00"),
        "dots": head("GET", "/page/..%2f..%2f..%2fetc%2fpasswd"),
        "an upgrade": head(
            "GET", "/healthz", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13",
        ),
        "an upgrade to HTTP/2": head(
            "GET", "/healthz", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
        ),
        "too short a length": _post("Content-Length: 5", body=_ASK),
        "too long a length": _post("Content-Length: 500", body=_ASK),
        "a negative length": _post("Content-Length: -1", body=_ASK),
        "a signed length": _post("Content-Length: +16", body=_ASK),
        "a length in words": _post("Content-Length: sixteen", body=_ASK),
        "a length of 5,000 digits": _post("Content-Length: " + "9" * 5_000, body=_ASK),
        "two lengths": _post("Content-Length: 16", "Content-Length: 17", body=_ASK),
        "two lengths in one": _post("Content-Length: 16, 16", body=_ASK),
        "a length and chunks": _post("Content-Length: 4", _CHUNKED, body=chunk + b"0\r\n\r\n"),
        "chunks twice": _post(_CHUNKED, _CHUNKED, body=chunk + b"0\r\n\r\n"),
        "an unknown encoding": _post("Transfer-Encoding: gzip, chunked", body=chunk),
        "chunks in HTTP/1.0": _post(_CHUNKED, body=chunk).replace(b"HTTP/1.1", b"HTTP/1.0"),
        "a chunk's size in words": _post(_CHUNKED, body=b"sixteen\r\n" + _ASK),
        "a negative chunk": _post(_CHUNKED, body=b"-10\r\n" + _ASK),
        "a chunk of 2^80": _post(_CHUNKED, body=b"f" * 20 + b"\r\n" + _ASK),
        "a chunk that is longer": _post(_CHUNKED, body=b"5\r\n" + _ASK + b"\r\n0\r\n\r\n"),
        "a chunk's extension of 1 MB": _post(_CHUNKED, body=b"10;" + b"a" * 1_000_000 + b"\r\n"),
        "no last chunk": _post(_CHUNKED, body=chunk),
        "trailers": _post(_CHUNKED, body=chunk + b"0\r\nHost: evil.example\r\n\r\n"),
        "trailers of 1 MB": _post(_CHUNKED, body=chunk + b"0\r\nA: " + b"b" * 1_000_000),
        "an encoded body": _post("Content-Encoding: gzip", "Content-Length: 16", body=_ASK),
        "Expect": _post("Expect: 100-continue", "Content-Length: 16", body=_ASK),
        "another Expect": _post("Expect: the-unexpected", "Content-Length: 16", body=_ASK),
        "100 at once": _GET * 99 + head("GET", "/healthz", _CLOSE),
        "100 searches at once": _post("Content-Length: 16", body=_ASK) * 99
        + _post("Content-Length: 16", _CLOSE, body=_ASK),
        "a request, then noise": _GET + b"\x00" * 5_000,
        "a multipart without a boundary": head(
            "POST", "/v1/files", "Content-Type: multipart/form-data", "Content-Length: 16"
        ) + _ASK,
        "a multipart without an end": head(
            "POST", "/v1/files", "Content-Type: multipart/form-data; boundary=x",
            "Content-Length: 60",
        ) + b'--x\r\nContent-Disposition: form-data; name="files"; filename="a',
        "a boundary of 10 kB": head(
            "POST", "/v1/files", "Content-Type: multipart/form-data; boundary=" + "x" * 10_000,
            "Content-Length: 16",
        ) + _ASK,
    }  # fmt: skip


def deep_bodies(depth: int) -> dict[str, bytes]:
    """Return JSON that is deep, or has numbers beyond all bounds, by what it is."""
    node = b'{"op":"not","part":'
    return {
        "deep lists": b"[" * depth,
        "deep lists, closed": b'{"question":"a","where":' + b"[" * depth + b"]" * depth + b"}",
        "deep objects": b'{"a":' * depth + b"1" + b"}" * depth,
        "a deep filter": b'{"question":"a","where":' + node * (depth // 10),
        "a deep filter, closed": b'{"question":"a","where":' + node * 500
        + b'{"op":"equals","key":"a","value":1}' + b"}" * 501,
        "k = 1e9": b'{"question":"a","k":1000000000}',
        "k = 1e9 as a number": b'{"question":"a","k":1e9}',
        "k of 5,000 digits": b'{"question":"a","k":' + b"9" * 5_000 + b"}",
        "k below zero": b'{"question":"a","k":-1}',
        "a thousand where": b'{"question":"a",' + b'"where":null,' * 1_000 + b'"k":1}',
        "a question of NULs": b'{"question":"' + b"\\u0000" * 9_000 + b'"}',
        "a question of marks": b'{"question":"a' + b"\\u0301" * 9_000 + b'"}',
    }  # fmt: skip
