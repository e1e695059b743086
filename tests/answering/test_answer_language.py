"""Which language an answer is to be in, and which texts are surely in another."""

from __future__ import annotations

import pytest

from rag_engine.answering.answer_language import wanted_language
from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.errors import InvalidInput
from tests.waiting import grows_with

SENTENCES = {
    "de": "Die Dichtung der Pumpe wird einmal im Jahr gewechselt [1].",
    "en": "The seal of the pump is replaced once a year [1].",
    "es": "La junta de la bomba se cambia una vez al año [1].",
    "pl": "Uszczelkę pompy wymienia się raz w roku [1].",
    "ru": "Уплотнение насоса меняют один раз в год [1].",
    "ja": "ポンプのシールは年に一度交換します[1]。",
    "zh": "水泵的密封圈每年更换一次[1]。",
    "ar": "يتم استبدال ختم المضخة مرة واحدة في السنة [1].",
    "hi": "पंप की सील साल में एक बार बदली जाती है [1]।",
    "tr": "Pompanın contası yılda bir kez değiştirilir [1].",
}


@pytest.fixture(scope="module")
def detector():
    return FastTextDetector()


@pytest.fixture
def wanted(detector):
    def make(language):
        return wanted_language("x", detector, language=None, answer_language=language)

    return make


@pytest.mark.parametrize("written", SENTENCES)
@pytest.mark.parametrize("asked", SENTENCES)
def test_a_sentence_in_another_language_is_another(wanted, asked, written):
    assert wanted(asked).other(SENTENCES[written]) == (None if asked == written else written)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "42 bar, 4711-0815 [1][2]",
        "No [1].",
        "Спасибо большое [1].",
        "Bilimlar bazasida bu savolga javob yo‘q.",
        "Nordwind 8 / Smith & Sons [1]",
        "https://kb.example/the/manual/of/the/pump",
        "Acht Bar. “The seal of the pump is replaced once a year, says the manual.” [1]",
        "「ポンプのシールは年に一度交換します。」 [1]",
    ],
)
def test_what_is_short_unsure_or_quoted_is_not_judged(wanted, text):
    assert wanted("de").other(text) is None


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("hr", "Brtva pumpe mijenja se jednom godišnje u servisu."),
        ("sr", "Brtva pumpe mijenja se jednom godišnje u servisu."),
        ("bs", "Brtva pumpe mijenja se jednom godišnje u servisu."),
        ("ms", "Meterai pompa diganti setahun sekali di bengkel."),
        ("az", "Bilik bazasında bu sualın cavabı yoxdur."),
        ("nb-NO", "Pakningen i pumpen skal byttes en gang i året."),
        ("nn", "Pakninga i pumpa skal bytast ein gong i året."),
        ("zh-Hant", "水泵的密封圈每年更換一次，由服務人員進行。"),
    ],
)
def test_near_languages_pass(wanted, asked, text):
    assert wanted(asked).other(text) is None


@pytest.mark.parametrize(
    ("language", "answer_language", "tag", "accepted"),
    [
        (None, None, "de", {"de"}),
        ("fr", None, "fr", {"fr"}),
        ("fr", "es", "es", {"es"}),
        (None, " pt_BR ", "pt-BR", {"pt"}),
    ],
)
def test_what_is_asked_for_comes_before_what_is_stated_or_detected(
    detector, language, answer_language, tag, accepted
):
    found = wanted_language(
        "Wie oft wird der Filter gewechselt?",
        detector,
        language=language,
        answer_language=answer_language,
    )
    assert (found.tag, set(found.accepted)) == (tag, accepted)
    assert found.stated == (answer_language is not None)


def test_a_question_of_no_sure_language_may_be_answered_in_any(detector):
    found = wanted_language("Nordwind 8?", detector, language=None, answer_language=None)
    assert found.tag == "und"
    assert {found.other(text) for text in SENTENCES.values()} == {None}


def test_a_question_of_two_likely_languages_may_be_answered_in_both(detector):
    found = wanted_language("東京", detector, language=None, answer_language=None)
    assert found.other(SENTENCES["zh"]) is None
    assert found.other(SENTENCES["ja"]) is None
    assert found.other(SENTENCES["en"]) == "en"


@pytest.mark.parametrize("wrong", ["", "german", "not a language", 5])
def test_a_language_that_is_none(detector, wrong):
    with pytest.raises(InvalidInput, match="BCP-47"):
        wanted_language("Was?", detector, language=None, answer_language=wrong)


@pytest.mark.parametrize("piece", ["“", "«a", '"', "[", "„„", "「"])
def test_long_texts_take_linear_time(wanted, piece):
    other = wanted("de").other
    assert grows_with(lambda size: other(piece * (size // len(piece))), 50_000) < 1.5
