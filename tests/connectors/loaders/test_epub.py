"""EPUB: the pages of a book in their order, by the parser of HTML."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.epub import EpubLoader
from rag_engine.connectors.loaders.parsing import epub
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document
from tests.connectors.loaders.office import texts
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import zip_of
from tests.connectors.loaders.test_workbooks import lines

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)
PAGE = (
    '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" '
    '"http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body>{}</body></html>'
)
ITEMS = {
    "nav": ("nav.xhtml", "application/xhtml+xml", "nav"),
    "ncx": ("toc.ncx", "application/x-dtbncx+xml", ""),
    "one": ("text/one%20a.xhtml", "application/xhtml+xml", ""),
    "two": ("text/two.xhtml", "application/xhtml+xml", ""),
    "picture": ("a.png", "image/png", ""),
    "lost": ("text/lost.xhtml", "application/xhtml+xml", ""),
}


def book(spine: str, **parts: str | bytes) -> bytes:
    """Return an EPUB; names of parts have ``__`` for the dot, and lie in OPS/text."""
    items = "".join(
        f'<item id="{key}" href="{href}" media-type="{kind}" properties="{properties}"/>'
        for key, (href, kind, properties) in ITEMS.items()
    )
    references = "".join(f'<itemref idref="{key}"/>' for key in spine.split())
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<metadata><dc:title>नौका</dc:title><dc:language>hi</dc:language></metadata>"
        f"<manifest>{items}</manifest><spine>{references}</spine></package>"
    )
    named = {
        {
            "one": "OPS/text/one a.xhtml",
            "two": "OPS/text/two.xhtml",
            "nav": "OPS/nav.xhtml",
            "ncx": "OPS/toc.ncx",
            "encryption": "META-INF/encryption.xml",
        }[key]: part
        for key, part in parts.items()
    }
    return zip_of({"META-INF/container.xml": CONTAINER, "OPS/book.opf": package, **named})


def test_a_book_of_libreoffice_is_read(sandbox: Sandbox, load_one: Callable[..., Document]) -> None:
    document = load_one(EpubLoader(sandbox=sandbox), "a.epub", office_file("writer.epub"))
    assert lines(document.text) == [
        "Bergbahn",
        fact("writer.epub"),
        "متحف",
        texts.ARABIC,
        texts.HINDI,
        "防災",
        texts.JAPANESE,
        f"{texts.THAI}unsichtbar",  # and what the source hides it shows
        *("Erstens", "Zweitens", "innen"),  # LibreOffice writes neither numbers nor table heads
        "Nord | 10 | 12",
        "Ende",
        texts.NOTE,
    ]
    assert [span.section for span in document.spans] == [("Bergbahn",)]
    assert document.title == "Haus am See"
    assert document.metadata == {"format": "epub"}


def test_pages_come_in_the_order_of_the_spine_with_their_headings() -> None:
    data = book(
        "two nav picture one two",
        nav=PAGE.format("<nav epub:type='toc'><a href='text/two.xhtml'>x</a></nav>"),
        one=PAGE.format("<h2>भाग</h2><p><ruby>水<rt>みず</rt></ruby>を飲む</p>"),
        two=PAGE.format("<h1>Erstes</h1><p>Wort<a epub:type='noteref' href='#n'>7</a>.</p>"),
    )
    parsed = epub.parse(data, "a.epub")
    assert parsed.text == "Erstes\n\nWort.\n\nभाग\n\n水を飲む"
    assert [stretch.section for stretch in parsed.stretches] == [("Erstes",), ("Erstes", "भाग")]
    assert (parsed.title, parsed.language, parsed.problems) == ("नौका", "hi", ())


@pytest.mark.parametrize("old", [True, False])
def test_a_page_without_heading_has_its_name_from_the_table_of_contents(old: bool) -> None:
    ncx = (
        '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/x.dtd">'
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>'
        'บทที่ ๑</text></navLabel><content src="text/one%20a.xhtml#top"/></navPoint></navMap></ncx>'
    )
    nav = PAGE.format("<nav epub:type='toc'><a href='text/one%20a.xhtml'>บทที่ ๑</a></nav>")
    contents = {"ncx": ncx} if old else {"nav": nav}
    for body in ("<p>Text</p>", "<p>บทที่ ๑</p><p>Text</p>"):
        parsed = epub.parse(book("one", one=PAGE.format(body), **contents), "a.epub")
        assert parsed.text == "บทที่ ๑\n\nText"
        assert parsed.stretches[0].section == ("บทที่ ๑",)


def encryption(algorithm: str, uri: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData>'
        f'<EncryptionMethod Algorithm="{algorithm}"/><CipherData><CipherReference URI="{uri}"/>'
        "</CipherData></EncryptedData></encryption>"
    )


def test_fonts_may_be_encrypted_and_pages_may_not() -> None:
    page = PAGE.format("<p>Text</p>")
    aes = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
    fonts = encryption("http://www.idpf.org/2008/embedding", "OPS/a.ttf")
    assert epub.parse(book("one", one=page, encryption=fonts), "a.epub").text == "Text"
    locked = encryption(aes, "OPS/text/one%20a.xhtml")
    with pytest.raises(epub.Refused, match=r"it is encrypted \(DRM\)"):
        epub.parse(book("one", one=page, encryption=locked), "a.epub")


def test_what_is_no_book_is_refused_with_its_reason(
    sandbox: Sandbox, load: Callable[..., object]
) -> None:
    page = PAGE.format("<p>Text</p>")
    entity = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"
    cases = {
        b"": "it is empty",
        b"text": "it is no EPUB",
        book("one", one=page)[:400]: "it is no EPUB",
        office_file("deck.pptx"): r"it has no part META-INF/container\.xml",
        zip_of({"META-INF/container.xml": CONTAINER}): "its package document is missing",
        zip_of({"META-INF/container.xml": entity}): "declares a document type",
        book("lost"): r"it is damaged: its part OPS/text/lost\.xhtml is missing",
        book(""): "it is damaged: it has no pages",
    }
    for data, reason in cases.items():
        with pytest.raises(LoadError, match=rf"bad\.epub: .*{reason}"):
            load(EpubLoader(sandbox=sandbox), "bad.epub", data)
    parsed = epub.parse(book("lost one", one=page), "a.epub")
    assert parsed.text == "Text"
    assert parsed.problems == ("its part OPS/text/lost.xhtml is missing",)
    inner = "<!DOCTYPE html [<!ENTITY x 'ha'>]><html><body><p>&x;Text</p></body></html>"
    assert epub.parse(book("one", one=inner), "a.epub").text == "&x;Text"
