"""XML of any kind, and feeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.xml import XmlLoader
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]
LoadOne = Callable[..., Document]

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Wasser &amp;amp; Mehr</title><link>https://example.org/</link><language>de</language>
<item><title>Neue Preise</title><link>https://example.org/preise</link>
<pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate><description>&lt;p&gt;Kurz&lt;/p&gt;</description>
<content:encoded><![CDATA[<h2>Alles neu</h2><p>Die <b>Pumpe</b> kostet 200&nbsp;Euro.</p>
<ul><li>eins</li><li>zwei</li></ul><script>nicht()</script>]]></content:encoded></item>
<item><description>Ohne Titel, &lt;b&gt;fett&lt;/b&gt;.</description></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="tr"><title>Su</title>
<entry><title type="html">Filtre &lt;i&gt;bakımı&lt;/i&gt;</title>
<link rel="self" href="https://example.org/self"/><link href="https://example.org/filtre"/>
<updated>2026-11-01</updated><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>Filtre her ay <em>değişir</em>.</p></div></content></entry>
<entry><title>İkinci</title><summary type="text">1 &lt; 2</summary></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="x"><title>पानी</title><dc:language>hi</dc:language></channel>
<item rdf:about="y"><title>छन्नी</title><link>https://example.org/hi</link>
<description>छन्नी हर हफ्ते धोएँ।</description><dc:date>2026-11-03</dc:date></item></rdf:RDF>"""


def places(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(span.section, document.text[span.start : span.end].strip()) for span in document.spans]


def test_an_entry_of_rss_is_a_section(load_one: LoadOne) -> None:
    document = load_one(XmlLoader(), "a.rss", RSS)
    assert (document.title, document.language_hint) == ("Wasser & Mehr", "de")
    assert document.metadata["entries"] == 2
    assert places(document) == [
        (
            ("Neue Preise",),
            "Neue Preise\n\nMon, 02 Nov 2026 10:00:00 GMT\nhttps://example.org/preise\n\n"
            "Alles neu\n\nDie Pumpe kostet 200 Euro.\n\neins\nzwei",
        ),
        ((), "Ohne Titel, fett."),
    ]


def test_atom(load_one: LoadOne) -> None:
    document = load_one(XmlLoader(), "a.atom", ATOM)
    assert (document.title, document.language_hint) == ("Su", "tr")
    assert places(document) == [
        (
            ("Filtre bakımı",),
            "Filtre bakımı\n\n2026-11-01\nhttps://example.org/filtre\n\nFiltre her ay değişir.",
        ),
        (("İkinci",), "İkinci\n\n1 < 2"),
    ]


def test_rss_1(load_one: LoadOne) -> None:
    document = load_one(XmlLoader(), "a.xml", RDF)
    assert (document.title, document.language_hint) == ("पानी", "hi")
    [(section, text)] = places(document)
    assert section == ("छन्नी",)
    assert text.endswith("2026-11-03\nhttps://example.org/hi\n\nछन्नी हर हफ्ते धोएँ।")


def test_a_cut_feed_gives_what_is_there_and_says_so(load: Load) -> None:
    document, problem = load(XmlLoader(), "a.rss", RSS[: RSS.index("<item><description>") + 40])
    assert isinstance(document, Document)
    assert isinstance(problem, Problem)
    assert "Die Pumpe kostet" in document.text
    assert problem.reason.startswith("its markup is damaged")


def test_values_stand_with_their_names_and_paragraphs_without(load_one: LoadOne) -> None:
    xml = """<?xml version="1.0" encoding="utf-8"?><!-- no text -->
    <!DOCTYPE x [<!ENTITY c "Muster">]>
    <katalog xml:lang="de"><?php no ?><pumpe name="P-300"><preis>200</preis><farbe>blau</farbe>
    <text>Von &c;  <b>stark</b>
    gebaut</text></pumpe><pumpe><preis>300</preis><leer/></pumpe></katalog>"""
    document = load_one(XmlLoader(), "a.xml", xml)
    assert document.text == (
        "pumpe: P-300\npreis: 200\nfarbe: blau\n\nVon Muster stark gebaut\n\npreis: 300"
    )
    assert document.language_hint == "de"
    assert document.metadata["root"] == "katalog"


