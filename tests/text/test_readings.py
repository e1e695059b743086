"""Readings beside words (ruby) are searchable, and no part of what is quoted."""

from __future__ import annotations

from pathlib import Path

import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.loaders.parsing import docx, html
from rag_engine.text.readings import readings_in
from tests.connectors.loaders.samples import make_docx

TEXT = "台所の消火器を使う。"
PAGE = (
    "<p><ruby>台<rp>(</rp><rt>だい</rt><rp>)</rp>所<rt>どころ</rt></ruby>の"
    "<ruby>消火器<rtc>extinguisher</rtc><rt>しょうかき</rt></ruby>を<ruby>使<rt>・</rt></ruby>う。</p>"
)
READINGS = "台所=だいどころ 消火器=extinguisher 消火器=しょうかき"


def with_readings() -> bytes:
    def fill(document):
        paragraph = document.add_paragraph()
        for word, reading in (("台所", "だいどころ"), ("の", ""), ("消火器", "しょうかき")):
            beside = f"<w:rt><w:r><w:t>{reading}</w:t></w:r></w:rt>" if reading else ""
            base = f"<w:rubyBase><w:r><w:t>{word}</w:t></w:r></w:rubyBase>"
            ruby = f"<w:r {nsdecls('w')}><w:ruby>{beside}{base}</w:ruby></w:r>"
            paragraph._p.append(parse_xml(ruby))
        paragraph.add_run("を使う。")

    return make_docx(fill)


def test_readings_of_a_page_and_of_a_document_stand_apart_from_the_text():
    page = html.parse(PAGE.encode(), "a.html")
    assert (page.text, page.metadata["readings"]) == (TEXT, READINGS)
    letter = docx.parse(with_readings(), "a.docx")
    assert letter.text == TEXT
    assert letter.metadata == {"readings": "台所=だいどころ 消火器=しょうかき"}
    assert "readings" not in html.parse(b"<p>none</p>", "a.html").metadata


@pytest.mark.parametrize("name", ["a.html", "a.docx"])
def test_a_question_in_kana_finds_the_kanji(tmp_path: Path, quick_components, name: str):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / name).write_bytes(with_readings() if name.endswith("docx") else PAGE.encode())
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(
            Document(id=f"d{number}", text=f"{number}番の部屋は、あさ九時にあきます。")
            for number in range(5)
        )
        kb.add_files(folder)
        hits = kb.search("だいどころのしょうかき", k=6)
        [hit] = [hit for hit in hits if hit.source == f"docs/{name}"]
        assert hit.parts.lexical > 0.5
        assert hit.chunk.text == TEXT


def test_only_of_words_that_the_passage_holds():
    metadata = {"readings": "水=みず 火=ひ 水=すい =leer x= 水"}
    assert readings_in("水が出る。", metadata) == "みず すい"


def test_readings_of_a_long_book_are_bounded():
    words = "".join(f"<ruby>語{n}<rt>ご{n}</rt></ruby>" for n in range(9_000))
    readings = html.parse(f"<p>{words}</p>".encode(), "a.html").metadata["readings"]
    assert isinstance(readings, str)
    assert 19_000 < len(readings) <= 20_000
