"""Archives and mailboxes attached to mails: sections of the mail, limits, one bad file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from email.message import EmailMessage
from typing import BinaryIO

import pytest

from rag_engine.connectors.loaders.eml import EmlLoader
from rag_engine.connectors.loaders.parsing import attached_archive, eml
from rag_engine.connectors.loaders.parsing.members import MemberOptions, Piece
from rag_engine.connectors.loaders.parsing.nesting import Nesting, Room
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document, Problem
from tests.connectors.loaders.packages import zip_of

BOX = "From a@b.org Mon Jan  1 10:30:00 2024\nSubject: Halle\nMessage-ID: <1@x>\n\nOffen.\n"


def mail(text: str, attached: Mapping[str, bytes]) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Akten"
    message.set_content(text)
    for name, data in attached.items():
        message.add_attachment(data, maintype="application", subtype="x-any", filename=name)
    return bytes(message)


def sections(parsed: Parsed) -> dict[tuple[str, ...], str]:
    return {
        stretch.section: parsed.text[stretch.start : stretch.end].strip()
        for stretch in parsed.stretches
    }


def test_each_file_is_a_section() -> None:
    inner = zip_of({"tief.md": "# Kopf\n\nGanz unten.", "c.xyz": b"\0"})
    packed = zip_of({"recht/notiz.txt": "Eine Notiz.", "l.csv": "a;b\nx;1\n", "innen.zip": inner})
    parsed = eml.parse(mail("Anbei.", {"akten.zip": packed, "b.mbox": BOX.encode()}), "a.eml")
    assert sections(parsed) == {
        ("akten.zip", "innen.zip", "tief.md", "Kopf"): "Kopf\n\nGanz unten.",
        ("akten.zip", "l.csv"): "a: x\nb: 1",
        ("akten.zip", "recht/notiz.txt"): "Eine Notiz.",
        ("b.mbox", "1@x.eml"): "Offen.",
    }
    assert parsed.metadata["unread_attachments"] == "akten.zip/innen.zip/c.xyz"
    assert parsed.problems == ()


def test_what_is_wrong_with_one_file_costs_no_other() -> None:
    data = bytearray(zip_of({"a.txt": "Erstes. " * 9, "b.pdf": b"%PDF-1.4", "c.txt": "Drittes."}))
    data[data.index(b"a.txt") + 7] ^= 0xFF
    parsed = eml.parse(mail("Anbei.", {"x.zip": bytes(data), "y.zip": b"PK no more"}), "a.eml")
    assert sections(parsed) == {("x.zip", "c.txt"): "Drittes."}
    assert [problem.partition("is left out")[0] for problem in parsed.problems] == [
        "attachment 'x.zip/b.pdf' ",
        "attachment 'x.zip': 'a.txt' ",
        "attachment 'y.zip' ",
    ]


def test_a_mail_in_an_archive_tells_what_of_it_is_not_read() -> None:
    inner = mail("Innen.", {"bild.bin": b"\0"})
    parsed = eml.parse(mail("Außen.", {"x.zip": zip_of({"m.eml": inner})}), "a.eml")
    assert "Innen." in sections(parsed)["x.zip", "m.eml"]
    assert parsed.metadata["unread_attachments"] == "x.zip/m.eml (bild.bin)"


def test_archives_are_opened_down_to_a_depth() -> None:
    packed = b"PK"
    for depth in range(5):
        packed = zip_of({f"{depth}.txt": f"Stufe {depth}.", "z.zip": packed})
    parsed = eml.parse(mail("Anbei.", {"z.zip": packed}), "a.eml")
    assert set(sections(parsed).values()) == {"Stufe 4.", "Stufe 3.", "Stufe 2."}
    assert parsed.problems == (
        "attachment 'z.zip/z.zip/z.zip/z.zip' is left out: archives are nested too deeply; "
        "unpack it",
    )


@pytest.mark.parametrize("room", [Room(bytes=20), Room(members=3)], ids=["bytes", "files"])
def test_all_archives_of_a_mail_share_the_limits(room: Room) -> None:
    first = zip_of({"a.txt": "Zehn Bytes", "b.txt": "Neun Bytes"[:9]})
    inner = mail("Innen.", {"y.zip": zip_of({"c.txt": "Eins.", "d.txt": "Zwei."})})
    attached = {"x.zip": first, "m.eml": inner}
    parsed = eml.parse(mail("Anbei.", attached), "a.eml", Nesting(room=room))
    found = sections(parsed)
    assert found["x.zip", "b.txt"] == "Neun Byte"
    assert ("m.eml", "y.zip", "d.txt") not in found
    assert len(parsed.problems) == 1
    assert "those after it are left out: the archives in the mail hold more" in parsed.problems[0]


def test_a_bomb_is_given_up(
    sandbox: Sandbox, load: Callable[..., list[Document | Problem]]
) -> None:
    packed = zip_of({"a.txt": b"\0" * 30_000_000, "b.txt": "Danach."})
    document, problem = load(EmlLoader(sandbox=sandbox), "a.eml", mail("Anbei.", {"x.zip": packed}))
    assert isinstance(document, Document)
    assert document.text.endswith("Danach.")
    assert isinstance(problem, Problem)
    assert "unpacks to more than 2,000,000 bytes" in problem.reason


def test_texts_that_are_too_long_cost_themselves_alone() -> None:
    files = {"a.txt": "Kurz.", "b.txt": "Viel zu lang.", "c.txt": "Danach."}
    room = Room(characters=10)
    attached = {"x.zip": zip_of(files), "y.txt": b"Daneben, ohne Archiv."}
    parsed = eml.parse(mail("Anbei.", attached), "a.eml", Nesting(room=room))
    assert sections(parsed) == {("x.zip", "a.txt"): "Kurz.", ("y.txt",): "Daneben, ohne Archiv."}
    reason = "the archives in the mail hold more than 5,000,000 characters of text"
    assert parsed.problems == (
        f"attachment 'x.zip/b.txt' is left out: {reason}; index them as files",
        f"attachment 'x.zip': 'c.txt' and those after it are left out: {reason}; "
        "index them as files",
    )


def test_the_text_of_an_archive_in_a_mail_in_an_archive_counts_once() -> None:
    inner = mail("Innen.", {"y.zip": zip_of({"c.txt": "Zwölf Zeichen."})})
    room = Room(characters=30)
    packed = zip_of({"m.eml": inner, "n.txt": "Da."})
    parsed = eml.parse(mail("Anbei.", {"x.zip": packed}), "a.eml", Nesting(room=room))
    assert sections(parsed)["x.zip", "m.eml", "y.zip", "c.txt"] == "Zwölf Zeichen."
    assert parsed.problems == ()
    assert room.characters == 30 - len("Innen.\n\nZwölf Zeichen.") - len("Da.")


def test_when_time_is_over_no_further_file_is_begun() -> None:
    rows = "".join(f"<tr><td>Zeile {row}<td>{row}" for row in range(5_000))
    packed = zip_of({"a.txt": "Zuerst.", "b.html": f"<table>{rows}</table>", "c.txt": "Danach."})
    room = Room(seconds=0.01)
    parsed = eml.parse(mail("Anbei.", {"x.zip": packed}), "a.eml", Nesting(room=room))
    assert parsed.text.startswith("Anbei.")
    assert sections(parsed)["x.zip", "a.txt"] == "Zuerst."
    reason = "the archives in the mail take more than 5 s; index them as files"
    assert parsed.problems[-1] == (
        f"attachment 'x.zip': 'c.txt' and those after it are left out: {reason}"
    )


def test_a_large_archive_costs_no_mail(
    sandbox: Sandbox, load: Callable[..., list[Document | Problem]]
) -> None:
    packed = zip_of({f"{number:03}.txt": "Ein Satz. " * 100_000 for number in range(60)})
    document, *problems = load(
        EmlLoader(sandbox=sandbox), "a.eml", mail("Anbei.", {"x.zip": packed})
    )
    assert isinstance(document, Document)
    assert document.text.startswith("Anbei.")
    assert [problem.reason.partition(" left out")[0] for problem in problems] == [  # type: ignore[union-attr]
        "attachment 'x.zip/005.txt' is",
        "attachment 'x.zip': '006.txt' and those after it are",
    ]


def test_the_names_of_what_is_not_read_are_few_and_short() -> None:
    packed = zip_of({f"{number:04}{'n' * 300}.xyz": b"\0" for number in range(2_000)})
    parsed = eml.parse(mail("Anbei.", {"x.zip": packed}), "a.eml")
    named = str(parsed.metadata["unread_attachments"])
    assert len(named) < 2_100
    assert named.startswith("x.zip/0000nnn")
    assert named.endswith("n … (2,000 in all)")
    assert "0009n" in named
    assert "0010n" not in named


def test_what_was_wrong_before_an_archive_ends_in_damage_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def members(file: BinaryIO, options: MemberOptions) -> Iterator[Piece | str]:
        yield Piece("a.txt", problem="it has a password")
        yield Piece("b.txt", b"Zweites.", whole=True)
        raise Refused("the rest is damaged")

    monkeypatch.setitem(attached_archive._MEMBERS_OF, "zip", members)
    parsed = eml.parse(mail("Anbei.", {"x.zip": b"PK"}), "a.eml")
    assert sections(parsed) == {("x.zip", "b.txt"): "Zweites."}
    assert parsed.problems == (
        "attachment 'x.zip': 'a.txt' is left out: it has a password",
        "attachment 'x.zip' is left out: the rest is damaged",
    )
