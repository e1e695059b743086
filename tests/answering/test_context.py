"""Packing hits into a budget without repeats."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_engine.answering.context import build_context, is_repeat
from rag_engine.errors import InvalidInput
from rag_engine.records import Chunk, Hit, ScoreParts

TEXT = (
    "Die Pumpe fördert zwölf Liter. Der Filter wird alle sechs Monate gewechselt. "
    "Nach dem Wechsel spült man die Leitung. Das Ventil schließt von selbst. "
    "Ein Alarm ertönt bei Trockenlauf. Danach ruft man den Dienst an."
)


def words(texts):
    """Count words, so that budgets can be checked by eye."""
    return [len(text.split()) for text in texts]


def packed(hits, max_tokens=1000):
    return build_context(hits, max_tokens=max_tokens, count_tokens=words)


def texts(context):
    return [source.text for source in context.sources]


def dropped(context):
    return [(each.rank, each.reason, each.number) for each in context.dropped]


def test_sources_are_numbered_from_1_in_rank_order(make_hit):
    hits = [make_hit("Der Filter ist blau."), make_hit("水泵的功率是九十瓦。")]
    context = packed(reversed(hits))
    assert [(s.number, s.hit.rank) for s in context.sources] == [(1, 1), (2, 2)]
    assert context.dropped == ()


def test_nothing_found_is_an_empty_context():
    assert packed([]).sources == ()


def test_a_hit_that_does_not_fit_is_dropped_and_the_next_one_tried(make_hit):
    hits = [make_hit("one two three"), make_hit("a b c d e f g h"), make_hit("vier fünf")]
    context = packed(hits, max_tokens=6)
    assert texts(context) == ["one two three", "vier fünf"]
    assert dropped(context) == [(2, "budget", None)]
    assert context.tokens == 5


def test_titles_and_sections_count_against_the_budget(make_hit):
    hits = [make_hit("a b", title="One Two"), make_hit("c d", title="T", section=("U V",))]
    assert packed(hits, max_tokens=10).tokens == 10
    assert dropped(packed(hits, max_tokens=9)) == [(2, "budget", None)]


def test_the_heading_names_title_and_section(make_hit):
    context = packed([make_hit("x", title="Handbuch", section=("Wartung", "Filter"))])
    assert context.sources[0].heading == "Handbuch › Wartung › Filter"


def test_a_first_hit_beyond_the_budget_is_cut_after_a_whole_sentence(make_hit):
    context = packed([make_hit(TEXT)], max_tokens=12)
    assert texts(context) == [
        "Die Pumpe fördert zwölf Liter. Der Filter wird alle sechs Monate gewechselt."
    ]
    assert context.sources[0].cut
    assert context.tokens <= 12


def test_a_sentence_ends_as_in_the_language_of_its_passage(make_hit):
    text = "Take pump 12. The seal lasts a year."
    cut = {
        code: texts(packed([make_hit(text, language=code)], max_tokens=5)) for code in ("en", "und")
    }
    assert cut == {"en": ["Take pump 12."], "und": ["Take pump 12. The seal "]}


def test_a_first_sentence_beyond_the_budget_is_cut_within(make_hit):
    context = packed([make_hit("eins zwei drei vier fünf sechs sieben")], max_tokens=3)
    assert texts(context) == ["eins zwei drei "]
    assert context.sources[0].cut


@pytest.mark.parametrize("budget", [0, -5])
def test_a_budget_without_room_is_refused(make_hit, budget):
    with pytest.raises(InvalidInput, match=str(budget)):
        packed([make_hit("x")], max_tokens=budget)


def test_overlapping_chunks_become_one_stretch_without_repeats(make_hit):
    later = make_hit(TEXT[78:150], document="d", start=78)
    earlier = make_hit(TEXT[31:117], document="d", start=31)
    context = packed([later, earlier])
    assert texts(context) == [TEXT[31:150]]
    assert dropped(context) == [(2, "merged", 1)]
    assert context.sources[0].hit is later


def test_neighbouring_chunks_are_joined(make_hit):
    first = make_hit(TEXT[:30], document="d", start=0)
    second = make_hit(TEXT[31:76], document="d", start=31)
    assert texts(packed([second, first])) == [TEXT[:76]]


def test_unspaced_scripts_are_joined_without_a_blank(make_hit):
    hits = [make_hit("水泵漏水。", document="d"), make_hit("请关闭阀门。", document="d", start=5)]
    assert texts(packed(hits)) == ["水泵漏水。请关闭阀门。"]


def test_a_bridge_joins_what_lay_apart(make_hit):
    first = make_hit(TEXT[:30], document="d", start=0)
    other = make_hit("Quite another fact.")
    third = make_hit(TEXT[77:117], document="d", start=77)
    bridge = make_hit(TEXT[31:76], document="d", start=31)
    context = packed([first, other, third, bridge])
    assert texts(context) == [TEXT[:117], "Quite another fact."]
    assert sorted(dropped(context)) == [(3, "merged", 1), (4, "merged", 1)]


def test_a_chunk_within_another_is_merged(make_hit):
    hits = [make_hit(TEXT, document="d"), make_hit(TEXT[31:76], document="d", start=31)]
    assert dropped(packed(hits)) == [(2, "merged", 1)]


@pytest.mark.parametrize(
    "apart",
    [{"document": "e"}, {"document": "d", "page": 2}, {"document": "d", "section": ("Wartung",)}],
)
def test_what_would_be_cited_differently_is_not_joined(make_hit, apart):
    hits = [make_hit(TEXT[:30], document="d", start=0), make_hit(TEXT[31:76], start=31, **apart)]
    assert texts(packed(hits)) == [TEXT[:30], TEXT[31:76]]


def test_text_that_is_missing_between_two_chunks_is_not_glossed_over(make_hit):
    hits = [
        make_hit(TEXT[:30], document="d", start=0),
        make_hit(TEXT[77:117], document="d", start=77),
    ]
    assert texts(packed(hits)) == [TEXT[:30], TEXT[77:117]]


def test_a_merge_beyond_the_budget_is_not_made(make_hit):
    hits = [
        make_hit("eins zwei drei", document="d"),
        make_hit("vier fünf sechs", document="d", start=15),
        make_hit("sieben"),
    ]
    context = packed(hits, max_tokens=4)
    assert texts(context) == ["eins zwei drei", "sieben"]
    assert dropped(context) == [(2, "budget", None)]


def test_a_copy_in_another_document_is_dropped(make_hit):
    hits = [make_hit(TEXT), make_hit("Noch etwas."), make_hit(TEXT.replace(" ", "  ").upper())]
    assert dropped(packed(hits)) == [(3, "duplicate", 1)]


@pytest.mark.parametrize(
    ("text", "of"),
    [
        (
            "水泵每分钟输送十二升水，滤芯每六个月更换一次。",
            "水泵每分钟输送十二升水，滤芯每六个月更换一次！",
        ),
        ("ＡＢＣ Der Filter wird alle sechs Monate gewechselt", TEXT + " abc"),
        ("यह पंप बारह लीटर देता है।", "यह  पंप बारह लीटर देता है"),
    ],
)
def test_repeats(text, of):
    assert is_repeat(text, of)


@pytest.mark.parametrize(
    ("text", "of"),
    [
        (TEXT + " Neu ist, dass der Motor eine Sicherung von Hand hat.", TEXT),
        (TEXT + " Code: B7", TEXT + " Code: A7"),
        ("泵的功率是九十瓦。", "阀门由铜制成。"),
    ],
)
def test_no_repeats(text, of):
    assert not is_repeat(text, of)


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(
        st.tuples(st.integers(0, 39), st.integers(1, 12)), min_size=1, max_size=8, unique=True
    ),
    budget=st.integers(1, 80),
)
def test_any_hits_of_one_text_give_true_stretches_within_the_budget(spans, budget):
    tokens = [f"w{number}x" for number in range(50)]
    text = " ".join(tokens)
    starts = [text.index(token) for token in tokens]
    hits = []
    for rank, (first, length) in enumerate(spans, start=1):
        start, end = starts[first], starts[min(first + length, 49)] - 1
        chunk = Chunk(document_id="d", ordinal=first, start=start, end=end, text=text[start:end])
        hits.append(
            Hit(
                rank=rank,
                score=0.0,
                chunk_id=rank,
                chunk=chunk,
                title="",
                source="",
                metadata={},
                query_language="en",
                parts=ScoreParts(dense=0, dense_plain=0, lexical=0),
            )
        )
    context = packed(hits, max_tokens=budget)
    assert all(source.text in text for source in context.sources)
    assert sum(words(texts(context))) == context.tokens <= budget
    seen = [word for source in context.sources for word in source.text.split()]
    assert len(seen) == len(set(seen)) or any(d.reason == "budget" for d in context.dropped)
    assert {s.hit.rank for s in context.sources} | {d.rank for d in context.dropped} == {
        hit.rank for hit in hits
    }
    assert [source.number for source in context.sources] == list(range(1, len(context.sources) + 1))
