"""The page's tables of texts: every language says everything, in its own words and script."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "connectors" / "http" / "ui"
TABLES = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in sorted((FOLDER / "locales").iterdir())
}
ENGLISH = TABLES["en"]
FORMS = {
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "he": {"one", "two", "other"},
    "cs": {"one", "few", "other"},
    **{language: {"one", "few", "many", "other"} for language in ("pl", "ru", "uk")},
    **{language: {"other"} for language in ("id", "ja", "ko", "th", "vi", "zh")},
}
"""The plural forms of whole numbers below a million; of languages not named here: one and other.
That the browser asks for these and no others, ``ui/test_locales.py`` sees."""
EXACT = {"ar": {"zero", "one", "two"}, "he": {"one", "two"}}
"""Forms that stand for one number alone: a text may say it in words."""
SCRIPTS = {
    **dict.fromkeys(("ar", "fa", "ur"), "ARABIC"),
    **dict.fromkeys(("ru", "uk"), "CYRILLIC"),
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "bn": "BENGALI",
    "th": "THAI",
    "el": "GREEK",
    "ko": "HANGUL",
    "zh": "CJK",
    "ja": "CJK HIRAGANA KATAKANA",
}
"""The scripts of languages that are not written in Latin letters."""
SAME_WORDS = {
    "fr": {"documents", "page", "passages", "passages_title", "sources_title"},
    "nl": {"passages", "passages_title"},
}
"""What a language says as English does."""


def forms(entry):
    return entry if isinstance(entry, dict) else {"": entry}


def test_there_are_many_and_the_page_knows_them():
    script = (FOLDER / "strings.js").read_text(encoding="utf-8")
    [listed] = re.findall(r"LOCALES = \[([^\]]+)\]", script)
    assert re.findall(r'"([^"]+)"', listed) == list(TABLES)
    assert len(TABLES) >= 20
    assert {"ar", "fa", "he", "ur"} <= set(TABLES)


def test_every_text_that_the_page_shows_is_there_and_no_other():
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    shown = set(re.findall(r'data-(?:text|label)="([^"]+)"', page))
    sources = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.js")}
    literals = set(re.findall(r'"([a-z_]+)"', "".join(sources.values())))
    [kinds] = re.findall(r"`kind`: ([^.]+)\.", sources["api"])
    shown |= {f"error_{kind}" for kind in re.split(r", | or ", kinds) if kind != "key"}
    assert shown <= set(ENGLISH)
    assert set(ENGLISH) - shown <= literals


@pytest.mark.parametrize("language", TABLES)
def test_a_language_says_all_and_loses_no_value(language):
    table = TABLES[language]
    assert list(table) == list(ENGLISH)
    for key, entry in table.items():
        english = ENGLISH[key]
        assert isinstance(entry, dict) == isinstance(english, dict), key
        if isinstance(entry, dict):
            assert set(entry) == FORMS.get(language, {"one", "other"}), key
        whole = english["other"] if isinstance(english, dict) else english
        wanted = set(re.findall(r"\{\w+\}", whole))
        for form, text in forms(entry).items():
            holes = re.findall(r"\{\w+\}", text)
            assert len(holes) == len(set(holes)), (key, form)
            if form not in EXACT.get(language, ()) or holes:
                assert set(holes) == wanted, (key, form)
            assert not re.search(r"[{}]", re.sub(r"\{\w+\}", "", text)), (key, form)
            assert text == text.strip() == unicodedata.normalize("NFC", text) != "", (key, form)


@pytest.mark.parametrize("language", [code for code in TABLES if code != "en"])
def test_a_language_says_it_in_its_own_words(language):
    same = {key for key, entry in TABLES[language].items() if entry == ENGLISH[key]}
    assert same == SAME_WORDS.get(language, set())


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_language_is_written_in_its_script(language):
    scripts = tuple(SCRIPTS[language].split())
    for key, entry in TABLES[language].items():
        for text in forms(entry).values():
            letters = [each for each in re.sub(r"\{\w+\}|API", "", text) if each.isalpha()]
            foreign = [each for each in letters if not unicodedata.name(each).startswith(scripts)]
            assert letters, key
            assert not foreign, (key, foreign)
