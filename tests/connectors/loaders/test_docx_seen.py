"""What a reader of a DOCX sees that stands in no plain run, and what he does not see."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from rag_engine.connectors.loaders.parsing import docx
from tests.connectors.loaders.samples import make_docx

NAMESPACES = (
    " ".join(
        f'xmlns:{prefix}="http://schemas.{place}"'
        for prefix, place in {
            "w": "openxmlformats.org/wordprocessingml/2006/main",
            "wp": "openxmlformats.org/drawingml/2006/wordprocessingDrawing",
            "r": "openxmlformats.org/officeDocument/2006/relationships",
            "mc": "openxmlformats.org/markup-compatibility/2006",
            "w14": "microsoft.com/office/word/2010/wordml",
        }.items()
    )
    + ' xmlns:v="urn:schemas-microsoft-com:vml"'
)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml."


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def field(code: str, result: str, *, data: str = "") -> str:
    return (
        f'<w:r><w:fldChar w:fldCharType="begin">{data}</w:fldChar></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {code} </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{result}'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def control(properties: str, content: str) -> str:
    return f"<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def text_of(*paragraphs: str, before: Callable[[Any], None] | None = None) -> str:
    """Write paragraphs of raw XML into a document, and read it."""

    def fill(document: Any) -> None:
        if before is not None:
            before(document)
        place = document.element.body
        for paragraph in paragraphs:
            place.insert(len(place) - 1, parse_xml(f"<w:p {NAMESPACES}>{paragraph}</w:p>"))

    return docx.parse(make_docx(fill), "a.docx").text


def add_part(document: Any, name: str, kind: str, content_type: str, blob: bytes) -> str:
    part = Part(PackURI(f"/word/{name}"), content_type, blob, document.part.package)
    return str(document.part.relate_to(part, kind))


SEEN = {
    "symbol": (run("Kein ") + '<w:r><w:sym w:font="Symbol" w:char="F061"/></w:r>', "Kein α"),
    "tick": ('<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>' + run(" ja"), "☑ ja"),
    "control": (control('<w:alias w:val="Name"/>', run("Anna Ruiz")), "Anna Ruiz"),
    "chosen entry": (
        control(
            '<w:dropDownList><w:listItem w:displayText="Nord" w:value="1"/>'
            '<w:listItem w:displayText="Süd" w:value="2"/></w:dropDownList>',
            run("Süd"),
        ),
        "Süd",
    ),
    "control of a date": (
        control('<w:date w:fullDate="2026-03-01T00:00:00Z"/>', run("1. März")),
        "1. März",
    ),
    "checked control": (
        control('<w14:checkbox><w14:checked w14:val="1"/></w14:checkbox>', run("☒")) + run(" ja"),
        "☒ ja",
    ),
    "what to put there is no text": (
        control("<w:showingPlcHdr/>", run("Klicken Sie hier")) + run("danach"),
        "danach",
    ),
    "field": (run("Siehe ") + field("REF ziel \\h", run("Kapitel 4")), "Siehe Kapitel 4"),
    "simple field": ('<w:fldSimple w:instr=" DATE ">' + run("2. Mai") + "</w:fldSimple>", "2. Mai"),
    "field in a field": (
        field("IF 1 = " + "1", field("REF x", run("innen")) + run(" außen")),
        "innen außen",
    ),
    "field in a code": (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>IF </w:instrText></w:r>'
        + field("REF x", run("eins"))
        + '<w:r><w:instrText> = 1 "ja"</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        + run("ja")
        + '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
        "ja",
    ),
    "field without a result": (
        run("Wort")
        + '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>XE "Wort"</w:instrText>'
        '</w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>' + run(" weiter"),
        "Wort weiter",
    ),
    "page number": (run("Seite ") + field("PAGE", run("3")), "Seite 3"),
    "form: text": (
        run("Name: ") + field("FORMTEXT", run("Lena"), data="<w:ffData><w:textInput/></w:ffData>"),
        "Name: Lena",
    ),
    "form: box": (
        field(
            "FORMCHECKBOX",
            "",
            data='<w:ffData><w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox></w:ffData>',
        )
        + run(" Mitglied"),
        "☒ Mitglied",
    ),
    "form: entry": (
        field(
            "FORMDROPDOWN",
            "",
            data='<w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="rot"/>'
            '<w:listEntry w:val="blau"/></w:ddList></w:ffData>',
        ),
        "blau",
    ),
    "picture": (
        '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Bild 1" descr="Ein roter Hahn"/>'
        "</wp:inline></w:drawing></w:r>",
        "Ein roter Hahn",
    ),
    "watermark": (
        '<w:r><w:pict><v:shape id="a"><v:textpath string="ENTWURF"/></v:shape></w:pict></w:r>',
        "ENTWURF",
    ),
    "caption": (
        run("Abbildung ") + field("SEQ Abbildung", run("2")) + run(": Hof"),
        "Abbildung 2: Hof",
    ),
    "inserted and deleted": (
        run("Er ")
        + f'<w:ins w:id="1" w:author="A">{run("kommt")}</w:ins>'
        + '<w:del w:id="2" w:author="A"><w:r><w:delText> nicht</w:delText></w:r></w:del>'
        + f'<w:moveFrom w:id="3" w:author="A">{run(" früh")}</w:moveFrom>'
        + f'<w:moveTo w:id="4" w:author="A">{run(" spät")}</w:moveTo>',
        "Er kommt spät",
    ),
    "hidden": (run("hier") + run(" geheim", "<w:vanish/>"), "hier"),
    "not hidden": (run("hier") + run(" auch", '<w:vanish w:val="0"/>'), "hier auch"),
    "hidden by its style": (run("hier") + run(" geheim", '<w:rStyle w:val="Leise"/>'), "hier"),
    "hidden by a style that it is based on": (
        run("hier") + run(" geheim", '<w:rStyle w:val="Leiser"/>'),
        "hier",
    ),
    "shown against its style": (
        run("hier") + run(" doch", '<w:rStyle w:val="Leise"/><w:vanish w:val="0"/>'),
        "hier doch",
    ),
    "hidden paragraph": (
        '<w:pPr><w:pStyle w:val="Weg"/></w:pPr>'
        + run("geheim")
        + run("!", '<w:vanish w:val="0"/>'),
        "!",
    ),
}


def hiding_styles(document: Any) -> None:
    for name, kind, rest in (
        ("Leise", "character", "<w:rPr><w:vanish/></w:rPr>"),
        ("Leiser", "character", '<w:basedOn w:val="Leise"/>'),
        ("Weg", "paragraph", "<w:rPr><w:vanish/></w:rPr>"),
    ):
        document.styles.element.append(
            parse_xml(
                f'<w:style {NAMESPACES} w:type="{kind}" w:customStyle="1" w:styleId="{name}">'
                f'<w:name w:val="{name}"/>{rest}</w:style>'
            )
        )


@pytest.mark.parametrize("kind", SEEN)
def test_a_paragraph_as_it_is_seen(kind: str):
    paragraph, expected = SEEN[kind]
    assert text_of(paragraph, before=hiding_styles) == expected


CHUNKS = {
    "html": (b"<html><body><p>Aus einer <b>Seite</b>.</p></body></html>", "text/html"),
    "txt": ("Aus einer Größe.".encode("cp1252"), "text/plain"),
    "mht": (
        b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Aus der Post.</p>",
        "message/rfc822",
    ),
    "rtf": (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}Aus der Stra\'dfe.\par}",
        "application/rtf",
    ),
    "docx": (
        make_docx(lambda document: document.add_paragraph("Aus einem Brief.")),
        f"{WORD}document.main+xml",
    ),
}


@pytest.mark.parametrize("kind", CHUNKS)
def test_an_inserted_document_stands_in_its_place(kind: str):
    blob, content_type = CHUNKS[kind]

    def fill(document: Any) -> None:
        document.add_paragraph("Vorher.")
        chunk = f"chunk.{kind}"
        name = add_part(document, chunk, RELATIONSHIP_TYPE.A_F_CHUNK, content_type, blob)
        place = document.element.body
        place.insert(len(place) - 1, parse_xml(f'<w:altChunk {NAMESPACES} r:id="{name}"/>'))
        document.add_paragraph("Nachher.")

    first, inserted, last = docx.parse(make_docx(fill), "a.docx").text.split("\n\n")
    assert (first, last) == ("Vorher.", "Nachher.")
    assert (
        inserted
        == {
            "html": "Aus einer Seite.",
            "txt": "Aus einer Größe.",
            "mht": "Aus der Post.",
            "rtf": "Aus der Straße.",
            "docx": "Aus einem Brief.",
        }[kind]
    )


def notes(kind: str, *texts: str) -> bytes:
    inner = "".join(
        f'<w:{kind} w:id="{n}"><w:p><w:r><w:{kind}Ref/></w:r><w:r><w:tab/></w:r>{run(text)}</w:p>'
        f"</w:{kind}>"
        for n, text in enumerate(texts, 1)
    )
    separator = (
        f'<w:{kind} w:type="separator" w:id="0"><w:p><w:r><w:separator/></w:r></w:p></w:{kind}>'
    )
    return f"<w:{kind}s {NAMESPACES}>{separator}{inner}</w:{kind}s>".encode()


def test_notes_and_comments_stand_after_the_body_once():
    def fill(document: Any) -> None:
        paragraph = document.add_paragraph("Der Beitrag ist zu zahlen.")
        document.add_comment(paragraph.runs, text="Seit wann?", author="Vera", initials="V")
        for kind, texts in (("footnote", ("Außer Kindern.",)), ("endnote", ("Seit 2019.",))):
            related = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}s"
            blob = notes(kind, *texts)
            add_part(document, f"{kind}s.xml", related, f"{WORD}{kind}s+xml", blob)

    text = docx.parse(make_docx(fill), "a.docx").text
    body, *beside = text.split("\n\n")
    assert body == "Der Beitrag ist zu zahlen."
    assert sorted(beside) == ["Außer Kindern.", "Seit 2019.", "Vera: Seit wann?"]


def test_heads_and_feet_that_are_shown_stand_there_once():
    def fill(document: Any) -> None:
        document.add_paragraph("Text.")
        for _ in range(2):
            section = document.add_section()
            section.header.is_linked_to_previous = False
            section.header.paragraphs[0].text = "Verein"
            section.first_page_header.paragraphs[0].text = "nur auf der ersten Seite"
            section.even_page_footer.paragraphs[0].text = "nur auf geraden Seiten"
            section.different_first_page_header_footer = first
        document.settings.odd_and_even_pages_header_footer = even

    for first, even in ((False, False), (True, True)):
        text = docx.parse(make_docx(fill), "a.docx").text
        assert text.count("Verein") == 1
        assert text.count("ersten") == first
        assert text.count("geraden") == even


@pytest.mark.slow
def test_a_document_that_libreoffice_wrote(tmp_path: Path):
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    source = Path(__file__).parent / "seen.fodt"
    subprocess.run(
        [
            *(office, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"),
            *("--convert-to", "docx", "--outdir", tmp_path, source),
        ],
        check=True,
        capture_output=True,
    )
    text = docx.parse((tmp_path / "seen.docx").read_bytes(), "seen.docx").text
    assert text.split("\n\n") == [
        "Satzung",
        "Der Beitrag ist jährlich zu zahlen, sagt die Satzung.",
        "Die Kasse ist offen.",
        "Der Vorstand tagt monatlich.",
        "Der 会長が話す。",
        "Neben dem Kasten.",
        "Im Kasten steht es auch.",
        "Erster Punkt",
        "Ende von Kapitel 3.",
        "Kinder zahlen nichts.",
        "Zuletzt 2019 geändert.",
        "Vera: Bitte prüfen.",
        "Verein der Leser",
    ]


def test_a_table_of_contents_is_left_out() -> None:
    def fill(document: Any) -> None:
        document.styles.add_style("toc 1", 1)
        document.add_paragraph("Inhalt", style="TOC Heading")
        document.add_paragraph("Pumpe\t3", style="toc 1")
        document.add_heading("Pumpe", level=1)
        document.add_paragraph("Sie läuft.")

    parsed = docx.parse(make_docx(fill), "a.docx")
    assert parsed.text == "Pumpe\n\nSie läuft."
    assert parsed.title == "Pumpe"


def test_paragraphs_whose_end_was_deleted_are_one() -> None:
    mark = "<w:pPr><w:rPr><w:del w:id='1' w:author='x'/></w:rPr></w:pPr>"

    def fill(document: Any) -> None:
        gone = f"{mark}<w:del w:id='2'><w:r><w:delText>weg</w:delText></w:r></w:del>"
        for inside in (f"{mark}{run('Die Pumpe')}", gone, run("läuft."), run("Ende.")):
            document.element.body.insert(-1, parse_xml(f"<w:p {NAMESPACES}>{inside}</w:p>"))

    assert docx.parse(make_docx(fill), "a.docx").text == "Die Pumpe läuft.\n\nEnde."
