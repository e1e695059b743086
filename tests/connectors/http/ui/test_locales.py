"""The page in its reader's language: which, how long, in which direction, with which numbers."""

from __future__ import annotations

import re

import pytest

from tests.connectors.http.test_ui_locales import FORMS, TABLES
from tests.connectors.http.ui.test_page import IN_ARABIC, QUESTION, hit

RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}


def asked_of(browser, path: str) -> int:
    return sum(url.endswith(path) for url in browser.requests())


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        (["pt-BR", "de"], "pt"),
        (["eu", "de-AT", "fr"], "de"),
        (["iw-IL"], "he"),
        (["zh-TW"], "zh"),
        (["ka", "am"], "en"),
        (["not a language", "sw-KE"], "sw"),
        ([], "en"),
    ],
)
def test_the_first_language_that_it_speaks_is_taken(browser, plain, wanted, spoken):
    browser.open(plain.url)
    found = browser.js(
        "return import('./page/strings.js').then((m) => m.spoken(...arguments))", wanted
    )
    assert found == spoken


def test_it_speaks_the_browser_s_language(browser, plain):
    with browser.reader_of("de-CH", "en"):
        browser.open(plain.url)
        assert browser.js("return document.documentElement.lang") == "de"
        assert browser.text("h1") == "Fragen Sie in Ihrer Sprache"
        assert browser.one("#question").get_attribute("placeholder") == "In jeder Sprache"
        assert browser.one("#main").accessible_name == "Ergebnisse"
        assert browser.driver.title == "In jeder Sprache suchen"
        browser.assert_clean()


def test_a_choice_is_kept_by_the_tab_and_changes_nothing_else(browser, plain):
    with browser.reader_of("en"):
        browser.search(plain.url, QUESTION)
        browser.one("#question").send_keys(" And why?")
        browser.choose("de")
        assert browser.one("#question").get_attribute("value") == f"{QUESTION} And why?"
        assert " Textstellen · " in browser.text("#status")
        assert "Auch auf Deutsch und Spanisch" in browser.text("#hits")
        assert browser.text("#submit") == "Suchen"
        assert "Dokumente · " in browser.text("#holds")
        assert asked_of(browser, "/v1/search") == 1
        browser.open(plain.url)
        assert browser.text("h1") == "Fragen Sie in Ihrer Sprache"
        assert browser.one("#locale").get_attribute("value") == "de"
        assert browser.js("return document.cookie") == ""
        assert browser.js("return localStorage.length") == 0
        browser.js("sessionStorage.clear()")
        browser.open(plain.url)
        assert browser.text("h1") == "Ask in your language"
        browser.assert_clean()


def test_a_language_that_does_not_come_leaves_the_page_as_it_is(browser, plain):
    with browser.reader_of("en"):
        browser.search(plain.url, QUESTION)
        with browser.offline():
            browser.one("#locale option[value=fr]").click()
            browser.until(lambda: "can not be reached" in browser.text("#alert"))
        assert browser.one("#locale").get_attribute("value") == "en"
        assert browser.text("#submit") == "Search"
        browser.one("#alert button").click()
        browser.until(lambda: browser.text("#submit") == "Chercher")
        assert browser.text("#alert") == ""


def test_the_language_chosen_last_is_spoken(browser, plain):
    with browser.reader_of("en"):
        browser.open(plain.url)
        browser.hold_back("/fr.json")
        browser.one("#locale option[value=fr]").click()
        browser.until(browser.is_held_back)
        browser.choose("de")
        browser.release()
        assert browser.js("return document.documentElement.lang") == "de"
        assert browser.text("#submit") == "Suchen"
        assert browser.js("return Object.values(sessionStorage)") == ["de"]


@pytest.mark.parametrize("width", [320, 1100])
def test_every_language_has_room(browser, plain, width):
    """In each, the page runs its way, is named in itself, and nothing is cut off."""
    browser.size(width, 800)
    try:
        with browser.reader_of("en"):
            browser.search(plain.url, IN_ARABIC)
            for each in browser.all("summary"):
                each.click()
            names = set()
            for language in TABLES:
                browser.choose(language)
                browser.js("document.querySelectorAll('details').forEach((d) => (d.open = true))")
                way = "rtl" if language in RIGHT_TO_LEFT else "ltr"
                assert browser.js("return document.documentElement.dir") == way, language
                assert browser.one("h1").value_of_css_property("direction") == way
                assert browser.cut_off(width) == [], language
                assert browser.js("return document.documentElement.scrollWidth") <= width, language
                option = browser.one(f"#locale option[value={language}]")
                assert option.get_attribute("lang") == language
                names.add(option.text)
            assert len(names - set(TABLES)) == len(TABLES)
            browser.assert_clean()
    finally:
        browser.full_size()


def test_right_to_left_turns_the_page_and_not_the_passages(browser, plain):
    with browser.reader_of("ar"):
        browser.search(plain.url, QUESTION)
        browser.picture("page-arabic")
        left = lambda selector: browser.one(selector).rect["x"]  # noqa: E731
        assert left("#submit") < left("#question")
        assert left("#locale") < left(".brand")
        browser.one("#filter-summary").click()
        first, last = (browser.all("svg.mix rect")[at].rect["x"] for at in (0, -1))
        assert first > last
        score = browser.one("#hits .card .score").rect
        assert score["x"] < browser.one("#hits .card h3").rect["x"]
        english = hit(browser, "en").find_element("css selector", ".text")
        assert english.value_of_css_property("direction") == "ltr"
        assert english.value_of_css_property("text-align") == "start"
        field = browser.one("#question")
        assert field.value_of_css_property("direction") == "ltr"  # an English question
        field.clear()
        assert field.value_of_css_property("direction") == "rtl"
        browser.assert_clean()


def test_numbers_shares_and_days_are_the_language_s(browser, plain):
    def written():
        told = browser.js(
            "return import('./page/strings.js').then((m) => [m.number(12345.5), m.percent(0.234),"
            " m.percent(0.004), m.percent(0.999), m.seconds(1.24), m.figure(2024),"
            " m.day('2024-05-01'), m.day('2024-05-01T13:45:10+05:30'), m.day('2024-13-01'),"
            " m.day('in 2024-05-01')])"
        )
        return [each and re.sub(r"\s", " ", each) for each in told]

    with browser.reader_of("en"):
        browser.open(plain.url)
        assert written() == [
            *("12,345.5", "23%", "0.4%", "99%", "1.2s", "2024"),
            *("May 1, 2024", "May 1, 2024 at 1:45 PM", None, None),
        ]
        browser.choose("de")
        assert written() == [
            *("12.345,5", "23 %", "0,4 %", "99 %", "1,2 Sek.", "2024"),
            *("1. Mai 2024", "1. Mai 2024 um 13:45", None, None),
        ]
        browser.choose("fa")
        assert written()[0] == "۱۲٬۳۴۵٫۵"
        assert written()[5] == "۲۰۲۴"


def test_the_browser_asks_for_the_plural_forms_that_there_are(browser, plain):
    browser.open(plain.url)
    for language in TABLES:
        forms = browser.js(
            "const rules = new Intl.PluralRules(arguments[0]); const found = new Set();"
            "for (let n = 0; n < 2000; n += 1) found.add(rules.select(n)); return [...found];",
            language,
        )
        told = FORMS.get(language, {"one", "other"})
        assert set(forms) <= told, language
        assert told - set(forms) <= {"other"}, language
