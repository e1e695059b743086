"""Mails: headers in every coding, the better form of a text, quotations, attachments."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from rag_engine.connectors.loaders.eml import EmlLoader
from rag_engine.connectors.loaders.parsing import eml
from rag_engine.connectors.loaders.parsing.endings import PARSER_OF_ENDING
from rag_engine.connectors.loaders.parsing.worker import PARSERS, ROWS
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document, Problem
from tests.connectors.loaders.office import texts
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.mails import QUOTED, mail
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.samples import make_latin_pdf


def parts(parsed: eml.Parsed) -> list[tuple[tuple[str, ...], str]]:
    return [
        (stretch.section, parsed.text[stretch.start : stretch.end].strip())
        for stretch in parsed.stretches
    ]


def test_a_mail_has_its_subject_people_answer_and_attachment(
    sandbox: Sandbox, load_one: Callable[..., Document]
) -> None:
    document = load_one(EmlLoader(sandbox=sandbox), "mail.eml", office_file("mail.eml"))
    head = "Mira Söl <mira@example.org> → Kofi <kofi@example.org>, 2025-03-09"
    spans = [document.text[span.start : span.end].strip() for span in document.spans]
    assert document.title == "休館日のお知らせ – Änderung"
    assert document.text.split("\n\n")[:2] == [head, fact("mail.eml")]
    assert spans == [f"{QUOTED}\n{texts.JAPANESE}", "offen"]
    assert [span.section for span in document.spans] == [
        ("Am 8.3.2025 schrieb Kofi:",),
        ("Liste.csv",),
    ]
    assert document.metadata == {
        "format": "eml",
        "from": "Mira Söl <mira@example.org>",
        "to": "Kofi <kofi@example.org>",
        "date": "2025-03-09T10:00:00+01:00",
    }


def test_attachments_are_sections_with_their_own_sections_and_pages() -> None:
    attached = {
        "Präsentation.pptx": office_file("deck.pptx"),
        "a.pdf": make_latin_pdf(["First page.", "Second page."]),
        "bild.bin": b"\0\1\2",
        "kaputt.pdf": b"%PDF-1.4 and no more",
        "innen.eml": mail("Innere Nachricht.", {"tief.txt": b"Ganz tief unten."}),
    }
    parsed = eml.parse(mail("Anbei alles.", attached), "a.eml")
    found = {(stretch.section, stretch.page) for stretch in parsed.stretches}
    assert {
        (("Präsentation.pptx", "Haus am See"), 1),
        (("Präsentation.pptx", "ห้องพัก"), 3),
        (("a.pdf",), 2),
        (("innen.eml", "tief.txt"), None),
    } <= found
    for stretch in parsed.stretches:
        if stretch.section == ("innen.eml", "tief.txt"):
            assert parsed.text[stretch.start : stretch.end].strip() == "Ganz tief unten."
        if stretch.page == 2 and stretch.section == ("a.pdf",):
            assert parsed.text[stretch.start : stretch.end].strip() == "Second page."
    assert [problem.partition(":")[0] for problem in parsed.problems] == [
        "attachment 'kaputt.pdf' is left out",
    ]
    assert parsed.metadata["unread_attachments"] == "bild.bin"
    ends = [stretch.end for stretch in parsed.stretches]
    assert all(
        a.end <= b.start for a, b in zip(parsed.stretches, parsed.stretches[1:], strict=False)
    )
    assert max(ends) == len(parsed.text)


def test_mails_in_mails_end_somewhere() -> None:
    data = b"Subject: innen\n\nganz innen"
    for depth in range(9):
        outer = EmailMessage()
        outer["Subject"] = f"Stufe {depth}"
        outer.set_content("außen")
        outer.add_attachment(data, maintype="application", subtype="octet-stream", filename="a.eml")
        data = outer.as_bytes()
    parsed = eml.parse(data, "a.eml")
    assert parsed.text.count("außen") == 4
    assert "ganz innen" not in parsed.text
    assert "mails are nested too deeply" in parsed.problems[0]


def test_a_forwarded_mail_is_a_section_with_its_subject() -> None:
    inner = EmailMessage()
    inner["Subject"] = "แจ้งปิด"
    inner["From"] = "a@example.org"
    inner.set_content("ปิดวันจันทร์")
    outer = EmailMessage()
    outer["Subject"] = "Zur Kenntnis"
    outer.set_content("Siehe unten.")
    outer.add_attachment(inner)
    parsed = eml.parse(outer.as_bytes(), "a.eml")
    assert parts(parsed) == [(("แจ้งปิด",), "แจ้งปิด\n\na@example.org\n\nปิดวันจันทร์")]
    assert parsed.text.startswith("Siehe unten.\n\nแจ้งปิด")


MULTIPART = (
    "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=B\n\n"
    "--B\nContent-Type: text/plain\n\n{plain}\n--B\nContent-Type: text/html\n\n{html}\n--B--\n"
)
FORWARDED = "-----原始邮件-----\n发件人: a@example.org\n发送时间: 2025\n主题: 会议\n\n周六开会"
TABLE = "<table><tr><th>Ort<th>Tag<tr><td>Nord<td>Mo<tr><td>Süd<td>Di</table>"


@pytest.mark.parametrize(
    ("kind", "plain", "html", "expected"),
    [
        ("alternative", "Ein kurzer Text.", "<p>Ein <b>kurzer</b> Text.", "Ein kurzer Text."),
        (
            "alternative",
            "Siehe HTML",
            "<p>Ein viel längerer Text steht hier nur so.",
            "Ein viel längerer Text steht hier nur so.",
        ),
        ("alternative", "Ort Tag Nord Mo Süd Di", TABLE, "Ort: Nord | Tag: Mo\nOrt: Süd | Tag: Di"),
        ("alternative", "", "<p>nur hier", "nur hier"),
        (
            "mixed",
            "erst dies",
            "<p>und dann in einem weiteren Teil noch das",
            "erst dies\n\nund dann in einem weiteren Teil noch das",
        ),
    ],
)
def test_of_two_forms_of_a_text_the_better_is_read(
    kind: str, plain: str, html: str, expected: str
) -> None:
    data = MULTIPART.format(kind=kind, plain=plain, html=html)
    assert eml.parse(data.encode(), "a.eml").text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ja.\n\nOn 3/9/2025,\nKofi <k@example.org> wrote:\n> Eins\n> zwei\n\nGruß",
            [
                ((), "Ja."),
                (("On 3/9/2025, Kofi <k@example.org> wrote:",), "Eins\nzwei"),
                ((), "Gruß"),
            ],
        ),
        ("> nur zitiert", [((">",), "nur zitiert")]),
        (
            f"明白\n\n{FORWARDED}",
            [
                ((), "明白"),
                (
                    ("发件人: a@example.org",),
                    FORWARDED,
                ),
            ],
        ),
        ("Titel\n-----\nOrt: hier\nkein Kopf\n", [((), "Titel\n-----\nOrt: hier\nkein Kopf")]),
    ],
)
def test_what_is_quoted_is_kept_and_set_apart(
    text: str, expected: list[tuple[tuple[str, ...], str]]
) -> None:
    data = f"Subject: x\nContent-Type: text/plain; charset=utf-8\n\n{text}".encode()
    parsed = eml.parse(data, "a.eml")
    own = parsed.text[: parsed.stretches[0].start].strip() if parsed.stretches else parsed.text
    assert ([((), own)] if own else []) + parts(parsed) == expected


def test_what_html_quotes_is_set_apart_too() -> None:
    html = "<p>Ja.</p><blockquote type='cite'><p>Kommst du?</p></blockquote><p>Gruß</p>"
    data = f"Subject: x\nContent-Type: text/html\n\n{html}".encode()
    parsed = eml.parse(data, "a.eml")
    assert parsed.text == "Ja.\n\nKommst du?\n\nGruß"
    assert parts(parsed) == [((">",), "Kommst du?"), ((), "Gruß")]


@pytest.mark.parametrize(
    ("charset", "coded", "text"),
    [
        ("iso-2022-jp", "iso-2022-jp", "休館日は月曜日です。"),
        ("shift_jis", "cp932", "休館日は月曜日です。"),
        ("windows-1256", "cp1256", "المتحف مغلق يوم الاثنين"),
        ("us-ascii", "utf-8", "Das Museum schließt um fünf."),
        ("none-such", "utf-8", "Das Museum schließt um fünf."),
        (None, "cp1251", "Музей закрыт по понедельникам и в праздничные дни."),
        ("hz-gb-2312", "hz", "博物馆星期一关闭"),
    ],
)
def test_charsets_are_those_declared_or_else_guessed(
    charset: str | None, coded: str, text: str
) -> None:
    kind = "text/plain" + (f'; charset="{charset}"' if charset else "")
    body = text.encode(coded)
    head = f"Subject: x\nContent-Type: {kind}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    assert eml.parse(head + body, "a.eml").text == text
    raw = b"Subject: " + text.encode("utf-8") + b"\n\nx"
    assert eml.parse(raw, "a.eml").title == text


def test_flowed_lines_are_joined() -> None:
    text = "Ein Satz, der \nweitergeht.\n-- \nMira"
    data = f"Subject: x\nContent-Type: text/plain; format=flowed\n\n{text}"
    assert eml.parse(data.encode(), "a.eml").text == "Ein Satz, der weitergeht.\n-- \nMira"


def test_names_of_attachments_lead_nowhere() -> None:
    parsed = eml.parse(mail("x", {"../../etc/a.txt": b"Inhalt"}), "a.eml")
    assert parts(parsed)[-1] == (("a.txt",), "Inhalt")


def test_what_is_no_mail_or_is_encrypted_is_refused(
    sandbox: Sandbox, load: Callable[..., list[Document | Problem]]
) -> None:
    pgp = "Subject: x\nContent-Type: multipart/encrypted; boundary=B\n\n--B\n\nx\n--B--"
    smime = "Subject: x\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB"
    bomb = "Subject: x\nContent-Type: multipart/mixed; boundary=B\n\n" + "--B\n\nx\n" * 3_000
    cases = {
        "": "it is empty",
        "Lieber Kofi,\n\nhier ein Text.": "it is no mail",
        "\0" * 999: "it is no mail",
        pgp: r"its text is encrypted \(PGP\)",
        smime: r"its text is encrypted \(S/MIME\)",
        bomb: "it has more than 2,000 parts",
    }
    loader = EmlLoader(sandbox=sandbox)
    for text, reason in cases.items():
        with pytest.raises(LoadError, match=rf"bad\.eml: .*{reason}"):
            load(loader, "bad.eml", text)
    nested = "Subject: x\n" + "".join(
        f"Content-Type: multipart/mixed; boundary=B{n}\n\n--B{n}\n" for n in range(3_000)
    )
    with pytest.raises(LoadError, match=r"nested too deeply|more than 2,000 parts"):
        load(loader, "bad.eml", nested)


def test_every_ending_of_an_attachment_is_read_as_its_loader_reads_it() -> None:
    known = {suffix: loader for loader in default_loaders() for suffix in loader.suffixes}
    for ending, parser in PARSER_OF_ENDING.items():
        assert parser in {*PARSERS, *ROWS}
        loader = known[f".{ending}"]
        assert parser in {getattr(loader, "format", ""), getattr(loader, "parser", "")}
