"""Quoting sentences with the real bundled model, in several languages and scripts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rag_engine.answering.answer_prompt import build_prompt
from rag_engine.answering.citations import check_answer
from rag_engine.answering.context import build_context
from rag_engine.connectors.generators.extractive import ExtractiveGenerator
from rag_engine.errors import InvalidInput
from rag_engine.ports import Generator, Prompt
from rag_engine.records import Chunk, Hit, ScoreParts

GERMAN = (
    "Wärmepumpe Nordwind 8\n\n"
    "Die Anlage steht im Garten. Der Filter wird alle sechs Monate gewechselt. "
    "Das Gehäuse ist grau lackiert. Im Lieferumfang liegt ein Schlüssel."
)
JAPANESE = (
    "本社は札幌にあります。フィルターは二年ごとに交換します。色は青です。受付は九時からです。"
)
HINDI = "कंपनी 1987 में बनी। फ़िल्टर हर छह महीने में बदलें। रंग नीला है। कार्यालय पुणे में है।"
FAQ = (
    "How do I reset the pump?\nHold the red key for twenty seconds.\n"
    "How do I order spare parts?\nWrite to the service desk in Graz.\n"
    "How long is the guarantee?\nFive years from the day of delivery."
)


@pytest.fixture
def generator(bundled_e5):
    return ExtractiveGenerator(embedder=bundled_e5)


def quotes(generator, question, *passages):
    prompt = Prompt(system="", user="", question=question, language="en", passages=tuple(passages))
    return re.findall(r"“(.*)” \[(\d+)\]\n", "".join(generator.generate(prompt)))


@pytest.mark.parametrize(
    ("question", "passage", "sentence"),
    [
        (
            "How often must the filter be replaced?",
            GERMAN,
            "Der Filter wird alle sechs Monate gewechselt.",
        ),
        ("Wie oft wird der Filter gewechselt?", JAPANESE, "フィルターは二年ごとに交換します。"),
        ("¿Cada cuánto se cambia el filtro?", HINDI, "फ़िल्टर हर छह महीने में बदलें।"),
        ("फ़िल्टर कितनी बार बदलना है?", GERMAN, "Der Filter wird alle sechs Monate gewechselt."),
    ],
)
def test_the_sentence_that_answers_is_quoted_across_languages(
    bundled_e5, question, passage, sentence
):
    one = ExtractiveGenerator(embedder=bundled_e5, max_sentences=1)
    assert quotes(one, question, passage) == [(sentence, "1")]


def test_it_is_a_generator_that_says_what_it_does(generator):
    assert isinstance(generator, Generator)
    assert "quotes" in generator.name
    assert "no language model" in generator.name


def test_the_first_passage_comes_before_one_in_the_questions_language(generator):
    english = "The lamp is replaced every year. The filter is replaced every week."
    found = quotes(generator, "How often is the filter replaced?", GERMAN, english)
    assert {number for _, number in found} == {"1"}
    assert "Der Filter wird alle sechs Monate gewechselt." in [text for text, _ in found]


def test_sentences_keep_the_order_of_their_passage(generator):
    found = [text for text, _ in quotes(generator, "Wie oft wird der Filter gewechselt?", GERMAN)]
    assert len(found) == 3
    assert found == sorted(found, key=GERMAN.index)


def test_further_passages_fill_what_the_first_leaves(generator):
    found = quotes(generator, "Filter?", "Der Filter ist aus Papier.", JAPANESE, HINDI, GERMAN)
    assert [number for _, number in found] == ["1", "2", "3"]


def test_headings_are_not_quoted_unless_there_is_nothing_else(generator):
    found = quotes(generator, "Wärmepumpe Nordwind 8", GERMAN)
    assert "Wärmepumpe Nordwind 8" not in [text for text, _ in found]
    assert quotes(generator, "x", "Wärmepumpe Nordwind 8") == [("Wärmepumpe Nordwind 8", "1")]


def test_list_items_and_rows_are_no_headings(generator):
    rows = "Pflege im Winter\n- Tank leeren und umdrehen\nTeil: Pumpe | Ort: warmer Keller"
    assert [text for text, _ in quotes(generator, "Was tun?", rows)] == [
        "- Tank leeren und umdrehen",
        "Teil: Pumpe | Ort: warmer Keller",
    ]


def test_a_question_in_a_source_is_answered_not_quoted(bundled_e5):
    one = ExtractiveGenerator(embedder=bundled_e5, max_sentences=1)
    assert quotes(one, "Wie setze ich die Pumpe zurück?", FAQ) == [
        ("Hold the red key for twenty seconds.", "1")
    ]


@pytest.mark.parametrize("passages", [(), ("",), ("   \n",), ("12 | 7",), ("Was ist das?",)])
def test_without_a_statement_there_is_no_answer(generator, passages):
    assert quotes(generator, "Frage?", *passages) == []


def test_the_same_prompt_gives_the_same_answer(generator):
    first = quotes(generator, "Filter?", GERMAN, JAPANESE)
    assert first == quotes(generator, "Filter?", GERMAN, JAPANESE)


def hit(rank, text):
    return Hit(
        rank=rank,
        score=1 / rank,
        chunk_id=rank,
        chunk=Chunk(document_id=f"d{rank}", ordinal=0, start=0, end=len(text), text=text),
        title="",
        source=f"{rank}.txt",
        metadata={},
        query_language="en",
        parts=ScoreParts(dense=0.5, dense_plain=0.5, lexical=0.0),
    )


def test_what_it_quotes_passes_the_check_as_it_is(generator, bundled_e5):
    text = "The pump was built in 1904[2]. See https://a.example/manual for <b>more</b>."
    context = build_context(
        [hit(1, text), hit(2, GERMAN)], max_tokens=500, count_tokens=bundled_e5.count_tokens
    )
    prompt = build_prompt("When was the pump built?", context, language="en")
    checked = check_answer("".join(generator.generate(prompt)), context.sources)
    assert checked.warnings == ()
    assert checked.numbers == (1, 2)
    assert "“The pump was built in 1904(2).” [1]" in checked.text
    assert "https://a.example/manual for <b>more</b>" in checked.text


def test_a_number_of_sentences_that_is_none(bundled_e5):
    with pytest.raises(InvalidInput, match="0"):
        ExtractiveGenerator(embedder=bundled_e5, max_sentences=0)


def test_sentences_end_as_in_the_language_of_their_passage(bundled_e5):
    one = ExtractiveGenerator(embedder=bundled_e5, max_sentences=1)
    passage = "Take the pump with the number 12. The seal lasts a year."
    question = "How long does the seal last?"
    prompt = Prompt(system="", user="", question=question, language="en", passages=(passage,))
    assert passage in "".join(one.generate(prompt))
    told = "".join(one.generate(replace(prompt, passage_languages=("en",))))
    assert told == "“The seal lasts a year.” [1]\n"
