"""What is told of texts: cuts, garbage, near duplicates."""

from __future__ import annotations

import tracemalloc
from base64 import b64encode, encodebytes, urlsafe_b64encode
from itertools import pairwise

import numpy as np
import pytest

from rag_engine.health.cut_chunks import BadCuts, breaks_off, cut_findings, is_cut_table
from rag_engine.health.duplicates import find_near
from rag_engine.health.garbage import find_garbage, why_garbage
from rag_engine.health.neighbours import nearest
from rag_engine.records import Chunk, Document, Span
from rag_engine.text.chunking import chunk_many
from tests.health.samples import sample_of


def cut(text: str, at: int, language: str = "en") -> tuple[Document, Chunk]:
    document = Document(id="d", text=text)
    return document, Chunk(
        document_id="d", ordinal=0, start=0, end=at, text=text[:at], language=language
    )


@pytest.mark.parametrize(
    ("before", "after", "language", "is_cut"),
    [
        ("The pump is", " not to run dry.", "en", True),
        ("The pump is", "\n\nnot to run dry.", "en", True),  # a page ends there
        ("The pump runs.", " It is dry.", "en", False),
        ("Overview", "\n\nThe pump runs.", "en", False),
        ('He said: "Stop."', " Then he left.", "en", False),
        ("The pump is", "", "en", False),
        ("水泵不能", "在没有水的情况下运行。", "zh", True),
        ("水泵不能运行。", "过滤器必须更换。", "zh", False),
        ("पंप चालू है।", " यह गरम है।", "hi", False),
        ("הכיבוי של", " המשאבה חובה.", "he", True),
        ("เมื่อน้ำท่วม", "ให้ปิดสวิตช์", "th", False),  # who could tell
    ],
)
def test_where_a_passage_breaks_off(before, after, language, is_cut):
    assert breaks_off(*cut(before + after, len(before), language)) is is_cut


def test_a_table_that_begins_in_its_middle():
    head = "| code | means |\n|---|---|\n"
    row = "| E1 | dry run |\n"
    document = Document(id="d", text=f"Codes\n\n{head}{row}{row}\nMore text.")
    first, second = document.text.index("| code"), document.text.rindex("| E1")

    def passage(start: int) -> Chunk:
        text = document.text[start : start + len(row)]
        return Chunk(document_id="d", ordinal=0, start=start, end=start + len(row), text=text)

    assert not is_cut_table(document, passage(first))
    assert is_cut_table(document, passage(second))


@pytest.mark.parametrize(
    ("before", "is_cut"),
    [
        ("a | b | c\n", True),
        ("a | b | c\n\n  ", True),
        ("a | b | c", False),  # on the same line
        ("a | b | c\nText.\n", False),
        ("\n \n", False),
        ("", False),
    ],
)
def test_what_stands_before_a_row(before, is_cut):
    text = f"{before}d | e | f"
    start = len(before)
    row = Chunk(document_id="d", ordinal=0, start=start, end=len(text), text=text[start:])
    assert is_cut_table(Document(id="d", text=text), row) is is_cut


def test_a_long_document_is_not_copied_for_a_passage():
    text = "a | b | c\n" * 500_000
    document = Document(id="d", text=text)
    row = Chunk(document_id="d", ordinal=0, start=4_999_990, end=5_000_000, text=text[-10:])
    tracemalloc.start()
    try:
        assert is_cut_table(document, row)
        assert tracemalloc.get_traced_memory()[1] < 10_000
    finally:
        tracemalloc.stop()


