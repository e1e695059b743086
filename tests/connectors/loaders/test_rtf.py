"""RTF: text in every coding, headings, lists, tables, notes, fields."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.parsing import rtf
from rag_engine.connectors.loaders.rtf import RtfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.records import Document
from tests.connectors.loaders.office import texts
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.test_workbooks import lines

TABLE = "Halle: Nord | 2025 > Mai: 10 | 2025 > Juni: 12"
FONTS = (
    r"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset128 MS Mincho;}{\f2\fcharset204 Arial Cyr;}"
    r"{\f3\fcharset2 Symbol;}{\f4\fcharset178 Arial;}{\f5\fcharset222 Tahoma;}}"
)


def text_of(body: str) -> str:
    return rtf.parse(rb"{\rtf1\ansi\ansicpg1252" + FONTS.encode() + body.encode() + b"}", "a").text


def test_a_text_of_libreoffice_is_read(sandbox: Sandbox, load_one: Callable[..., Document]) -> None:
    document = load_one(RtfLoader(sandbox=sandbox), "a.rtf", office_file("writer.rtf"))
    parts = [document.text[span.start : span.end] for span in document.spans]
    assert [span.section for span in document.spans] == [
        ("Bergbahn",),
        ("Bergbahn", "متحف"),
        ("Bergbahn", "防災"),
        (),
    ]
    assert [[line.strip() for line in lines(part)] for part in parts] == [
        ["Bergbahn", fact("writer.rtf")],
        ["متحف", texts.ARABIC, texts.HINDI],
        [
            *("防災", texts.JAPANESE, texts.THAI),
            *("1. Erstens", "2. Zweitens", "a) innen", TABLE, "Ende"),
        ],
        [texts.NOTE, f"Mira: {texts.COMMENT}"],
    ]
    assert document.title == "Haus am See"
    assert document.metadata == {"format": "rtf"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"Gr\'fc\'dfe", "Grüße"),
        (r"\f1 \'93\'fa\'96\'7b", "日本"),
        (r"\f1 \'83\'5c\'83e", "ソテ"),  # the second byte is a backslash; then a letter
        (r"\f2 \'cd\'e0\'f1\'ee\'f1", "Насос"),
        (r"{\f2 \'cd} \'e4", "Н ä"),
        (r"\f5 \'b9\'e9\'d3", "น้ำ"),
        (r"\u1575?\u1604?\'3f", "ال?"),
        (r"\uc2 \u28779\'89\'ce\u26085xx", "火日"),
        (r"{\uc0 \u1575\u1604}\u1605?x", "المx"),
        (r"\u-10179?\u-8704?", "😀"),
        (r"\u8211\~x", "–x"),
        (r"\u-3999?", "α"[:0]),
        (r"\f3 \u-3999?a", "αα"),
        (r"a\~b\_c\emdash d\zwnj e\{\}\\", "a\u00a0b-c—d\u200ce{}\\"),
        (r"da{\v weg}{\deleted weg}{\*\unknown weg}{\pict 00ff}", "da"),
        (r"da{\pict\bin5 }\{}{}}.", "da."),
        (r"{\upr{Caf}{\*\ud{Caf\u233?}}}", "Café"),
        (r"{\field{\*\fldinst HYPERLINK x}{\fldrslt hier}}", "hier"),
        (
            r"{\field{\*\fldinst EQ \\o\\al(\\s\\up 9(みず),水)}{\fldrslt}}".replace(
                "みず", r"\u12415?"
            ).replace("水", r"\u27700?"),
            "水",
        ),
        (r"eins\par\par zwei\line drei", "eins\n\nzwei\ndrei"),
    ],
)
def test_text_is_read_in_the_coding_of_its_font(body: str, expected: str) -> None:
    assert text_of(body) == expected


def test_headings_are_told_by_style_or_outline_level() -> None:
    styles = r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 Kop 1;}{\s2 heading 2;}{\s9 Title;}}"
    body = r"\s9 Buch\par\pard\s1 Eins\par\pard\s2 Zwei\par\pard\outlinelevel2 Drei\par\pard x\par"
    parsed = rtf.parse(rb"{\rtf1" + (styles + body).encode() + b"}", "a.rtf")
    assert [stretch.section for stretch in parsed.stretches][-1] == ("Buch", "Eins", "Zwei", "Drei")
    assert parsed.title == "Buch"
    assert parsed.text.endswith("Drei\n\nx")


def row(*cells: str, edges: tuple[int, ...] = (1, 2), flags: tuple[str, ...] = ("", "")) -> str:
    form = "".join(f"{flag}\\cellx{edge}" for edge, flag in zip(edges, flags, strict=True))
    inner = "".join(f"\\intbl {cell}\\cell" for cell in cells)
    return f"\\trowd {form}\\pard{inner}\\row"


def test_cells_lie_under_their_columns() -> None:
    table = (
        row("Ort", "Zeit", edges=(1, 3))
        + row("", "Mai", "Juni", edges=(1, 2, 3), flags=("", "", ""))
        + row("Nord", "10", "12", edges=(1, 2, 3), flags=("", "", ""))
    )
    assert text_of(f"vor\\par{table}\\pard nach\\par").split("\n\n") == [
        "vor",
        "Ort: Nord | Zeit > Mai: 10 | Zeit > Juni: 12",
        "nach",
    ]
    down = (
        row("Halle", "Tag")
        + row("Nord", "1", flags=(r"\clvmgf", ""))
        + row("", "2", flags=(r"\clvmrg", ""))
    )
    assert text_of(down) == "Halle: Nord | Tag: 1\nHalle: Nord | Tag: 2"


def test_a_table_with_one_cell_only_lays_out() -> None:
    assert text_of(row("Im Kasten", edges=(1,), flags=("",)) + r"\pard danach") == (
        "Im Kasten\n\ndanach"
    )


def test_notes_boxes_and_feet_of_pages_come_once() -> None:
    body = (
        r"{\footer Handbuch\tab Seite \chpgn\par}{\footerf Handbuch\par}"
        r"Text{\footnote eine Note}.{\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt im Kasten\par}}"
        r"{\shprslt weg}}\par Ende"
    )
    assert text_of(body) == "Text.\n\nim Kasten\n\nEnde\n\neine Note\n\nHandbuch"


def test_what_is_no_rtf_or_too_deep_is_refused(
    sandbox: Sandbox, load: Callable[..., object]
) -> None:
    loader = RtfLoader(sandbox=sandbox)
    for data, reason in (
        (b"", "it is empty"),
        (b"Just text.", "it is no RTF"),
        (office_file("writer.odt"), "it is no RTF"),
    ):
        with pytest.raises(LoadError, match=rf"bad\.rtf: .*{reason}"):
            load(loader, "bad.rtf", data)
    with pytest.raises(LoadLimitExceeded, match="nested too deeply"):
        load(loader, "bad.rtf", rb"{\rtf1" + b"{" * 200_000 + b"x")
    for data in (
        rb"{\rtf1 ab",
        rb"{\rtf1 a}b}c",
        rb"{\rtf1 ab\u55357?",
        rb"{\rtf1 ab\cell\row\par",
    ):
        assert rtf.parse(data, "a.rtf").text.startswith("a")
    assert rtf.parse(rb"{\rtf1 a\bin999999999 b}", "a.rtf").text == "a"
    assert rtf.parse(rb"{\rtf1 a\uc-5\u99999999?\ansicpg77777 b}", "a.rtf").text.endswith("b")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"10\super 6\nosupersub  x", "10⁶ x"),
        (r"10{\super \u8722?{\b 6}} x", "10⁻⁶ x"),  # in two pieces
        (r"5 m{\up8 2}, 7\up6 3\up0 4", "5 m², 7³4"),
        (r"1{\super er}, H{\sub 2}O, 10\super 6\plain 7", "1er, H2O, 10⁶7"),
    ],
)
def test_raised_numbers_are_no_part_of_what_they_stand_beside(body: str, expected: str) -> None:
    assert text_of(body) == expected


def test_formulas_say_what_stands_above_and_below() -> None:
    total = (
        r"{\mnary{\mnaryPr{\mchr \u8721?}}{\msub{\mr\mscr0 i{\b =1}}}{\msup{\mr n}}"
        r"{\me{\msSup{\me{\mr i}}{\msup{\mr 2}}}}}"
    )
    half = r"{\mf{\mfPr{\mtype bar}}{\mnum{\mr 1}}{\mden{\mr 2}{\mr a}}}"
    picture = r"{\mmathPict{\*\shppict{\pict 89504e47}}}"
    body = (
        r"Es gilt {\mmath{\*\moMath " + half + picture + r"}}, ferner"
        r"\par{\*\moMathPara{\*\moMathParaPr{\mjc center}}{\*\moMath" + total + r"}}\par Ende"
    )
    assert [" ".join(line.split()) for line in lines(text_of(body))] == [
        "Es gilt 1/(2a) , ferner",
        "∑_(i=1)^n i^2",
        "Ende",
    ]


def test_a_control_character_in_a_formula_is_left_out() -> None:
    body = r"{\mmath{\*\moMath{\m\mr a\'01\u2?+b}}} Ende"
    assert " ".join(text_of(body).split()) == "a+b Ende"
