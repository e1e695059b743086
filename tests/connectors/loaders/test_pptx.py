"""PPTX: slides as pages, titles as sections, tables, charts, notes, comments."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.parsing import pptx
from rag_engine.connectors.loaders.pptx import PptxLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document
from tests.connectors.loaders.office.decks import ARABIC, JAPANESE, THAI
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import NAMES, box, pptx_of, relations, zip_of
from tests.connectors.loaders.samples import change_zip

TABLE = "Halle: Nord | 2025 > Mai: 10 | 2025 > Juni: 12"


@pytest.fixture
def loader(sandbox: Sandbox) -> PptxLoader:
    return PptxLoader(sandbox=sandbox)


@pytest.mark.parametrize("name", ["deck.pptx", "impress.pptx"])
def test_slides_are_pages_with_their_titles_and_notes(
    loader: PptxLoader, load_one: Callable[..., Document], name: str
) -> None:
    document = load_one(loader, name, office_file(name))
    assert [(span.page, span.section) for span in document.spans] == [
        (1, ("Haus am See",)),
        (2, ("संग्रहालय",)),
        (3, ("ห้องพัก",)),
    ]
    slides = [document.text[span.start : span.end].split("\n") for span in document.spans]
    assert [[line for line in slide if line] for slide in slides] == [
        ["Haus am See", fact(name)],
        ["संग्रहालय", TABLE, ARABIC],
        ["ห้องพัก", THAI, JAPANESE, "a) erstens", "b) zweitens"],
    ]
    assert document.title == ("Leitfaden" if name == "deck.pptx" else "Haus am See")
    assert document.metadata == {"format": "pptx", "slides": 3}


def text_of(shapes: str, **more: object) -> str:
    return pptx.parse(pptx_of(shapes, **more), "a.pptx").text  # type: ignore[arg-type]


def test_margins_and_hidden_shapes_are_left_out_and_pictures_say_what_they_show() -> None:
    picture = '<p:pic><p:nvPicPr><p:cNvPr id="3" name="x" descr="{}"/></p:nvPicPr></p:pic>'
    shapes = (
        box("Fuß", kind="ftr")
        + box("7", kind="sldNum")
        + box("unsichtbar", properties='hidden="1"')
        + box("Der Text.")
        + picture.format("Ein roter Turm")
        + picture.format("IMG_0042.jpg")
        + box("Titel", kind="ctrTitle")
    )
    assert text_of(shapes) == "Titel\n\nDer Text.\n\nEin roter Turm"


def test_of_two_forms_of_a_shape_one_is_read() -> None:
    shapes = (
        f"<mc:AlternateContent><mc:Choice>{box('neu')}</mc:Choice>"
        f"<mc:Fallback>{box('alt')}</mc:Fallback></mc:AlternateContent>"
    )
    assert text_of(f"<p:grpSp>{shapes}</p:grpSp>") == "neu"


def test_charts_and_diagrams_are_told_in_words() -> None:
    def points(values: str) -> str:
        return "".join(
            f'<c:pt idx="{index}"><c:v>{value}</c:v></c:pt>'
            for index, value in enumerate(values.split())
        )

    chart = (
        f"<c:chartSpace {NAMES}><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Besuche</a:t></a:r>"
        f"</a:p></c:rich></c:tx></c:title><c:ser><c:tx>{points('2025')}</c:tx><c:cat>"
        f"{points('Mai Juni')}</c:cat><c:val>{points('10 12')}</c:val></c:ser></c:chart>"
        "</c:chartSpace>"
    )
    diagram = (
        f"<d:dataModel {NAMES}><d:ptLst><d:pt><d:t><a:p><a:r><a:t>Anmelden</a:t></a:r></a:p></d:t>"
        "</d:pt></d:ptLst></d:dataModel>"
    )
    frame = "<p:graphicFrame><a:graphic><a:graphicData>{}</a:graphicData></a:graphic>"
    text = text_of(
        frame.format('<c:chart r:id="c"/>')
        + "</p:graphicFrame>"
        + frame.format('<d:relIds r:dm="d"/>')
        + "</p:graphicFrame>",
        c=("chart", "../charts/chart1.xml"),
        d=("diagramData", "/ppt/diagrams/data1.xml"),
        extra={"ppt/charts/chart1.xml": chart, "ppt/diagrams/data1.xml": diagram},
    )
    assert text == "Besuche\nMai: 2025: 10\nJuni: 2025: 12\n\nAnmelden"


def test_comments_name_who_wrote_them() -> None:
    old = f'<p:cmLst {NAMES}><p:cm authorId="0"><p:text>Stimmt das?</p:text></p:cm></p:cmLst>'
    thread = (
        f'<p188:cmLst {NAMES}><p188:cm authorId="0"><p188:replyLst><p188:reply authorId="9">'
        "<p188:txBody><a:p><a:r><a:t>Ja.</a:t></a:r></a:p></p188:txBody></p188:reply>"
        "</p188:replyLst><p188:txBody><a:p><a:r><a:t>Wirklich?</a:t></a:r></a:p></p188:txBody>"
        "</p188:cm></p188:cmLst>"
    )
    text = text_of(
        box("Text"),
        a=("comments", "../comments/a.xml"),
        b=("comments", "../comments/b.xml"),
        extra={"ppt/comments/a.xml": old, "ppt/comments/b.xml": thread},
    )
    assert text == "Text\n\nMira: Stimmt das?\n\nMira: Wirklich?\n\nJa."


def test_what_is_missing_or_lies_outside_is_told_and_not_fetched() -> None:
    data = pptx_of(
        box("Text"),
        n=("notesSlide", "../notesSlides/none.xml"),
        c=("comments", "file:///etc/passwd"),
        d=("comments", "http://example.org/comments.xml"),
    )
    parsed = pptx.parse(data, "a.pptx")
    assert parsed.text == "Text"
    assert parsed.problems == ("its part ppt/notesSlides/none.xml is missing",)


def test_what_is_no_pptx_is_refused_with_its_reason(
    loader: PptxLoader, load: Callable[..., object]
) -> None:
    sound = office_file("deck.pptx")

    def with_entity(name: str, part: bytes) -> bytes:
        return part.replace(b"<p:sld ", b'<!DOCTYPE a [<!ENTITY x "y">]><p:sld ')

    word = zip_of(
        {
            "_rels/.rels": relations(r1=("officeDocument", "word/document.xml")),
            "word/document.xml": "<document/>",
        }
    )
    encrypted = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    cases = {
        b"": "it is empty",
        b"no archive": "it is no PPTX",
        sound[:3000]: "it is no PPTX",
        zip_of({"a.txt": "text"}): "it is no PPTX: it names no main part",
        word: "its main part is no presentation",
        encrypted: "it is encrypted; store it as a PPTX without a password",
        encrypted[:9]: "it is encrypted, or an old .ppt",
    }
    for data, reason in cases.items():
        with pytest.raises(LoadError, match=rf"bad\.pptx: .*{reason}"):
            load(loader, "bad.pptx", data)
    with pytest.raises(LoadError, match=r"slide1\.xml declares a document type"):
        load(loader, "bad.pptx", change_zip(sound, with_entity))
