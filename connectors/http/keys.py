"""API keys: who may do what in which knowledge base.

A file holds the SHA-256 of each key, never the key itself::

    [[key]]
    name = "website"
    role = "read"
    tenant = "acme"
    sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

A key is 256 random bits, so that one round of SHA-256 is enough to keep it secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag_engine.errors import SettingsError

__all__ = ["DEFAULT_TENANT", "Key", "KeyRing", "Role", "load_keys", "new_key"]

DEFAULT_TENANT = "default"
"""The tenant where there is only one knowledge base."""

_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST_KEY = 512


class Role(IntEnum):
    """What a key may do; each but ``METRICS`` may do what those below it may.

    ``METRICS`` reads the service's figures and belongs to no tenant.

    >>> Role.READ < Role.WRITE < Role.ADMIN
    True
    """

    METRICS = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of the file of keys; ``sha256`` in hexadecimal."""

    name: str
    role: Role
    tenant: str
    sha256: str


class KeyRing:
    """All keys; finds the one that was presented."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys: Sequence[Key] = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def tenants(self) -> list[str]:
        """The tenants that keys name, sorted."""
        return sorted({key.tenant for key in self._keys if key.role is not Role.METRICS})

    def find(self, presented: str) -> Key | None:
        """Return the key whose digest is that of ``presented``, or None.

        All are compared, each in constant time: how long it takes tells nothing.
        """
        if len(presented) > _LONGEST_KEY:
            return None
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).hexdigest()
        match: Key | None = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                match = key
        return match


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.@ -]+$")
    role: str = Field(pattern="^(metrics|read|write|admin)$")
    tenant: str | None = None
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    key: tuple[_Entry, ...] = Field(min_length=1)


def load_keys(path: Path, *, several_tenants: bool) -> KeyRing:
    """Read a file of keys.

    With ``several_tenants`` every key but those for metrics names its tenant; without, none does.

    Raises:
        SettingsError: the file can not be read, or an entry can not be used.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = _File.model_validate(data).key
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} can not be read as TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"{path}: {where}: {first['msg']}; a [[key]] has name, role (metrics, read, write, "
            "admin), sha256 and, with --tenants, tenant"
        ) from error
    keys = [
        Key(
            name=entry.name,
            role=Role[entry.role.upper()],
            tenant=_tenant_of(entry, path, several_tenants=several_tenants),
            sha256=entry.sha256,
        )
        for entry in entries
    ]
    for what, values in (("name", [k.name for k in keys]), ("sha256", [k.sha256 for k in keys])):
        if twice := [value for value in values if values.count(value) > 1]:
            raise SettingsError(f"{path}: the {what} {twice[0]!r} stands there twice")
    return KeyRing(keys)


def _tenant_of(entry: _Entry, path: Path, *, several_tenants: bool) -> str:
    if entry.role == "metrics":
        if entry.tenant is not None:
            raise SettingsError(
                f"{path}: the key {entry.name!r} is for metrics, which are of no tenant; take "
                f"tenant = {entry.tenant!r} away"
            )
        return ""
    if not several_tenants:
        if entry.tenant is not None:
            raise SettingsError(
                f"{path}: the key {entry.name!r} names the tenant {entry.tenant!r}, but one "
                "knowledge base is served; serve several with --tenants DIR"
            )
        return DEFAULT_TENANT
    if entry.tenant is None or not _TENANT.fullmatch(entry.tenant):
        raise SettingsError(
            f"{path}: the key {entry.name!r} needs a tenant: a lower-case letter or digit, then at "
            f"most 63 of them, '_' or '-', got {entry.tenant!r}"
        )
    return entry.tenant


def new_key() -> tuple[str, str]:
    """Return a new key and its SHA-256.

    >>> key, digest = new_key()
    >>> key[:4], len(key), len(digest)
    ('rag-', 47, 64)
    """
    key = f"rag-{secrets.token_urlsafe(32)}"
    return key, hashlib.sha256(key.encode("ascii")).hexdigest()
