"""Where a knowledge base is: a folder, or an address; decided here and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from rag_engine.errors import InvalidInput

__all__ = ["Location", "ServerAddress", "parse_location", "short_name"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(/+)")
_SCHEMES = frozenset({"postgresql", "postgres"})
_LIKE = "postgresql://user@host/database?kb=name"
_KB = "kb"
_DEFAULT_KB = "rag_engine"
_WHERE = ("host", "port", "dbname")
"""Parameters that say where, as the parts before them do."""
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_HOST = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(:\d*)?")
_RESERVED = frozenset({"public", "information_schema"})


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of a knowledge base on a PostgreSQL server.

    ``server`` is what the server's client is given, and may hold a password; it is never shown.
    ``kb`` is the name of the knowledge base there.

    >>> address = parse_location("postgresql://me:secret@db.example/docs?kb=manuals")
    >>> address
    ServerAddress('postgresql://me@db.example/docs?kb=manuals')
    >>> address.kb
    'manuals'
    """

    server: str = field(repr=False)
    kb: str

    @property
    def server_name(self) -> str:
        """The hosts, ports and the database, without who asks."""
        parts = urlsplit(self.server)
        named = [value for key, value in parse_qsl(parts.query) if key in _WHERE]
        return "/".join((parts.netloc.rpartition("@")[2], parts.path.strip("/"), *named))

    def __str__(self) -> str:
        parts = urlsplit(self.server)
        login, at, hosts = parts.netloc.rpartition("@")
        user = login.partition(":")[0]
        shown = [(key, value) for key, value in parse_qsl(parts.query) if key in _WHERE]
        query = urlencode([*shown, (_KB, self.kb)], quote_via=quote, safe="/")
        return f"{parts.scheme}://{user}{at}{hosts}{parts.path}?{query}"

    def __repr__(self) -> str:
        return f"ServerAddress({str(self)!r})"


Location = Path | ServerAddress
"""A folder, or an address."""


def parse_location(location: str | Location) -> Location:
    """Tell an address from a folder.

    Raises:
        InvalidInput: an address of another kind of server, or one that can not be read.

    >>> parse_location("kb")
    PosixPath('kb')
    """
    if isinstance(location, ServerAddress):
        return location
    text = str(location)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Path(location)
    if scheme[1].lower() not in _SCHEMES:
        if len(scheme[2]) < 2:  # a folder whose name has a colon in it
            return Path(location)
        raise InvalidInput(
            f"a knowledge base is a folder, or an address such as {_LIKE}; got one that begins "
            f"with {scheme[0]!r}"
        )
    if isinstance(location, Path):
        raise InvalidInput(f"give an address as text: a Path drops a slash of it; {_LIKE}")
    return _address(text)


def short_name(location: Location) -> str:
    """Return the last part of a folder's path, or the name of a knowledge base on a server.

    >>> short_name(Path("/data/manuals")), short_name(parse_location("postgresql:///d?kb=wiki"))
    ('manuals', 'wiki')
    """
    return location.kb if isinstance(location, ServerAddress) else location.resolve().name


def _hides_a_password(netloc: str, path: str, parameters: list[tuple[str, str]]) -> bool:
    """Tell whether a password may stand where none is looked for, and so would be shown."""
    login, _, hosts = netloc.rpartition("@")
    return (
        "@" in login
        or "@" in path
        or any("@" in key for key, _ in parameters)
        or not all(map(_HOST.fullmatch, hosts.split(",")))
    )


def _address(text: str) -> ServerAddress:
    try:
        parts = urlsplit(text)
        strict = bool(parts.query)
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=strict)
    except ValueError:  # what it says may show a password
        raise InvalidInput(f"this is no address of a server; it is like {_LIKE}") from None
    if parts.fragment:
        raise InvalidInput("the address holds a #; write %23 where it is part of a password")
    if _hides_a_password(parts.netloc, parts.path, parameters):
        raise InvalidInput(
            "the address can not be divided into user, password, host and database; in a password "
            "write %40 for @, %2F for /, %3F for ?, %3A for :"
        )
    names = [value for key, value in parameters if key == _KB]
    if len(names) > 1:
        raise InvalidInput(f"the address names {len(names)} knowledge bases: give kb= once")
    name = names[0] if names else _DEFAULT_KB
    if not _NAME.fullmatch(name) or name in _RESERVED or name.lower().startswith("pg_"):
        raise InvalidInput(
            f"kb={name!r:.80} in the address is no name of a knowledge base: 1 to 63 letters a-z, "
            "digits and underscores, no digit first, not 'public' or 'information_schema', and "
            "nothing that begins with pg_"
        )
    others = [(key, value) for key, value in parameters if key != _KB]
    server = urlunsplit(
        (parts.scheme.lower(), parts.netloc, parts.path, urlencode(others, quote_via=quote), "")
    )
    if not parts.netloc and server.startswith(f"{parts.scheme.lower()}:/"):
        server = server.replace(":/", ":///", 1) if ":///" not in server else server
    return ServerAddress(server=server, kb=name)