def test_titles_of_books_are_headings(load_one: LoadOne) -> None:
    xml = (
        '<book xmlns="http://docbook.org/ns/docbook" xml:lang="ja"><title>ポンプ</title>'
        "<chapter><title>手入れ</title><para>毎週<emphasis>必ず</emphasis>\n洗います。</para>"
        "<section><title>冬</title><para>水を抜きます。</para></section></chapter></book>"
    )
    document = load_one(XmlLoader(), "a.xml", xml)
    assert document.title == "ポンプ"
    assert places(document) == [
        (("ポンプ",), "ポンプ"),
        (("ポンプ", "手入れ"), "手入れ\n\n毎週必ず洗います。"),
        (("ポンプ", "手入れ", "冬"), "冬\n\n水を抜きます。"),
    ]


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("<plants><plant>{}</plant><plant>{}</plant></plants>", ""),
        ("<plants><title>Herbs</title><plant>{}</plant><plant>{}</plant></plants>", "Herbs"),
        ("<plants><info>{}</info><plant><p>x</p></plant><plant><p>y</p></plant></plants>", "Sage"),
    ],
)
def test_the_title_is_of_no_record(load_one: LoadOne, content: str, title: str) -> None:
    xml = content.replace("{}", "<title>Sage</title><note>Dry soil.</note>")
    document = load_one(XmlLoader(), "a.xml", xml)
    assert document.title == title
    assert "Dry soil." in document.text


def test_a_page_of_xhtml_is_read_as_a_page(load_one: LoadOne) -> None:
    page = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" lang="el"><head>'
        "<title>Αντλία</title></head><body><h1>Αντλία</h1><p>Πλένεται κάθε μήνα.</p></body></html>"
    )
    document = load_one(XmlLoader(), "a.xml", page)
    assert (document.title, document.language_hint) == ("Αντλία", "el")
    assert document.text == "Αντλία\n\nΠλένεται κάθε μήνα."


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("windows-1251", "cp1251"), ("UTF-16", "utf-16"), ("utf-8", "cp1251"), ("koi8-r", "koi8-r")],
)
def test_encodings(load_one: LoadOne, declared: str, codec: str) -> None:
    text = "Фильтр насоса промывают холодной водой. Кран закрывают. Осенью воду сливают."
    xml = f'<?xml version="1.0" encoding="{declared}"?><док><p>{text}</p></док>'
    assert load_one(XmlLoader(), "a.xml", xml.encode(codec)).text == text


def test_nothing_of_other_files_comes_in(load: Load, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("geheim", encoding="utf-8")
    for declaration in (
        f'<!ENTITY x SYSTEM "{secret.as_uri()}">',
        f'<!ENTITY % p SYSTEM "{secret.as_uri()}"> %p;',
    ):
        xml = f"<!DOCTYPE l [{declaration}]><l>vor &x; nach</l>"
        document, *_ = load(XmlLoader(), "a.xml", xml)
        assert isinstance(document, Document)
        assert "geheim" not in document.text
        assert "vor" in document.text
    dtd = f'<!DOCTYPE notiz SYSTEM "{secret.as_uri()}"><notiz>nur das</notiz>'
    [document] = load(XmlLoader(), "a.xml", dtd)
    assert isinstance(document, Document)
    assert document.text == "notiz: nur das"


def bomb() -> str:
    levels = [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9)]
    return f'<!DOCTYPE l [<!ENTITY a0 "{"x" * 50}">{"".join(levels)}]><l>&a8;</l>'


@pytest.mark.parametrize(
    "content",
    [
        bomb(),
        '<!DOCTYPE l [<!ENTITY a "&b;"><!ENTITY b "&a;">]><l>&a;</l>',
        "<a>" * 5_000,
    ],
    ids=["bomb", "loop", "deep"],
)
def test_what_grows_without_end_is_refused(load: Load, content: str) -> None:
    with pytest.raises(LoadLimitExceeded, match="it grows beyond what is read of XML"):
        load(XmlLoader(), "a.xml", content)


@pytest.mark.parametrize("content", ["", "Nur Text", "<", "\0\1\2", "<a", "{}"])
def test_what_is_no_xml_is_refused(load: Load, content: str) -> None:
    with pytest.raises(LoadError, match=r"a\.xml: its markup (can not be read|is damaged)"):
        load(XmlLoader(), "a.xml", content)
