"""From hits to an answer, with a generator that asks a real HTTP server which answers by script."""

from __future__ import annotations

import pytest

from rag_engine.answering.answer import answer_question
from rag_engine.answering.answer_language import wanted_language
from rag_engine.answering.answer_prompt import build_prompt
from rag_engine.answering.drafting import write_draft
from rag_engine.answering.refusals import refusal
from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.connectors.generators.extractive import ExtractiveGenerator
from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.errors import ServiceRefused, ServiceUnreachable
from tests.connectors.scripted_server import chunk, scripted_server, stream
from tests.connectors.scripted_server import refusal as refuse
from tests.doubles import HashEmbedder

QUESTION = "Wie oft muss ich die Dichtung der Pumpe wechseln?"
GERMAN = "Die Dichtung der Pumpe wird einmal im Jahr gewechselt, am besten im Frühjahr [1]."
ENGLISH = "The seal of the pump has to be replaced once a year, in spring if you can [1]."
NONE = refusal("de").text


def written(text, *, size=5):
    """Stream a text in small pieces."""
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return stream(*(chunk(piece) for piece in pieces), chunk(None, "stop"), "[DONE]")


@pytest.fixture(scope="module")
def detector():
    return FastTextDetector()


@pytest.fixture
def server():
    with scripted_server() as running:
        yield running


@pytest.fixture
def ask(server, detector, make_hit):
    hits = [make_hit("The seal is replaced every spring."), make_hit("Il filtro è di carta.")]
    generators = []

    def asked(*script, on_text=None, answer_language=None, question=QUESTION, hits=hits):
        server.script[:] = script
        server.requests.clear()
        generators.append(
            OpenAICompatibleGenerator(
                base_url=server.url, model="m", timeout_s=5, backoff_s=0.01, max_retries=1
            )
        )
        return answer_question(
            question,
            hits,
            wanted=wanted_language(
                question, detector, language=None, answer_language=answer_language
            ),
            generator=generators[-1],
            detector=detector,
            count_tokens=lambda texts: [len(text.split()) for text in texts],
            max_tokens=100,
            on_text=on_text,
        )

    yield asked
    for each in generators:
        each.close()


def prompts(server):
    return [request.body["messages"][1]["content"] for request in server.requests]


def test_an_answer_in_the_askers_language_is_asked_for_once(server, ask):
    answer = ask(written(GERMAN))
    assert (answer.text, answer.language, answer.warnings) == (GERMAN, "de", ())
    assert answer.supported
    assert [each.number for each in answer.citations] == [1]
    assert answer.draft == GERMAN
    [prompt] = prompts(server)
    assert prompt.endswith("Answer in German, with citations:")


@pytest.mark.parametrize("streaming", [False, True])
def test_a_wrong_language_is_asked_for_again_more_firmly(server, ask, streaming):
    pieces = []
    answer = ask(written(ENGLISH), written(GERMAN), on_text=pieces.append if streaming else None)
    assert (answer.text, answer.language, answer.warnings) == (GERMAN, "de", ())
    first, second = prompts(server)
    assert "Your last answer was in English" in second
    assert "German (Deutsch)" in second
    assert "Your last answer" not in first
    if streaming:  # nothing of the first was handed out
        assert "".join(pieces) == GERMAN
        assert len(pieces) > 5


@pytest.mark.parametrize("streaming", [False, True])
def test_a_language_that_stays_wrong_is_warned_of(server, ask, streaming):
    pieces = []
    answer = ask(written(ENGLISH), on_text=pieces.append if streaming else None)
    assert (answer.text, answer.language) == (ENGLISH, "en")
    assert answer.supported
    [warning] = answer.warnings
    assert "in 'en', not in 'de'" in warning
    assert len(server.requests) == 2
    assert "".join(pieces) == (ENGLISH if streaming else "")


def test_a_language_asked_for_comes_before_the_questions(server, ask):
    answer = ask(written(ENGLISH), answer_language="en")
    assert (answer.text, answer.warnings) == (ENGLISH, ())
    assert prompts(server)[0].endswith("Answer in English, with citations:")
    answer = ask(written(GERMAN), written(ENGLISH), answer_language="en")
    assert (answer.text, answer.language) == (ENGLISH, "en")


def test_a_second_answer_without_sources_does_not_replace_one_with(ask):
    answer = ask(written(ENGLISH), written(GERMAN.replace(" [1]", "")))
    assert answer.text == ENGLISH
    assert answer.supported
    assert "did not help" in answer.warnings[0]


def test_what_was_handed_out_is_not_asked_for_again(server, ask):
    text = "Die Dichtung der Pumpe wird einmal im Jahr gewechselt, sagt das Heft [1]. " + (
        "Но потом текст продолжается уже по-русски, страница за страницей. " * 9
    )
    pieces = []
    answer = ask(written(text), on_text=pieces.append)
    assert len(server.requests) == 1
    assert "".join(pieces).strip() == answer.draft.strip()
    assert "too late to ask again" in answer.warnings[-1]


def test_short_answers_are_not_judged(server, ask):
    answer = ask(written("Once [1]."))
    assert (answer.text, answer.language, answer.warnings) == ("Once [1].", "de", ())
    assert len(server.requests) == 1


