"""Parts of mails: text that flows, invitations, inner mails, and what nobody named."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest

from rag_engine.connectors.loaders.parsing import eml
from rag_engine.connectors.loaders.parsing.events import event_texts

HEAD = "From: Mira <mira@example.org>\nSubject: Halle\nMIME-Version: 1.0\n"


def plain(text: str, parameters: str, encoding: str = "utf-8") -> eml.Parsed:
    data = f"{HEAD}Content-Type: text/plain{parameters}\n\n{text}"
    return eml.parse(data.encode(encoding), "a.eml")


def said(parsed: eml.Parsed) -> list[str]:
    return [line.rstrip() for line in parsed.text.split("\n")[1:] if line.strip()]


@pytest.mark.parametrize(
    ("parameters", "text", "lines"),
    [
        ("", "Eine Zeile, die \nweitergeht.\n", ["Eine Zeile, die weitergeht."]),
        ("; delsp=yes", "休館日は \n三月九日です。\n", ["休館日は三月九日です。"]),
        ("", "Mira:\n> eins \n>> tiefer\n> zwei \n> drei\n", ["eins", "tiefer", "zwei drei"]),
        ("", "Es geht \n From hier weiter.\n", ["Es geht From hier weiter."]),
        ("", "Gruß \n-- \nMira \nSöl\n", ["Gruß", "--", "Mira Söl"]),
    ],
)
def test_lines_that_flow_are_joined(parameters: str, text: str, lines: list[str]) -> None:
    assert said(plain(text, f"; charset=utf-8; format=flowed{parameters}")) == lines


EVENT = (
    "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\nBEGIN:VEVENT\n"
    'DTSTART;TZID="Asia/Tokyo":20250312T140000\nDTEND;VALUE=DATE:20250313\n'
    "SUMMARY;LANGUAGE=de:Probe\\, Teil 2\nLOCATION:Halle Süd\nDESCRIPTION:Bitte Pro\n"
    ' be mitbringen.\\nDanke\nORGANIZER;CN="Söl, Mira":mailto:mira@example.org\n'
    "ATTENDEE;ROLE=CHAIR:mailto:kofi@example.org\nBEGIN:VALARM\nDESCRIPTION:Wecker\nEND:VALARM\n"
    "END:VEVENT\nEND:VCALENDAR\n"
)
TOLD = [
    "Probe, Teil 2",
    "2025-03-12 14:00 Asia/Tokyo – 2025-03-13",
    "Halle Süd",
    "Söl, Mira, kofi@example.org",
    "Bitte Probe mitbringen.",
    "Danke",
]


def test_an_invitation_is_read_once_however_often_it_is_carried() -> None:
    message = EmailMessage()
    message["Subject"] = "Einladung"
    message.set_content("Siehe unten.")
    message.add_alternative(EVENT, subtype="calendar")
    message.add_attachment(EVENT, subtype="calendar", filename="invite.ics")
    assert said(eml.parse(bytes(message), "a.eml")) == TOLD
    assert eml.parse(bytes(message), "a.eml").text.startswith("Siehe unten.")
    alone = EmailMessage()
    alone["Subject"] = "Einladung"
    alone.set_content(EVENT, subtype="calendar")
    assert eml.parse(bytes(alone), "a.eml").text.split("\n") == TOLD


def test_a_calendar_that_is_damaged_says_what_it_can() -> None:
    damaged = "BEGIN:VEVENT\nSUMMARY:Probe\nDTSTART:morgen\nkein Feld\nEND:VEVENT\nEND:VEVENT\nX"
    assert list(event_texts(damaged)) == ["Probe\nmorgen"]
    assert list(event_texts("SUMMARY:allein\n")) == []


def test_parts_without_a_name_are_read_or_named() -> None:
    message = EmailMessage()
    message["Subject"] = "Anlagen"
    message.set_content("Text.")
    message.add_attachment("Halle;Preis\nNord;3\n", subtype="csv", disposition="inline")
    message.add_attachment(b"PK", maintype="application", subtype="zip", disposition="inline")
    message.add_attachment(b"ja", maintype="text", subtype="plain", filename="LIESMICH")
    parsed = eml.parse(bytes(message), "a.eml")
    assert [stretch.section for stretch in parsed.stretches] == [
        ("unnamed.csv",),
        ("LIESMICH.txt",),
    ]
    assert said(parsed) == ["Halle: Nord", "Preis: 3", "ja"]
    assert [problem.partition(" (")[0] for problem in parsed.problems] == [
        "attachment 'unnamed.zip' is left out: it is no ZIP archive, or is damaged"
    ]


def test_a_mail_inside_in_base64_is_read() -> None:
    inner = base64.b64encode(f"{HEAD.replace('Halle', 'Innen')}\nGanz innen.".encode()).decode()
    body = (
        "--b\nContent-Type: text/plain\n\nAußen.\n--b\nContent-Type: message/rfc822\n"
        f"Content-Transfer-Encoding: base64\n\n{inner}\n--b--\n"
    )
    data = f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{body}".encode()
    assert said(eml.parse(data, "a.eml"))[1:] == [
        "Innen",
        "Mira <mira@example.org>",
        "Ganz innen.",
    ]


def test_what_of_a_text_can_not_be_decoded_is_told() -> None:
    data = f"{HEAD}Content-Type: text/plain; charset=utf-8\n\n{'Größe und Länge. ' * 30}".encode()
    parsed = eml.parse(data + b"Ende\xff", "a.eml")
    assert parsed.problems == ("1 characters could not be decoded as utf-8",)
