"""What a question must be before it is searched, with the real detector."""

from __future__ import annotations

import pytest

from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.connectors.training.synthesis.question_checks import (
    Verdict,
    check_text,
    copied_share,
    judge_language,
)


@pytest.fixture(scope="module")
def detector():
    return FastTextDetector()


@pytest.mark.parametrize(
    ("question", "wanted", "passage", "fate"),
    [
        ("Wie hoch ist der Druck?", "de", "en", Verdict.KEPT),
        ("Muhuri wa pampu hubadilishwa mara ngapi?", "sw", "en", Verdict.KEPT),
        ("ポンプはどこですか", "ja", "en", Verdict.KEPT),
        ("保修期多久？", "zh", "en", Verdict.KEPT),
        # a script of few languages: the detector says Amharic for Tigrinya
        ("ማሕተም ፓምፕ ክንደይ ግዜ ይቕየር?", "ti", "en", Verdict.KEPT),
        # in doubt: the detector is not sure of anything
        ("Igba melo ni a n paarọ edidi fifa soke?", "yo", "en", Verdict.KEPT_UNSURE),
        # not known to the detector, which is sure of another (Cebuano)
        ("E hia nga wā ka whakakapia te hiri o te papu?", "mi", "en", Verdict.KEPT_UNSURE),
        ("How often is the seal of the pump replaced?", "mi", "fr", Verdict.LANGUAGE),
        ("Combien de fois remplace-t-on le joint ?", "mi", "fr", Verdict.LANGUAGE),
        ("How often is the seal of the pump replaced?", "de", "en", Verdict.LANGUAGE),
        ("Hoe vaak wordt de afdichting van de pomp vervangen?", "de", "en", Verdict.LANGUAGE),
        # Hindi in Latin letters
        ("Pump ki seal kitni baar badli jaati hai?", "hi", "en", Verdict.LANGUAGE),
        ("Коли міняють фільтр насоса?", "ru", "en", Verdict.LANGUAGE),
    ],
)
def test_languages_and_doubts(detector, question, wanted, passage, fate):
    assert judge_language(question, wanted, passage, detector) == fate


def test_the_detector_says_what_it_knows(detector):
    assert {"de", "sw", "yo", "qu", "ka", "zh", "no", "he"} <= detector.languages
    assert not {"mi", "zu", "ha", "ig", "und"} & detector.languages


PASSAGE = "The seal of the pump X-200 is replaced once a year, best in spring."


@pytest.mark.parametrize(
    ("question", "fate"),
    [
        ("How often does the pump X-200 need a new seal?", Verdict.KEPT),
        ("", Verdict.EMPTY),
        ("How high?", Verdict.SHORT),
        ("How often " * 40 + "?", Verdict.LONG),
        ("The pump X-200 has a seal that lasts.", Verdict.STATEMENT),
        ("The seal of the  PUMP X-200 is replaced once a year?", Verdict.COPY),
        ("is the seal known already", Verdict.STATEMENT),
        ("Is the seal known already?", Verdict.DUPLICATE),
        ("Wie oft wird die Dichtung gewechselt?", Verdict.LANGUAGE),
    ],
)
def test_each_reason(detector, question, fate):
    found = check_text(
        question,
        PASSAGE,
        language="en-GB",
        passage_language="en",
        known={"isthesealknownalready"},
        detector=detector,
    )
    assert found == fate


def test_how_much_is_copied():
    assert copied_share("What part of the pump X-200 is replaced once a year?", PASSAGE) < 0.9
    assert copied_share("水泵的密封圈多久更换一次？", "水泵的密封圈每年更换一次。") < 0.9
    assert copied_share("水泵的密封圈每年更换一次？", "水泵的密封圈每年更换一次。") == 1
    assert copied_share("?!", PASSAGE) == 0
