"""Saved pages: the one that was saved, in the encoding of its part."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.mht import MhtLoader
from rag_engine.connectors.loaders.parsing import mht
from rag_engine.connectors.loaders.parsing.parsed import Refused
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file


def saved(*parts: str, start: str = "") -> bytes:
    """Return a file of parts, each its headers, an empty line, its text."""
    begin = f'; start="{start}"' if start else ""
    head = 'Subject: Gespeichert\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"'
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"{head}{begin}\n\n{body}--b--\n".encode()


def page(text: str, more: str = "") -> str:
    return f"Content-Type: text/html; charset=utf-8\n{more}\n<html><body>{text}</body></html>"


def test_a_page_that_chromium_saved(sandbox: Sandbox, load_one: Callable[..., Document]) -> None:
    document = load_one(MhtLoader(sandbox=sandbox), "page.mhtml", office_file("page.mhtml"))
    assert document.text.split("\n\n") == [
        "Stranden",
        fact("page.mhtml"),
        "Dag: Måndag | Öppet: 9-17",
        "日本語の案内もあります。",
    ]
    assert (document.title, document.language_hint) == ("Stranden i Ängby", "sv")
    assert document.spans[0].section == ("Stranden",)


def test_the_part_says_its_encoding_and_not_the_page() -> None:
    meta = '<meta charset="windows-1252">'
    assert mht.parse(saved(page(f"{meta}<p>Größe</p>")), "a.mht").text == "Größe"


def test_the_first_part_is_the_page_unless_another_is_named() -> None:
    frame = page("<p>Rahmen</p>", "Content-ID: <f@x>\n")
    main = page("<p>Seite</p>", "Content-ID: <m@x>\n")
    assert mht.parse(saved(main, frame), "a.mht").text == "Seite"
    assert mht.parse(saved(frame, main, start="<m@x>"), "a.mht").text == "Seite"


def test_of_frames_the_first_that_says_something_is_read() -> None:
    frames = page("<frameset><frame src='f'></frameset>")
    parsed = mht.parse(saved(frames, page("<p>Rahmen</p>")), "a.mht")
    assert (parsed.text, parsed.title) == ("Rahmen", "Gespeichert")


@pytest.mark.parametrize("data", [b" ", b"Subject: x\n\nPlain.\n", saved("Content-Type: a/b\n\nx")])
def test_what_is_no_saved_page_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match=r"it is (empty|no saved page)"):
        mht.parse(data, "a.mht")
