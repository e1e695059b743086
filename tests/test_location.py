"""Where a knowledge base is: told from what the user wrote, in one place."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.location import ServerAddress, parse_location


@pytest.mark.parametrize("text", ["kb", "./kb", "/data/a:b", "a b", "x:/y", "C:/kb", "kb?kb=x"])
def test_a_folder_stays_one(text):
    assert parse_location(text) == parse_location(Path(text)) == Path(text)


@pytest.mark.parametrize(
    ("text", "shown", "kb"),
    [
        ("postgresql://h/d", "postgresql://h/d?kb=rag_engine", "rag_engine"),
        ("postgres://u:p@h:1,i:2/d?kb=wiki_2", "postgres://u@h:1,i:2/d?kb=wiki_2", "wiki_2"),
        (
            "postgresql://u:p@[::1]:5432,i/d",
            "postgresql://u@[::1]:5432,i/d?kb=rag_engine",
            "rag_engine",
        ),
        ("postgresql://u@/d?host=/run/pg&kb=a", "postgresql://u@/d?host=/run/pg&kb=a", "a"),
        ("postgresql:///d?kb=a&password=x&sslmode=require", "postgresql:///d?kb=a", "a"),
    ],
)
def test_an_address_is_shown_without_its_password(text, shown, kb):
    address = parse_location(text)
    assert isinstance(address, ServerAddress)
    assert (str(address), address.kb) == (shown, kb)
    assert parse_location(address) is address
    assert "kb=" not in address.server


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mysql://h/d", "begins with 'mysql://'"),
        ("postgresql://h/d?kb=", "kb=''"),
        ("postgresql://h/d?kb=public", "is no name"),
        ("postgresql://h/d?kb=a'b", "is no name"),
        ("postgresql://h/d?kb=pg_x", "is no name"),
        ("postgresql://u:secret@[h/d", "no address"),
        ("postgresql://u:sec#ret@h/d", "%23"),
        ("postgresql://u:sec/ret@h/d", "%2F"),
        ("postgresql://u:x@sec@h/d", "%40"),
        ("postgresql://u:sec?ret@h/d?kb=x", "%3F"),
        ("postgresql://u:sec?a=ret@h/d", "%3F"),
        (Path("postgresql://h/d"), "as text"),
    ],
)
def test_what_can_not_be_meant_is_refused_and_not_shown(text, told):
    with pytest.raises(InvalidInput, match=re.escape(told)) as raised:
        KnowledgeBase.open(text)
    assert "sec" not in str(raised.value)


def test_without_the_client_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("rag_engine.connectors.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"rag-engine\[postgres\]"):
        KnowledgeBase.open("postgresql://h/d")
