"""Short sentences, of which one small model alone says nothing, or something wrong."""

from __future__ import annotations

import sys

import pytest

from rag_engine.connectors.detectors.by_script import ScriptFirstDetector
from rag_engine.connectors.detectors.cld2 import Cld2Model
from rag_engine.connectors.detectors.cld3 import Cld3Model
from rag_engine.connectors.detectors.fasttext import FastTextModel
from rag_engine.connectors.detectors.several import SeveralModelsDetector
from tests.text.samples import SAMPLES, text_in

SHORT = {
    "af": "Die biblioteek is Sondae gesluit.",
    "da": "Vinduerne bliver pudset hver anden måned.",
    "ga": "Tá an leabharlann dúnta ar an Domhnach.",
    "ha": "An rufe ɗakin karatu a ranar Lahadi.",
    "id": "Kunci kamar dikembalikan ke resepsionis.",
    "is": "Bókasafnið er lokað á sunnudögum.",
    "lv": "Bibliotēka svētdienās ir slēgta.",
    "mt": "Il-librerija tkun magħluqa l-Ħadd.",
    "no": "Hvor mye koster det å bytte vinduet?",
    "sw": "Maktaba hufungwa siku ya Jumapili.",
    "uz": "Kutubxona yakshanba kuni yopiq.",
    "zu": "Umtapo wolwazi uvalwa ngeSonto.",
}


@pytest.fixture(scope="module")
def detector() -> SeveralModelsDetector:
    return SeveralModelsDetector()


def test_short_sentences_are_told(detector):
    found = {language: detector.detect(text).language for language, text in SHORT.items()}
    told = {language: code for language, code in found.items() if code != "und"}
    assert all(language == code for language, code in told.items())
    assert len(told) >= len(SHORT) - 1
    for language, text in SHORT.items():  # and what is left open is likeliest what it is
        likely = [each.language for each in detector.plausible(text) if each.language != "und"]
        assert likely[0] == language


@pytest.mark.parametrize("kind", [Cld2Model, Cld3Model])
def test_a_model_keeps_its_word(kind):
    model = kind()
    for language in SAMPLES:
        shares = model.shares(text_in(language))
        assert set(shares) <= model.languages, language
        assert sum(shares.values()) <= 1.01
    assert set(model.languages) >= {"de", "he", "id", "no", "zh"}
    assert model.version == kind().version


@pytest.mark.parametrize("kind", [FastTextModel, Cld2Model, Cld3Model])
@pytest.mark.parametrize("text", ["", "\x00\x07 \ufffe", "\u0301", "?!"])
def test_no_text_is_an_error(kind, text):
    assert sum(kind().shares(text).values()) <= 1.01


def test_without_pycld2_the_others_go_on(monkeypatch, detector):
    monkeypatch.setitem(sys.modules, "pycld2", None)
    two = SeveralModelsDetector()
    assert two.detect(text_in("de")).language == "de"
    assert "cld2" in detector.version
    assert "cld2" not in two.version


class Counting:
    """A model that says English of everything, and counts how often it is asked."""

    languages = frozenset({"en"})
    version = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def shares(self, words: str) -> dict[str, float]:
        self.asked.append(words)
        return {"en": 0.9}


def test_a_model_is_asked_once_about_the_same_words():
    model = Counting()
    detector = ScriptFirstDetector([model], sure=0.5)
    text = "The pump needs a new seal every year. " * 20
    assert detector.detect(text).language == "en"
    assert detector.plausible(text[:600]) == detector.plausible(text + "And more.")
    assert detector.detect("The library is closed.").language == "en"
    assert [len(words) for words in model.asked] == [400, 22]
