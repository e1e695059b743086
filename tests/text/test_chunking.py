"""Chunks: whole sentences in a token budget, at exact places, never across a span."""

from __future__ import annotations

import itertools
import socket
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.records import Chunk, Document, Span
from rag_engine.text.chunking import chunk, chunk_many, passage_text
from rag_engine.text.sentences import sentences
from tests.text.samples import SAMPLES, text_in
from tests.waiting import grows_with

DETECTOR = FastTextDetector()


def characters(texts):
    """A tokenizer with a token for each character."""
    return [len(text) for text in texts]


def words(texts):
    return [len(text.split()) for text in texts]


def chunked(text, *, count=words, max_tokens=16, overlap=0, **document):
    return chunk(
        Document(id="d", text=text, **document),
        count_tokens=count,
        detector=DETECTOR,
        max_tokens=max_tokens,
        overlap_sentences=overlap,
    )


def texts(chunks):
    return [each.text for each in chunks]


def test_whole_sentences_are_packed_up_to_the_budget():
    text = "One two three. Four five. Six seven eight nine. Ten."
    assert texts(chunked(text, max_tokens=5)) == [
        "One two three. Four five.",
        "Six seven eight nine. Ten.",
    ]


def test_the_last_sentence_stands_again_in_the_next_chunk():
    text = "A b c d e f g. H i. J k l m n o p. Q r. S t."
    found = chunked(text, max_tokens=9, overlap=1)
    assert texts(found) == ["A b c d e f g. H i.", "H i. J k l m n o p.", "Q r. S t."]
    assert [each.ordinal for each in found] == [0, 1, 2]


def test_no_overlap_that_would_fill_the_next_chunk():
    text = "A b c d e f. G h i j k l. M n o p q r."
    assert texts(chunked(text, max_tokens=8, overlap=3)) == sentences_of(text)


def sentences_of(text):
    return [text[start:end] for start, end in sentences(text)]


def test_several_sentences_may_overlap():
    text = " ".join(f"S{number}." for number in range(12))
    found = chunked(text, max_tokens=8, overlap=2)
    assert texts(found) == [
        "S0. S1. S2. S3. S4. S5. S6. S7.",
        "S6. S7. S8. S9. S10. S11.",
    ]


def test_chunks_never_cross_a_span_and_carry_its_place():
    text = "Intro here. First page. Still first. Second page. The end."
    spans = (
        Span(start=12, end=36, section=("Manual", "Start"), page=1),
        Span(start=36, end=49, section=("Manual",), page=2),
    )
    found = chunked(text, max_tokens=50, overlap=2, spans=spans)
    assert [(each.text, each.section, each.page) for each in found] == [
        ("Intro here.", (), None),
        ("First page. Still first.", ("Manual", "Start"), 1),
        ("Second page.", ("Manual",), 2),
        ("The end.", (), None),
    ]


def test_empty_documents_and_blank_spans_have_no_chunks():
    assert chunked("") == []
    assert chunked(" \r\n ") == []
    assert texts(chunked("A.   ", spans=(Span(start=2, end=5, page=1),))) == ["A."]


def test_a_long_sentence_is_divided_after_clauses():
    text = "When the pump is on, the valve is shut, and the lamp is green, so all is well."
    assert texts(chunked(text, max_tokens=8)) == [
        "When the pump is on,",
        "the valve is shut,",
        "and the lamp is green,",
        "so all is well.",
    ]


def test_a_long_sentence_without_clauses_is_divided_at_blanks():
    found = texts(chunked("word " * 50, max_tokens=8))
    assert " ".join(found) == ("word " * 50).strip()
    assert max(words(found)) <= 8


def test_unspaced_text_is_divided_between_words_and_nothing_is_lost():
    text = "保修期内如果水泵出现故障请您立即联系我们的客户服务部门并提供购买凭证"
    found = texts(chunked(text, count=characters, max_tokens=16))
    assert "".join(found) == text
    assert max(map(len, found)) <= 16
    thai = "กรุณาทำความสะอาดไส้กรองทุกเดือนด้วยน้ำอุ่นเท่านั้น"
    parts = texts(chunked(thai, count=characters, max_tokens=20))
    assert "".join(parts) == thai
    assert not any(part[0] in "ะาำิีึืุู่้๊๋์" for part in parts)  # no mark was torn off


def test_letters_are_not_torn_from_their_marks():
    family = "👨‍👩‍👧‍👦"
    found = texts(chunked(family * 10, count=characters, max_tokens=20))
    assert "".join(found) == family * 10
    assert all(len(part) % len(family) == 0 for part in found)


def test_one_letter_with_endless_marks_is_divided_all_the_same():
    text = "e" + "\u0301" * 1_000
    found = texts(chunked(text, count=characters, max_tokens=64))
    assert "".join(found) == text
    assert max(map(len, found)) <= 64


