"""Mailboxes: where a mail begins, what it is called, which mails are gone."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from rag_engine.connectors.loaders import members
from rag_engine.connectors.loaders.eml import EmlLoader
from rag_engine.connectors.loaders.mbox import MboxLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import InvalidInput, LoadError
from rag_engine.file_encoding import in_encoding
from rag_engine.records import Document, Problem
from tests.connectors.loaders.office.bundles import box_of
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file

Load = Callable[..., list[Document | Problem]]
HEAD = b"From - Mon Jan 01 00:00:00 2024\n"


@pytest.fixture
def loader(sandbox: Sandbox) -> MboxLoader:
    return MboxLoader([EmlLoader(sandbox=sandbox)], sandbox=sandbox)


def mail(subject: str, text: str, name: str = "", **headers: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = "Mira <mira@example.org>"
    if name:
        message["Message-ID"] = f"<{name}>"
    for header, value in headers.items():
        message[header.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def texts(records: list[Document | Problem]) -> dict[str, str]:
    assert all(isinstance(record, Document) for record in records), records
    return {one.id: one.text.partition("\n\n")[2] for one in records if isinstance(one, Document)}


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_each_mail_is_a_document_by_its_own_name(
    loader: MboxLoader, load: Load, ends: bytes
) -> None:
    box = box_of(
        mail("休館日", "図書館は月曜日に休みます。", "a1@x"),
        mail("Plan", "Der Plan:\n\nFrom now on, at 10:30, we meet.", "a2@x"),
        mail("Zuvor", "So heißt eine andere.", "a2@x-4"),
        mail("Re: Plan", "Danke.", "a2@x"),
        mail("Weg", "Gelöscht.", "a3@x", X_Mozilla_Status="0009"),
        mail("Ohne", "Ohne Namen."),
    )
    records = load(loader, "b.mbox", box.replace(b"\n", ends))
    assert texts(records) == {
        "b.mbox#a1@x": "図書館は月曜日に休みます。",
        "b.mbox#a2@x": "Der Plan:\n\nFrom now on, at 10:30, we meet.",
        "b.mbox#a2@x-4": "So heißt eine andere.",
        "b.mbox#a2@x-4-4": "Danke.",
        "b.mbox#6": "Ohne Namen.",
    }
    first = records[0]
    assert isinstance(first, Document)
    assert first.title == "休館日"
    assert first.metadata == {"format": "eml", "from": "Mira <mira@example.org>"}


def test_a_line_of_a_letter_begins_no_mail(loader: MboxLoader, load: Load) -> None:
    text = "Hi,\n\nFrom London, at 10:30, we go\n\nFrom me 10:30\nTo: Paris, by train."
    letter = f"Subject: x\n\n{text}\n\n".encode()
    records = load(loader, "b.mbox", HEAD + letter + HEAD + b"Subject: y\n\nZwei.\n")
    assert [record.text for record in records if isinstance(record, Document)] == [text, "Zwei."]


@pytest.mark.parametrize(
    "when",
    [
        "Mon Jan  1 00:00:00 2024",
        "Mon Jan 01 00:00:00 +0000 2024",
        "Mon Jan  1 00:00:00 CET 2024",
        "Mon, 1 Jan 2024 00:00:00 +0000",
    ],
)
def test_a_mail_begins_without_an_empty_line_before_it(
    loader: MboxLoader, load: Load, when: str
) -> None:
    one = f"From x@example.org {when}\nFrom: x@example.org\n\nEins.\n".encode()
    records = load(loader, "b.mbox", one + one.replace(b"Eins", b"Zwei"))
    assert texts(records) == {"b.mbox#1": "Eins.", "b.mbox#2": "Zwei."}


def test_an_encoding_is_refused_for_a_mailbox(tmp_path: Path, loader: MboxLoader) -> None:
    with pytest.raises(InvalidInput, match=r"\.mbox files say theirs themselves"):
        in_encoding("cp437", [loader], tmp_path / "b.mbox")


def test_a_mail_that_is_bad_or_too_large_is_named(load: Load) -> None:
    with Sandbox() as sandbox:
        eml = EmlLoader(sandbox=sandbox, max_file_mb=1)
        loader = MboxLoader([eml], sandbox=sandbox, max_file_mb=1)
        locked = b"Message-ID: <p@x>\nContent-Type: application/pkcs7-mime\n\nAAAA\n\n"
        large = b"Message-ID: <l@x>\nSubject: l\n\n" + b"x" * 1_100_000 + b"\n\n"
        good = b"Message-ID: <g@x>\nSubject: g\n\nGut.\n"
        records = load(loader, "b.mbox", HEAD + locked + HEAD + large + HEAD + good)
    assert [record.source for record in records] == ["b.mbox#p@x", "b.mbox#l@x", "b.mbox#g@x"]
    assert [getattr(record, "reason", "") for record in records] == [
        "its text is encrypted (S/MIME); store it decrypted",
        "it has more than 1,000,000 bytes",
        "",
    ]


def test_a_mailbox_may_hold_more_than_an_archive(
    loader: MboxLoader, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "_MOST_FILES", 0)
    monkeypatch.setattr(members, "MOST_MEMBERS", 0)
    box = box_of(mail("a", "Eins."), mail("b", "Zwei."))
    assert texts(load(loader, "b.mbox", box)) == {"b.mbox#1": "Eins.", "b.mbox#2": "Zwei."}


@pytest.mark.parametrize("data", [b"Subject: x\n\nNo mailbox.\n", b"hello\n"])
def test_what_is_no_mailbox_is_refused(loader: MboxLoader, load: Load, data: bytes) -> None:
    with pytest.raises(LoadError, match=r"b\.mbox: it is no mailbox"):
        load(loader, "b.mbox", data)


def test_the_mailbox_of_a_program(loader: MboxLoader, load: Load) -> None:
    [document] = load(loader, "box.mbox", office_file("box.mbox"))
    assert isinstance(document, Document)
    assert fact("box.mbox") in document.text
    assert document.spans[-1].section == ("Liste.csv",)