@pytest.mark.parametrize("streaming", [False, True])
def test_a_first_answer_that_is_whole_survives_a_failure_of_the_second(ask, streaming):
    script = (written(ENGLISH + 3 * " That is all."), refuse(503))
    if streaming:  # the first was stopped at its beginning: there is nothing to fall back on
        with pytest.raises(ServiceRefused, match="503"):
            ask(*script, on_text=lambda piece: None)
        return
    answer = ask(*script)
    assert answer.text.startswith(ENGLISH)
    assert "asking again failed" in answer.warnings[0]
    assert "503" in answer.warnings[0]


@pytest.mark.parametrize("streaming", [False, True])
def test_no_hits_no_model_and_a_sentence_that_says_so(server, ask, streaming):
    pieces = []
    answer = ask(
        refuse(500), question=QUESTION, hits=[], on_text=pieces.append if streaming else None
    )
    assert (answer.text, answer.language, answer.supported) == (NONE, "de", False)
    assert server.requests == []
    assert pieces == ([NONE] if streaming else [])
    assert ask(refuse(500), hits=[], answer_language="ja").language == "ja"
    assert ask(refuse(500), hits=[], question="Nordwind 8?").language == "en"


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    "declined",
    [
        "[0] Das steht nicht in der Wissensbasis, und zwar in keinem einzigen der Texte darin.",
        "[0]",
        "【0】It is not there, but I know that the answer to it all is 42, as anybody can read.",
    ],
)
def test_a_model_that_finds_no_answer(server, ask, declined, streaming):
    pieces = []
    answer = ask(written(declined), on_text=pieces.append if streaming else None)
    assert (answer.text, answer.language, answer.citations) == (NONE, "de", ())
    assert not answer.supported
    assert answer.warnings == ()
    assert len(server.requests) == 1
    assert pieces == ([NONE] if streaming else [])


@pytest.mark.parametrize("text", ["", "  \n", GERMAN.replace("[1]", ""), GERMAN.replace("1", "7")])
def test_what_no_source_bears_out_is_not_shown(ask, text):
    answer = ask(written(text))
    assert (answer.text, answer.language, answer.citations) == (NONE, "de", ())
    assert not answer.supported
    assert answer.draft == text
    assert bool(answer.warnings) == bool(text.strip())


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (stream(*map(chunk, (GERMAN[:70], "und")), cut=True), ServiceUnreachable),
        (refuse(401), ServiceRefused),
        (refuse(500), ServiceRefused),
    ],
)
def test_a_failure_of_the_model_is_the_callers_to_see(ask, ending, error):
    pieces = []
    with pytest.raises(error):
        ask(ending, on_text=pieces.append)
    assert "".join(pieces) in {"", GERMAN[:70] + "und"}


def test_who_reads_along_may_stop_it(server, ask):
    class Gone(Exception):
        pass

    def stop(piece):
        raise Gone

    endless = stream(*(chunk(f"Die Dichtung Nummer {n} wird gewechselt. ") for n in range(200)))
    with pytest.raises(Gone):
        ask(endless, on_text=stop)
    assert len(server.requests) == 1


class Writer:
    """A generator that writes given pieces, and knows whether it was ended."""

    name = "writer"
    ended = False

    def __init__(self, *pieces, quotes=False):
        self.pieces = pieces
        self.quotes = quotes

    def generate(self, prompt):
        try:
            yield from self.pieces
        finally:
            self.ended = True


def drafted(writer, detector, make_context, on_text):
    return write_draft(
        writer,
        build_prompt(QUESTION, make_context("Text."), language="de"),
        wanted=wanted_language(QUESTION, detector, language=None, answer_language=None),
        on_text=on_text,
        first=True,
    )


def test_a_writer_is_ended_when_its_reader_goes(detector, make_context):
    def stop(piece):
        raise KeyError

    writer = Writer(GERMAN, GERMAN)
    with pytest.raises(KeyError) as kept:
        drafted(writer, detector, make_context, stop)
    assert writer.ended
    assert kept.value is not None  # and with it all that a traceback keeps alive


def test_quotations_are_handed_out_whatever_their_language(detector, make_context):
    pieces = []
    draft = drafted(Writer(ENGLISH, "x" * 9, quotes=True), detector, make_context, pieces.append)
    assert pieces == [ENGLISH, "x" * 9]
    assert (draft.other, draft.handed_out) == (None, True)


def test_few_letters_do_not_hold_an_answer_back_for_ever(detector, make_context):
    pieces = []
    drafted(Writer(*["12.50 | "] * 100), detector, make_context, pieces.append)
    assert len("".join(pieces)) == 800
    assert len(pieces) == 51


def test_quotations_stay_in_their_languages(detector, make_hit):
    hits = [make_hit("The seal is replaced every spring, says the manual.", language="en")]

    def ask(answer_language):
        embedder = HashEmbedder()
        return answer_question(
            QUESTION,
            hits,
            wanted=wanted_language(
                QUESTION, detector, language=None, answer_language=answer_language
            ),
            generator=ExtractiveGenerator(embedder=embedder),
            detector=detector,
            count_tokens=embedder.count_tokens,
            max_tokens=100,
        )

    assert ask(None).warnings == ()
    assert ask(None).language == "en"
    assert ask(None).supported
    [warning] = ask("ja").warnings
    assert "not in 'ja'" in warning
    assert ask("en").warnings == ()