def test_tokens_are_counted_for_all_documents_together():
    calls = []

    def counting(batch):
        calls.append(len(batch))
        return words(batch)

    documents = [Document(id=str(i), text="One two. Three four. Five.") for i in range(20)]
    chunk_many(documents, count_tokens=counting, detector=DETECTOR, max_tokens=4)
    assert calls == [60, 20]  # all sentences, then all chunks of more than one sentence


def test_a_tokenizer_that_needs_more_for_the_whole_is_obeyed():
    def superadditive(batch):
        return [len(text.split()) ** 2 for text in batch]

    text = "One two. Three four. Five six. Seven eight. Nine ten."
    found = chunked(text, count=superadditive, max_tokens=16)
    assert max(superadditive(texts(found))) <= 16
    assert texts(found) == ["One two. Three four.", "Five six. Seven eight.", "Nine ten."]


def test_sentences_end_as_in_the_documents_language():
    one = "Wir liefern in drei Tagen nach Hause."
    other = "Der Preis gilt einschl. Steuern und Versand bei allen Bestellungen."
    assert texts(chunked(f"{one} {other}")) == [one, other]


def test_a_change_of_language_begins_a_chunk():
    german = " ".join(SAMPLES["de"])
    text = "\n\n".join([german, " ".join(SAMPLES["en"]), german])
    found = chunked(text, max_tokens=200, overlap=1)
    assert [(each.language, each.text) for each in found] == [
        ("de", german),
        ("en", " ".join(SAMPLES["en"])),
        ("de", german),
    ]


DUTCH = (
    "De fietsenstalling onder het station is dag en nacht open, en wie er zijn fiets langer dan "
    "twee weken laat staan, krijgt een brief van de gemeente."
)
GUESTS = [
    ("fr", "Le garage sous la gare est ouvert jour et nuit pour tous."),
    ("de", "Den Schlüssel zum Schuppen hat der Hausmeister im Keller."),
    ("en", "A ladder is needed each autumn to look after the gutter."),
    ("it", "Chi è malato telefona alla segreteria prima delle nove."),
    ("pl", "Kto zachoruje, dzwoni do sekretariatu przed dziewiątą rano."),
    ("tr", "Hasta olan, saat dokuzdan önce sekreterliği arar ve söyler."),
    ("ja", "自転車置き場は昼も夜も開いています。鍵は受付にあります。"),
]


@pytest.mark.parametrize(("language", "guest"), GUESTS)
def test_a_short_paragraph_in_another_language_is_told_if_it_is_sure(language: str, guest: str):
    text = "\n\n".join([DUTCH, guest, DUTCH])
    found = chunked(text, max_tokens=200, language_hint="nl")
    assert [each.language for each in found] == ["nl", language, "nl"]


@pytest.mark.parametrize(
    "line",
    [
        "Wie ziek is, belt eerst.\nPlease call the office before nine.",
        "Titel: The garage under the station | Jaar: 1987 | Prijs: 12,50",
        "[4] Garage, B. (2019), The bicycles of the council, 12(3), 45-67.",
    ],
)
def test_short_lines_rows_and_references_follow_their_document(line: str):
    text = "\n\n".join([DUTCH, line, DUTCH])
    assert [each.language for each in chunked(text, max_tokens=200)] == ["nl"]


def test_a_change_of_script_within_a_paragraph_begins_a_chunk():
    text = " ".join([*SAMPLES["ru"], text_in("zh") * 2, *SAMPLES["ru"]])
    found = chunked(text, max_tokens=200)
    assert [each.language for each in found] == ["ru", "zh", "ru"]


def test_a_quotation_or_a_name_does_not_begin_a_chunk():
    text = (
        "Die Firma wirbt mit dem Satz „We push the water upwards“ und meint es ernst.\n"
        "Water Works International Ltd., New York\n"
        "Auf dem Schild steht Насос, darunter das Baujahr und die Nummer der Pumpe."
    )
    assert [each.language for each in chunked(text, max_tokens=200)] == ["de"]


def test_what_can_not_be_told_is_in_the_documents_language():
    german = " ".join(SAMPLES["de"])
    text = f"{german}\n\nX-200 4711 12.5"
    spans = (Span(start=0, end=len(german)), Span(start=len(german), end=len(text)))
    assert [each.language for each in chunked(text, max_tokens=50, spans=spans)] == ["de", "de"]


def test_the_hint_is_believed_where_nothing_can_be_told():
    assert chunked("X-200 4711")[0].language == "und"
    assert chunked("X-200 4711", language_hint="pt-BR")[0].language == "pt"
    assert chunked("X-200 4711", language_hint="klingon")[0].language == "und"
    assert chunked(text_in("de"), language_hint="en", max_tokens=50)[0].language == "de"


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_every_sample_keeps_its_language(language):
    found = chunked(text_in(language), count=characters, max_tokens=400)
    assert [each.language for each in found] == [language]


