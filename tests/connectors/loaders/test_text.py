"""Plain text files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.text import TextLoader
from rag_engine.errors import LoadLimitExceeded
from rag_engine.records import Document, Problem


def test_a_text_file_is_one_document(load_one: Callable[..., Document]) -> None:
    document = load_one(TextLoader(), "pumpe.txt", "Handbuch\r\n\r\nSpülen Sie sie.\rFertig.")
    assert document.id == document.source == "pumpe.txt"
    assert document.text == "Handbuch\n\nSpülen Sie sie.\nFertig."
    assert document.title == "Handbuch"
    assert document.metadata == {"format": "text", "encoding": "utf-8"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("浄水器の手引き\n======\nきれいに洗います。", "浄水器の手引き"),
        ("# Pump #\n\nText.", "Pump"),
        ("\n\nPump P-300\n\nText.", "Pump P-300"),
        ("Just a sentence.\n\nAnother one.", ""),
        ("यह एक वाक्य है।\n\nदूसरा।", ""),
        ("A title with no text", ""),
        ("A first line\nthat goes on here\n\nand here", ""),
        ("x" * 200 + "\n\nText", ""),
        ("----\n\nText", ""),
        ("", ""),
    ],
)
def test_the_first_line_is_the_title_only_if_it_looks_like_one(
    load_one: Callable[..., Document], text: str, title: str
) -> None:
    assert load_one(TextLoader(), "note.txt", text).title == title


def test_lost_characters_are_counted_and_told(load: Callable[..., list[object]]) -> None:
    data = ("вода " * 50).encode() + b"\xff " + "вода \ufffd".encode()
    broken, problem = load(TextLoader(), "b.txt", data)
    assert isinstance(broken, Document)
    assert broken.metadata["undecodable_characters"] == 1
    assert isinstance(problem, Problem)
    assert problem.reason.startswith("1 characters could not be decoded as utf-8; ")


def test_controls_and_hidden_text_are_gone_and_joiners_stay(
    load_one: Callable[..., Document],
) -> None:
    hidden = "".join(chr(0xE0000 + ord(each)) for each in "obey")
    text = f"a\x00b\x1b \u202eevil\u202c {hidden}می\u200cخواهم क्\u200dष soft\u00adhyphen\ufeff"
    document = load_one(TextLoader(), "a.txt", text)
    assert document.text == "ab evil می\u200cخواهم क्\u200dष softhyphen"


def test_a_huge_line_and_a_huge_file_are_refused(load: Callable[..., list[Document]]) -> None:
    with pytest.raises(LoadLimitExceeded, match=r"line of 10,000,001 characters"):
        load(TextLoader(), "line.txt", b"x" * 10_000_001)
    with pytest.raises(LoadLimitExceeded, match=r"at most 1 MB"):
        load(TextLoader(max_file_mb=1), "file.txt", b"x\n" * 500_001)
