"""MSG: mails as Outlook stores them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.msg import MsgLoader
from rag_engine.connectors.loaders.parsing import eml
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.mails import QUOTED, mail
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.office.texts import JAPANESE

_BODY, _RTF, _NATIVE = 0x1000, 0x1009, 0x0102


def test_a_mail_of_outlook_is_read_as_any_other(
    sandbox: Sandbox, load_one: Callable[..., Document]
) -> None:
    document = load_one(MsgLoader(sandbox=sandbox), "a.msg", office_file("outlook.msg"))
    spans = [(s.section, document.text[s.start : s.end].strip()) for s in document.spans]
    subject, whose = "休館日のお知らせ – Änderung", "Am 8.3.2025 schrieb Kofi:"
    people = "Mira Söl <mira@example.org> → Kofi <kofi@example.org>"
    assert document.title == subject
    assert document.text.split("\n\n")[:2] == [f"{people}, 2025-03-09", fact("outlook.msg")]
    assert spans == [
        ((whose,), f"{QUOTED}\n{JAPANESE}"),
        ((subject,), f"{subject}\n\n{people}\n\n{JAPANESE}"),
        ((subject, whose), f"{QUOTED}\n{JAPANESE}"),
        (("Liste.csv",), "offen"),
    ]
    assert document.metadata == {
        "format": "msg",
        "from": "Mira Söl <mira@example.org>",
        "to": "Kofi <kofi@example.org>",
        "date": "2025-03-09T09:00:00+00:00",
    }


def test_a_mail_may_be_attached_to_another() -> None:
    parsed = eml.parse(mail("Siehe Anhang.", {"alt.msg": office_file("outlook.msg")}), "a.eml")
    assert ("alt.msg", "Liste.csv") in {stretch.section for stretch in parsed.stretches}
    assert fact("outlook.msg") in parsed.text


def test_a_text_in_rtf_alone_is_read(sandbox: Sandbox, load_one: Callable[..., Document]) -> None:
    pytest.importorskip("aspose.email_foss")
    from aspose.email_foss.msg import MapiMessage
    from compressed_rtf import compress

    message = MapiMessage.create("Betreff", "")
    rich = rb"{\rtf1\ansi{\fonttbl{\f0\fcharset204 A;}}\f0 \'cd\'e0\'f1\'ee\'f1}"
    message.set_property(_RTF, _NATIVE, compress(rich, compressed=True))
    document = load_one(MsgLoader(sandbox=sandbox), "a.msg", bytes(message.to_bytes()))
    assert (document.title, document.text) == ("Betreff", "Насос")


def test_what_is_no_msg_is_refused(sandbox: Sandbox, load: Callable[..., object]) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    sound = office_file("outlook.msg")
    cases = {
        b"": "it is empty",
        b"Subject: x\n\ny": "it is no MSG",
        ole * 99: "it is no MSG, or damaged",
        office_file("calc.xls"): "it is no MSG, or damaged",
        sound[: len(sound) // 2]: "damaged",
        sound[:600] + "__properties_version1.0".encode("utf-16-le"): "damaged",
    }
    for data, reason in cases.items():
        with pytest.raises(LoadError, match=rf"bad\.msg: .*{reason}"):
            load(MsgLoader(sandbox=sandbox), "bad.msg", data)