def test_what_is_wrong_with_cuts_is_told_by_kind():
    """The chunker itself cuts so: a heading without text, a line of its own, a page's end."""
    text = (
        "Warranty\nNo.\nThe pump that stands in the cellar of the house must\nnot run dry for long."
    )
    edges = [0, text.index("No."), text.index("The"), text.index("not"), len(text)]
    document = Document(
        id="d",
        text=text,
        spans=tuple(
            Span(start=start, end=end, section=("Warranty",), page=page)
            for page, (start, end) in enumerate(pairwise(edges), start=1)
        ),
    )
    [chunks] = chunk_many(
        [document], count_tokens=lambda texts: [len(t.split()) for t in texts], detector=Knows()
    )
    assert len(chunks) == 4
    sample = sample_of(["en"] * 4, texts=[each.text for each in chunks])
    for found, chunk in zip(sample.chunks, chunks, strict=True):
        object.__setattr__(found, "chunk", chunk)
    cuts = BadCuts(sample, 48, lambda texts: [len(text.split()) for text in texts])
    cuts.look(document, list(range(4)))
    assert cuts.headings == [0]
    assert cuts.fragments == [1]
    assert cuts.half_sentences == [2]
    found = {each.check: each for each in cut_findings(cuts)}
    assert [name for name, each in found.items() if not each.fine] == [
        "fragments",
        "half sentences",
        "bare headings",
    ]
    assert "OCR" in found["bare headings"].advice


class Knows:
    """Takes all to be English."""

    version = "1"

    def detect(self, text):
        return self.plausible(text)[0]

    def plausible(self, text):
        from rag_engine.ports import Detection

        return [Detection("en", 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "Die Pumpe fördert 300 Liter.",
        "E-4711",
        "12.5 | 13.0 | 14.5 | 15.0 | 16.5 | 17.0",
        "משאבת המים",
        "",
        "⠞⠓⠑ ⠟⠥⠊⠉⠅ ⠃⠗⠕⠺⠝ ⠋⠕⠭ ⠚⠥⠍⠏⠎ ⠕⠧⠑⠗ ⠞⠓⠑ ⠇⠁⠵⠽ ⠙⠕⠛ ⠁⠝⠙ ⠎⠇⠑⠑⠏⠎",
        "XKCDR-QTPLM-VBNHG-WRTZX-PLKJH-MNBVC-XZLKJ-HGFDS-PWRTY-QZXCV",
        "https://docs.python.org/3.11/library/base64-encodeData_ForTransport2/index",
        "5f2b9c0a7d1e4836b7a90cc1d2e3f405 9e107d9d372bb6826bd81d3542a419d6",
        "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamte7",
        "The key is c3RhdGUgdGhlIGVuY29kaW5nIG9mIHRoZSBmaWxl0Xz9, and it is to be stated whole.",
    ],
)
def test_a_text_is_no_garbage(text):
    assert why_garbage(text) is None


def test_codes_of_a_font_are_garbage_as_far_as_the_page_says():
    shifted = "7KH SXPS GHOLYHUV WKUHH KXQGUHG OLWUHV RI ZDWHU"
    assert why_garbage(shifted.replace(" ", "\x03")) == "its signs are controls or private ones"
    assert why_garbage(shifted) is None  # of so few letters, product codes look the same
    assert why_garbage(f"{shifted} HYHUB PLQXWH") == "its letters make no words of any language"


@pytest.mark.parametrize("encoded", [b64encode, encodebytes, urlsafe_b64encode])
def test_encoded_data_is_garbage(encoded):
    data = encoded(np.random.default_rng(5).bytes(300)).decode()
    assert why_garbage(data) == "it is encoded data, such as base64"
    text = "ポンプは毎分三百リットルの水を送ります。The pump delivers water. " * 5
    assert why_garbage(encoded(text.encode()).decode()) == "it is encoded data, such as base64"


def test_garbage_is_found():
    sample = sample_of(["en", "und"], texts=["The pump runs.", "_" * 50])
    assert find_garbage(sample) == {1: "it has no words"}


def test_near_duplicates_are_of_one_language_and_not_to_the_letter():
    base = "The pump must be cleaned every four weeks with warm water and a soft brush."
    texts = [base, base + " Really.", base, "Something else stands here and there.", base + " So."]
    vectors = np.ones((5, 3)) + np.eye(5, 3) * 0.01
    sample = sample_of(["en", "en", "en", "en", "nl"], vectors, texts=texts)
    assert find_near(sample, *nearest(sample.raw, sample.twins)) == [(0, 1), (1, 2)]
