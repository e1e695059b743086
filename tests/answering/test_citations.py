"""Citations in an answer against the sources that it was given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.answering.citations import check_answer, citation, without_marks
from tests.waiting import grows_with


@pytest.fixture
def four(make_context):
    return make_context("A.", "B.", "C.", "D.").sources


@pytest.mark.parametrize(
    ("written", "text", "numbers"),
    [
        ("Ja [1].", "Ja [1].", (1,)),
        ("Ja [1][3].", "Ja [1][3].", (1, 3)),
        ("Ja [3, 1].", "Ja [3][1].", (1, 3)),
        ("Ja [2-4].", "Ja [2][3][4].", (2, 3, 4)),
        ("Ja [1; 3–4].", "Ja [1][3][4].", (1, 3, 4)),
        ("是【1】。", "是[1]。", (1,)),
        ("是［１，２］。", "是[1][2]。", (1, 2)),
        ("نعم [٢].", "نعم [2].", (2,)),
        ("हाँ [३]।", "हाँ [3]।", (3,)),
        ("Yes【4†manual.pdf】.", "Yes[4].", (4,)),
        ("Yes [^2].", "Yes [2].", (2,)),
        ("Yes [ 1 , 1 ].", "Yes [1].", (1,)),
    ],
)
def test_every_way_of_writing_a_citation(four, written, text, numbers):
    checked = check_answer(written, four)
    assert (checked.text, checked.numbers, checked.warnings) == (text, numbers, ())
    assert not checked.declined


@pytest.mark.parametrize(
    ("written", "text", "numbers"),
    [
        ("Ja [7].", "Ja.", ()),
        ("Ja [1, 9] nein [5][2].", "Ja [1] nein [2].", (1, 2)),
        ("Ja [3-900].", "Ja [3][4].", (3, 4)),
        ("Ja [4-2].", "Ja [4][2].", (2, 4)),
        ("是【12】。", "是。", ()),
        ("In [1999] war es [1].", "In war es [1].", (1,)),
    ],
)
def test_numbers_of_no_source_are_removed_with_a_warning(four, written, text, numbers):
    checked = check_answer(written, four)
    assert (checked.text, checked.numbers) == (text, numbers)
    assert written == "Ja [4-2]." or "sources 1 to 4" in checked.warnings[0]


def test_a_tag_can_not_hide_a_mark(four):
    checked = check_answer("Ja [<b>9</b>] und [<i></i>2].", four)
    assert (checked.text, checked.numbers) == ("Ja und [2].", (2,))
    assert len(checked.warnings) == 2


@pytest.mark.parametrize("mark", ["[0]", "【0】", " [ 0 ]", "[٠]"])
def test_an_answer_that_the_sources_do_not_hold(four, mark):
    checked = check_answer(f"{mark} Das steht nicht in der Wissensbasis.", four)
    assert checked.declined
    assert checked.text == "Das steht nicht in der Wissensbasis."
    assert checked.warnings == ()


def test_an_answer_without_citation_gets_a_warning(four):
    assert check_answer("Ja.", four).warnings == ("the answer cites no source",)
    assert check_answer("", four).warnings == ()


@pytest.mark.parametrize(
    "kept", ["Pourquoi ? Voilà : oui [1].", "```\n    x  =  1\n```\n[1]", "a\n\nb [1]"]
)
def test_the_rest_of_an_answer_stays_as_it_is(four, kept):
    assert check_answer(kept, four).text == kept


def test_links_of_sources_that_are_not_cited_go(make_context):
    sources = make_context("See https://a.example/x", "See https://b.example/y").sources
    checked = check_answer("https://a.example/x https://b.example/y [2]", sources)
    assert checked.text == "[…] https://b.example/y [2]"
    assert "1 links" in checked.warnings[0]


def test_a_link_behind_a_mark_leaves_the_mark(four):
    checked = check_answer("Ja [1](https://evil.example/).", four)
    assert (checked.text, checked.numbers) == ("Ja [1].", (1,))


def test_the_address_of_a_source_may_be_linked(make_context):
    sources = make_context("Text", source="https://kb.example/page").sources
    written = "Ja [1], siehe [hier](https://kb.example/page)."
    assert check_answer(written, sources).text == written


def test_a_citation_points_at_its_source(make_context):
    [source] = make_context("Der Text.", title="Titel", page=3, source="a.pdf").sources
    cited = citation(source)
    assert (cited.number, cited.text, cited.source, cited.title) == (
        1,
        "Der Text.",
        "a.pdf",
        "Titel",
    )
    assert (cited.page, cited.chunk_id) == (3, source.hit.chunk_id)
    assert cited.document_id == source.hit.chunk.document_id


def test_what_is_quoted_holds_no_marks():
    assert without_marks("a [1], b【2, 3】 c [x] d [12]") == "a (1), b(2, 3) c [x] d (12)"


@given(
    st.lists(
        st.sampled_from(
            [
                "[",
                "]",
                "【",
                "］",
                "0",
                "1",
                "7",
                "٣",
                ",",
                "-",
                "†",
                " ",
                "\n",
                "<b",
                ">",
                "(",
                ")",
                "https://x.example",
                "!",
                "a",
                "</",
            ]
        ),
        max_size=40,
    ).map("".join)
)
def test_whatever_comes_only_known_numbers_remain(written):
    checked = check_answer(written, [])
    assert checked.numbers == ()
    assert "https://" not in checked.text
    again = check_answer(checked.text, [])
    assert again.numbers == ()
    assert "were given" not in " ".join(again.warnings)


@pytest.mark.parametrize(
    "piece",
    ["[", "[1,", "[ ", "<", "<a ", "![a](", "[a](<", " ", "a.", "//", "a@", "https://", "[[a](b)"],
)
def test_long_answers_take_linear_time(piece):
    assert grows_with(lambda size: check_answer(piece * (size // len(piece)), []), 30_000) < 1.5
