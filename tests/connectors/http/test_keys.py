"""The file of keys."""

from __future__ import annotations

import hashlib

import pytest

from rag_engine.connectors.http.keys import Role, load_keys, new_key
from rag_engine.errors import SettingsError

DIGEST = hashlib.sha256(b"k").hexdigest()
ENTRY = f'[[key]]\nname = "a"\nrole = "read"\nsha256 = "{DIGEST}"\n'


def test_a_new_key_opens_what_its_digest_stands_for(tmp_path):
    key, digest = new_key()
    path = tmp_path / "keys.toml"
    path.write_text(ENTRY + ENTRY.replace(DIGEST, digest).replace('"a"', '"b"'), encoding="utf-8")
    ring = load_keys(path, several_tenants=False)
    found = ring.find(key)
    assert found is not None
    assert (found.name, found.role, found.tenant) == ("b", Role.READ, "default")
    assert ring.find("k").name == "a"
    for wrong in ("", key[:-1], key + "x", digest, key.upper(), "\udcff", "x" * 600):
        assert ring.find(wrong) is None
    assert new_key()[0] != key


@pytest.mark.parametrize(
    ("text", "several", "message"),
    [
        ("", False, "key"),
        ("key = 1", False, "key"),
        ("[[key", False, "TOML"),
        (ENTRY.replace("read", "root"), False, "role"),
        (ENTRY.replace(DIGEST, "secret"), False, "sha256"),
        (ENTRY.replace(DIGEST, DIGEST.upper()), False, "sha256"),
        (ENTRY + "key = 1\n", False, "key"),
        (ENTRY + 'tenant = "acme"\n', False, "--tenants"),
        (ENTRY, True, "needs a tenant"),
        (ENTRY + 'tenant = "../acme"\n', True, "needs a tenant"),
        (ENTRY + 'tenant = "Acme"\n', True, "needs a tenant"),
        (ENTRY.replace("read", "metrics") + 'tenant = "acme"\n', True, "of no tenant"),
        (ENTRY + ENTRY, False, "twice"),
        (ENTRY + ENTRY.replace('"a"', '"b"'), False, "twice"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused(tmp_path, text, several, message):
    path = tmp_path / "keys.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as caught:
        load_keys(path, several_tenants=several)
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="can not be read"):
        load_keys(tmp_path / "none.toml", several_tenants=False)
    (tmp_path / "latin.toml").write_bytes(b"# \xe4")
    with pytest.raises(SettingsError, match="can not be read"):
        load_keys(tmp_path / "latin.toml", several_tenants=False)