_PIECES = st.sampled_from(
    [
        *["The pump leaks. ", "Wo ", "保修期。", "ไทย", "😀", "𠮷", "e\u0301", "שלום. ", "\u200f"],
        *["؟ ", "\r\n", "\n\n", "- ", "\u0301", "ab", ", ", "\x00", "\ufeff", "\u2028"],
        *["한국어", "।"],
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@example(
    pieces=["保修期。", "The pump leaks. ", "Wo ", "保修期。"],
    cuts=[],
    max_tokens=1,
    overlap=3,
    count=lambda batch: [len(text.encode()) // 3 for text in batch],
)
@given(
    pieces=st.lists(_PIECES, max_size=60),
    cuts=st.lists(st.integers(0, 300), max_size=4),
    max_tokens=st.integers(1, 40),
    overlap=st.integers(0, 3),
    count=st.sampled_from([words, characters, lambda batch: [len(t.encode()) // 3 for t in batch]]),
)
def test_offsets_budget_spans_and_completeness(pieces, cuts, max_tokens, overlap, count):
    text = "".join(pieces)
    places = sorted({min(cut, len(text)) for cut in cuts})
    spans = tuple(
        Span(start=start, end=end, page=number + 1)
        for number, (start, end) in enumerate(itertools.pairwise(places))
    )
    document = Document(id="d", text=text, spans=spans)
    found = chunk(
        document,
        count_tokens=count,
        detector=DETECTOR,
        max_tokens=max_tokens,
        overlap_sentences=overlap,
    )
    covered = [False] * len(text)
    for ordinal, each in enumerate(found):
        assert each.ordinal == ordinal
        assert text[each.start : each.end] == each.text == each.text.strip() != ""
        assert count([each.text])[0] <= max_tokens or len(each.text) == 1
        covered[each.start : each.end] = [True] * (each.end - each.start)
        for span in spans:
            outside = each.end <= span.start or each.start >= span.end
            inside = span.start <= each.start and each.end <= span.end
            assert outside or inside
            assert not inside or each.page == span.page
    missing = "".join(c for c, seen in zip(text, covered, strict=True) if not seen)
    assert not missing.strip()
    assert [each.start for each in found] == sorted(each.start for each in found)


def test_a_thousand_chunks_cost_linear_time_and_no_network(monkeypatch):
    def refused(*_args, **_options):
        raise AssertionError("chunking must not use the network")

    monkeypatch.setattr(socket, "socket", refused)
    paragraph = " ".join(f"The pump number {n} pushes the water upwards." for n in range(25))
    documents = [
        Document(id=str(n), text="\n\n".join([paragraph] * 10)) for n in range(100)
    ]  # fmt: skip
    found = chunk_many(documents, count_tokens=words, detector=DETECTOR, max_tokens=200)
    assert sum(map(len, found)) >= 1_000

    def one_long(size):
        long = Document(id="long", text="\n\n".join([paragraph] * size))
        return chunk(long, count_tokens=words, detector=DETECTOR, max_tokens=200)

    assert grows_with(one_long, 6) < 1.5


def test_one_huge_line_is_never_counted_in_one_piece():
    longest = 0

    def watching(batch):
        nonlocal longest
        longest = max(longest, *map(len, batch))
        return characters(batch)

    text = "x" * 300_000
    found = chunked(text, count=watching, max_tokens=256)
    assert "".join(texts(found)) == text
    assert longest <= 256 * 16


def _passage(**fields):
    plain = Chunk(document_id="d", ordinal=0, start=0, end=9, text="Turn it.")
    return replace(plain, **fields)


@pytest.mark.parametrize(
    ("title", "passage", "expected"),
    [
        ("", _passage(), "Turn it."),
        ("Pump", _passage(), "Pump\nTurn it."),
        (" Pump\n X ", _passage(section=("Pump X", "Start")), "Pump X > Start\nTurn it."),
        ("Pump", _passage(section=("Start",), text="## Start\nNow."), "Pump\n## Start\nNow."),
        ("x" * 500, _passage(), "x" * 160 + "\nTurn it."),
    ],
)
def test_the_heading_is_put_before_what_is_embedded(title, passage, expected):
    assert passage_text(title, passage, include_heading=True) == expected
    assert passage_text(title, passage, include_heading=False) == passage.text


def test_a_bare_heading_stands_in_the_path_of_its_subsections_alone():
    text = "Pump\n\nCare\n\nReplace the seal.\n\nEnd"
    spans = (
        Span(start=0, end=6, section=("Pump",)),
        Span(start=6, end=31, section=("Pump", "Care")),
        Span(start=31, end=len(text), section=("End",)),
    )
    found = chunked(text, spans=spans)
    assert [(each.section, each.text.split()[0]) for each in found] == [
        (("Pump", "Care"), "Care"),
        (("End",), "End"),
    ]
