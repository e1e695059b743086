"""Quoting sentences with the real bundled model, in several languages and scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import pytest

from rag_engine.answering.answer_prompt import build_prompt
from rag_engine.answering.citations import check_answer
from rag_engine.answering.context import build_context
from rag_engine.calibration.prior import load_prior
from rag_engine.calibration.token_space import load_token_space
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


GERMAN_WARRANTY = (
    "Die Pumpe läuft leise. Die Garantie dauert drei Jahre. Der Kundendienst sitzt in Graz. "
    "Die Pumpe wiegt elf Kilogramm."
)


@pytest.fixture(scope="module")
def build(bundled_e5):
    weights = bundled_e5.contract.weights
    parts = {"prior": load_prior(weights), "token_space": load_token_space(weights)}
    return partial(ExtractiveGenerator, embedder=bundled_e5, **parts)


@pytest.fixture
def generator(build):
    return build()


@pytest.fixture
def one(build):
    return build(max_sentences=1)


def quotes(generator, question, *passages, scores=(), languages=()):
    prompt = Prompt(
        system="",
        user="",
        question=question,
        language="en",
        passages=tuple(passages),
        passage_languages=tuple(languages),
        passage_scores=tuple(scores),
    )
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
    generator, question, passage, sentence
):
    assert quotes(generator, question, passage) == [(sentence, "1")]


def test_it_is_a_generator_that_says_what_it_does(generator):
    assert isinstance(generator, Generator)
    assert "quotes" in generator.name
    assert "no language model" in generator.name


def test_a_passage_that_is_much_less_likely_is_not_quoted(generator):
    english = "The lamp is replaced every year. The filter is replaced every week."
    question = "How often is the filter replaced?"
    german = ("Der Filter wird alle sechs Monate gewechselt.", "1")
    languages = ("de", "en")
    assert quotes(
        generator, question, GERMAN, english, scores=(0.5, 0.24), languages=languages
    ) == [german]
    assert quotes(generator, question, english, scores=(0.24,)) == [
        ("The filter is replaced every week.", "1")
    ]


def test_a_second_sentence_answers_the_second_question(generator):
    wanted = [
        "Die Garantie dauert drei Jahre.",
        "Die Pumpe wiegt elf Kilogramm.",
    ]
    question = "How long is the warranty? And how heavy is the pump?"
    assert [text for text, _ in quotes(generator, question, GERMAN_WARRANTY)] == wanted
    assert quotes(generator, "How long is the warranty?", GERMAN_WARRANTY) == [(wanted[0], "1")]


def test_a_second_source_answers_the_second_question(generator):
    question = "¿Cuánto dura la garantía y cada cuánto se cambia el filtro?"
    passages = (GERMAN_WARRANTY, JAPANESE)
    languages = ("de", "ja")
    assert quotes(generator, question, *passages, scores=(0.3, 0.2), languages=languages) == [
        ("Die Garantie dauert drei Jahre.", "1"),
        ("フィルターは二年ごとに交換します。", "2"),
    ]


def test_what_says_the_same_again_is_not_quoted(generator):
    english = "The company was founded in 1987. Replace the filter every six months."
    found = quotes(generator, "How often must the filter be replaced?", GERMAN, english)
    assert len(found) == 1


def test_a_heading_speaks_for_what_stands_below_it(one):
    passage = (
        "Laden in Graz\nGeöffnet von acht bis fünf Uhr.\n\n"
        "Laden in Lyon\nGeöffnet von zehn bis sechs Uhr."
    )
    for town, sentence in (
        ("Graz", "Geöffnet von acht bis fünf Uhr."),
        ("Lyon", "Geöffnet von zehn bis sechs Uhr."),
    ):
        question = f"When is the shop in {town} open?"
        assert quotes(one, question, passage, languages=("de",)) == [(sentence, "1")]


def test_a_passage_is_known_by_its_title(one):
    hours = ("Geöffnet von zehn bis sechs Uhr.", "Geöffnet von acht bis fünf Uhr.")
    prompt = Prompt(
        system="",
        user="",
        question="When is the shop in Graz open?",
        language="en",
        passages=hours,
        passage_languages=("de", "de"),
        passage_headings=("Laden in Lyon", "Laden in Graz"),
    )
    assert "".join(one.generate(prompt)) == f"“{hours[1]}” [2]\n"


def test_headings_are_not_quoted_unless_there_is_nothing_else(generator):
    found = quotes(generator, "Wärmepumpe Nordwind 8", GERMAN)
    assert "Wärmepumpe Nordwind 8" not in [text for text, _ in found]
    assert quotes(generator, "x", "Wärmepumpe Nordwind 8") == [("Wärmepumpe Nordwind 8", "1")]


def test_list_items_and_rows_are_no_headings(generator):
    rows = "Pflege im Winter\n- Tank leeren und umdrehen\nTeil: Pumpe | Ort: warmer Keller"
    for question, row in (
        ("Was tun mit dem Tank?", "- Tank leeren und umdrehen"),
        ("Wo steht die Pumpe im Winter?", "Teil: Pumpe | Ort: warmer Keller"),
    ):
        assert (row, "1") in quotes(generator, question, rows)


def test_a_question_in_a_source_is_answered_not_quoted(one):
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
    assert checked.numbers == (1,)
    assert "“The pump was built in 1904(2).” [1]" in checked.text
    link = build_prompt("Where is the manual?", context, language="en")
    checked = check_answer("".join(generator.generate(link)), context.sources)
    assert checked.warnings == ()
    assert "https://a.example/manual for <b>more</b>" in checked.text


def test_a_number_of_sentences_that_is_none(bundled_e5):
    with pytest.raises(InvalidInput, match="0"):
        ExtractiveGenerator(embedder=bundled_e5, max_sentences=0)


def test_without_tokens_the_nearest_sentence_is_quoted(bundled_e5):
    plain = ExtractiveGenerator(embedder=bundled_e5)
    assert quotes(plain, "How often must the filter be replaced?", GERMAN) == [
        ("Der Filter wird alle sechs Monate gewechselt.", "1")
    ]


def test_sentences_end_as_in_the_language_of_their_passage(one):
    passage = "Take the pump with the number 12. The seal lasts a year."
    question = "How long does the seal last?"
    prompt = Prompt(system="", user="", question=question, language="en", passages=(passage,))
    assert passage in "".join(one.generate(prompt))
    told = "".join(one.generate(replace(prompt, passage_languages=("en",))))
    assert told == "“The seal lasts a year.” [1]\n"
