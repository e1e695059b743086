"""DOC and PPT: the binary files of Office 97 to 2003."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.doc import DocLoader
from rag_engine.connectors.loaders.parsing.scratch import scratch_prefix
from rag_engine.connectors.loaders.ppt import PptLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.xls import XlsLoader
from rag_engine.errors import LoadError
from rag_engine.records import Document
from tests.connectors.loaders.office import texts
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.test_sandbox import child_of
from tests.connectors.loaders.test_workbooks import lines

TABLE = "Halle: Nord | 2025 > Mai: 10 | 2025 > Juni: 12"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def test_a_document_of_word_97_is_read_as_a_docx(
    sandbox: Sandbox, load_one: Callable[..., Document]
) -> None:
    document = load_one(DocLoader(sandbox=sandbox), "a.doc", office_file("writer.doc"))
    parts = [document.text[span.start : span.end] for span in document.spans]
    assert [span.section for span in document.spans] == [
        ("Bergbahn",),
        ("Bergbahn", "متحف"),
        ("Bergbahn", "防災"),
        (),
    ]
    assert [[line.strip() for line in lines(part)] for part in parts] == [
        ["Bergbahn", fact("writer.doc")],
        ["متحف", texts.ARABIC, texts.HINDI],
        [
            *("防災", texts.JAPANESE, texts.THAI),
            *("1.Erstens", "2.Zweitens", "a)innen", TABLE, "Ende"),
        ],
        [texts.NOTE, f"Mira: {texts.COMMENT}"],
    ]
    assert document.title == "Haus am See"
    assert document.metadata == {"format": "doc"}
    folders = Path(tempfile.gettempdir()).glob(f"{scratch_prefix(child_of(sandbox))}*")
    assert not list(folders)


def test_what_a_killed_child_had_written_is_removed() -> None:
    with Sandbox() as sandbox:
        sandbox.parse("text", b"x", name="a.txt")
        left = Path(tempfile.mkdtemp(prefix=scratch_prefix(child_of(sandbox))))
        (left / "a.doc").write_bytes(b"x")
    assert not left.exists()


def test_other_texts_that_are_named_so_are_read_as_what_they_are(
    sandbox: Sandbox, load_one: Callable[..., Document]
) -> None:
    loader = DocLoader(sandbox=sandbox)
    assert load_one(loader, "a.doc", rb"{\rtf1 Gr\'fc\'dfe}").text == "Grüße"
    assert load_one(loader, "a.doc", "<html><p>Grüße").text == "Grüße"


def test_a_presentation_of_powerpoint_97_is_read_as_a_pptx(
    sandbox: Sandbox, load_one: Callable[..., Document]
) -> None:
    document = load_one(PptLoader(sandbox=sandbox), "a.ppt", office_file("impress.ppt"))
    slides = [lines(document.text[span.start : span.end]) for span in document.spans]
    assert slides == [
        ["Haus am See", fact("impress.ppt")],
        ["संग्रहालय", TABLE, texts.ARABIC],
        ["ห้องพัก", texts.THAI, texts.JAPANESE, "erstens", "zweitens"],
    ]
    assert [(span.page, span.section) for span in document.spans] == [
        (1, ("Haus am See",)),
        (2, ("संग्रहालय",)),
        (3, ("ห้องพัก",)),
    ]
    assert document.metadata == {"format": "ppt", "slides": 3}


@pytest.mark.parametrize("ending", ["doc", "ppt"])
def test_what_is_no_old_file_is_refused_with_its_reason(
    sandbox: Sandbox, load: Callable[..., object], ending: str
) -> None:
    loader = (DocLoader if ending == "doc" else PptLoader)(sandbox=sandbox)
    sound = office_file("writer.doc" if ending == "doc" else "impress.ppt")
    kind = ending.upper()
    cases = {
        b"": "it is empty",
        b"Some text.": f"it is no {kind}",
        office_file("deck.pptx"): f"it is no {kind} but an archive, as .{ending}x files are",
        OLE * 99: f"it is no {kind}, or damaged",
        office_file("calc.xls"): f"it is no {kind}, or damaged: it has no stream",
        sound[: len(sound) // 2]: "it can not be read|damaged",
    }
    for data, reason in cases.items():
        with pytest.raises(LoadError, match=rf"bad\.{ending}: .*({reason})"):
            load(loader, f"bad.{ending}", data)


def test_a_document_with_a_password_is_told(sandbox: Sandbox, load: Callable[..., object]) -> None:
    data = bytearray(office_file("writer.doc"))
    start = data.index(b"\xec\xa5")  # the file's information block, of which bit 8 says so
    data[start + 0x0B] |= 0x01
    with pytest.raises(LoadError, match=r"bad\.doc: .*it is encrypted; store it without"):
        load(DocLoader(sandbox=sandbox), "bad.doc", bytes(data))


def test_a_workbook_or_presentation_with_a_password_is_told(
    sandbox: Sandbox, load: Callable[..., object]
) -> None:
    book = office_file("calc.xls")
    head = b"\xe1\x00\x02\x00"  # a record near the beginning, in whose place FILEPASS stands
    assert book.count(head) == 1
    locked = book.replace(head, b"\x2f\x00\x02\x00")
    with pytest.raises(LoadError, match=r"bad\.xls: it is encrypted; store it without a password"):
        load(XlsLoader(sandbox=sandbox), "bad.xls", locked)
    deck = office_file("impress.ppt")
    token = b"\x5f\xc0\x91\xe3"  # of the stream "Current User"
    assert deck.count(token) == 1
    with pytest.raises(LoadError, match=r"bad\.ppt: it is encrypted; store it without"):
        load(PptLoader(sandbox=sandbox), "bad.ppt", deck.replace(token, b"\xdf\xc4\xd1\xf3"))
