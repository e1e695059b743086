"""Languages of the passages of one document: the others are evidence, none is overruled."""

from __future__ import annotations

import pytest

from rag_engine.connectors.detectors.several import SeveralModelsDetector
from rag_engine.text.passage_languages import passage_languages

DETECTOR = SeveralModelsDetector()

JAPANESE = "図書館は月曜日に休みます。本は二週間借りられます。"
DANISH = [
    "Værelset koster mere om sommeren.",
    "Vinduerne bliver pudset hver anden uge.",
    "Nøglen afleveres i receptionen.",
    "Priser og betaling",
]
NORWEGIAN = [
    "Rommet koster mer om sommeren.",
    "Vinduene blir pusset annenhver uke.",
    "Nøkkelen leveres i resepsjonen.",
    "Priser og betaling",
]
GERMAN = "Die Bibliothek ist montags geschlossen, Bücher kann man zwei Wochen lang ausleihen."
SWEDISH = "Biblioteket är stängt på måndagar och böcker kan lånas i två veckor."


def languages(passages: list[str], hint: str | None = None) -> list[str]:
    return passage_languages(passages, hint, DETECTOR)


def test_near_languages_go_with_their_document():
    assert languages(DANISH) == ["da"] * 4
    assert languages(NORWEGIAN) == ["no"] * 4


def test_a_long_passage_in_a_near_language_keeps_it():
    long = (
        "Nøkkelen skal leveres i resepsjonen før klokka tolv, ellers må du betale for ei natt til."
    )
    assert DETECTOR.detect(long).language == "no"
    assert languages([*DANISH, long, *DANISH])[4] == "no"


def test_a_title_without_kana_is_in_the_japanese_documents_language():
    assert languages(["東京中央公民館", JAPANESE]) == ["ja", "ja"]
    assert languages(["東京中央公民館", "星期一闭馆。借书期限为两周。"]) == ["zh", "zh"]


def test_names_and_numbers_go_with_their_document():
    assert languages(["Samsung Galaxy", GERMAN, "4711-B"]) == ["de"] * 3
    assert languages(["Samsung Galaxy", "4711-B"]) == ["und"] * 2


def test_a_clear_passage_keeps_its_own_language():
    long = [GERMAN] * 6
    assert languages([*long, SWEDISH, *long]) == ["de"] * 6 + ["sv"] + ["de"] * 6
    assert languages([*long, JAPANESE, *long])[6] == "ja"
    assert languages([*long, "Bókasafnið er lokað á sunnudögum.", *long])[6] == "is"


def test_neighbours_tell_in_a_document_of_two_languages():
    half = (
        [GERMAN] * 4 + ["Samsung Galaxy"] + [GERMAN] + [SWEDISH, "Samsung Galaxy"] + [SWEDISH] * 4
    )
    assert languages(half) == ["de"] * 6 + ["sv"] * 6


def test_many_open_fragments_are_told_together():
    fragments = ["Zimmer", "Schlüssel", "Rechnung bezahlen", "Frühstück im Haus", "Garten"]
    alone = [DETECTOR.detect(text).language for text in fragments]
    assert "und" in alone
    assert languages(fragments) == ["de"] * 5


def test_a_hint_decides_what_is_open_and_no_more():
    assert languages(["Priser og betaling"], "no") == ["no"]
    assert languages(["Priser og betaling"], "da") == ["da"]
    assert languages([GERMAN], "en") == ["de"]
    assert languages(["4711-B"], "pt-BR") == ["pt"]
    assert languages(["4711-B"], "?") == ["und"]


def test_a_language_that_can_not_be_told_is_taken_at_its_word():
    bavarian = "De Bibliothek is am Montog zua, owa am Dienstog is wieda offn."
    assert "bar" in DETECTOR.languages
    unknown = next(code for code in ("qaa", "cim") if code not in DETECTOR.languages)
    assert languages([bavarian, bavarian], unknown) == [unknown] * 2
    assert languages([bavarian, "Η βιβλιοθήκη είναι κλειστή."], unknown) == [unknown, "el"]


def test_no_passages_have_no_languages():
    assert languages([]) == []
    assert languages([], "de") == []


@pytest.mark.parametrize("passages", [DANISH, [JAPANESE, GERMAN], ["Zimmer"]])
def test_no_other_document_counts(passages):
    before = languages(passages)
    languages(NORWEGIAN * 5)
    assert passage_languages(passages, None, SeveralModelsDetector()) == before
