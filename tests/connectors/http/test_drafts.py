"""What of an answer is shown before its check."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.answering.citations import check_answer
from rag_engine.answering.context import Source
from rag_engine.connectors.http.safe_streaming import Draft
from rag_engine.records import Chunk, Hit, ScoreParts
from tests.answering.renderers import rendered
from tests.answering.test_links import ATTACKS

CHUNK = Chunk(document_id="d", ordinal=0, start=0, end=4, text="text", language="en")
HIT = Hit(
    rank=1,
    score=0.5,
    chunk_id=1,
    chunk=CHUNK,
    title="",
    source="d",
    metadata={},
    query_language="en",
    parts=ScoreParts(dense=0, dense_plain=0, lexical=0),
)
SOURCES = [Source(number=n, hit=HIT, text="text") for n in (1, 2)]


def shown(pieces: list[str]) -> tuple[str, str]:
    draft = Draft()
    early = "".join(draft.add(piece) for piece in pieces)
    checked = check_answer("".join(pieces), SOURCES).text
    return early, early + draft.rest(checked)


WORDS = st.sampled_from(
    ["word", "[1]", "[2]", "Ende.", "水。", "  ", "\n", " \n", "[1, 2]", "【1】", "<b>", "</b>",
     "https://evil.example/x", "![a](//evil.example)", "a@evil.example", "www.evil.example",
     "javascript:alert(1)", "evil.example/q?x", "evil.com", "evil.com:80", "evil。com",
     "&#104;ttps&#58;&#47;&#47;evil.com", "ｈｔｔｐｓ：／／evil.com", "ev\u200bil.com",
     "![a][evil]", "[evil]: x", "`evil.com`", "```", "    ", "[x](https://[2001:db8::1]/p?d=evil)",
     "//evil.com\\x", "README.md", "3.5", "|", ">", "-", "[see", "here](http://evil.example)",
     "[0]", " "]
)  # fmt: skip


@given(st.lists(WORDS, max_size=20), st.lists(st.integers(0, 60), max_size=6))
def test_what_is_shown_early_is_how_the_checked_answer_begins(words, cuts):
    text = " ".join(words)
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    early, whole = shown([text[a:b] for a, b in itertools.pairwise(edges)])
    assert whole == check_answer(text, SOURCES).text
    assert "evil" not in early
    assert rendered(early)[0] <= {"http://README.md"}  # a file, to whoever reads it


@given(st.sampled_from(ATTACKS), st.integers(0, 40), st.integers(0, 40))
def test_a_link_that_is_cut_across_pieces_is_never_shown(attack, first, second):
    text = f"Die Pumpe läuft {attack} und läuft [1]."
    cuts = sorted((first, second))
    early, whole = shown([text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :]])
    assert whole == check_answer(text, SOURCES).text
    for each in (early, whole):
        assert rendered(each, raw=False)[0] == set()


@pytest.mark.parametrize(
    ("text", "early"),
    [
        ("One two three [1]. Four ", "One two three [1]. Four"),
        ("  leading blanks ", "leading blanks"),
        ("end of line  \nnext ", "end of line\nnext"),
        ("blanks \n \n alone ", "blanks\n \n alone"),
        ("see <img src=x> more ", "see"),
        ("see [label](x) more ", "see"),
        ("at 10:30 it ", "at"),
    ],
)
def test_words_pass_until_one_is_suspect(text, early):
    assert shown(list(text))[0] == early


def test_a_source_that_does_not_exist_is_corrected_by_the_whole_answer():
    early, whole = shown(["First [7]. ", "Second [1]. "])
    assert early == "First [7]. Second [1]."
    assert whole == "First [7]. Second [1].\n\nFirst. Second [1]."
