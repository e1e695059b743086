"""The page in a real browser: its files, and what a search shows."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from rag_engine.connectors.http.routes.ui import CONTENT_SECURITY_POLICY

FILES = Path(__file__).resolve().parents[4] / "connectors" / "http" / "ui"
NAMED = sorted(each for each in FILES.rglob("*") if each.is_file())
QUESTION = "How long does the guarantee last?"
IN_ARABIC = "من يوقع تصريح دخول الخزان؟"


def hit(browser, language):
    """Return the first hit in a language."""
    return browser.one(f"#hits article:has(> .text[lang={language}])")


def test_files_are_sent_with_a_policy_and_only_those():
    """What the policy says, word for word: a change of it is seen."""
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


@pytest.mark.parametrize("path", ["/", *(f"/page/{each.relative_to(FILES)}" for each in NAMED)])
def test_every_file_has_its_type_and_the_policy(url, path):
    reply = httpx.get(f"{url}{path}", trust_env=False)
    assert reply.status_code == 200
    assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    kinds = {"js": "text/javascript", "json": "application/json", "css": "text/css"}
    kinds["svg"] = "image/svg+xml"
    assert reply.headers["content-type"].startswith(kinds.get(path.rpartition(".")[2], "text/html"))
    again = httpx.get(
        f"{url}{path}", headers={"If-None-Match": reply.headers["etag"]}, trust_env=False
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/x.js",
        "/page/..%2fapp.py",
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/locales",
        "/page/locales/",
        "/page/locales/xx.json",
    ],
)
def test_there_are_no_other_files(url, path):
    reply = httpx.get(f"{url}{path}", trust_env=False)
    assert reply.status_code in {404, 307}
    assert b"import" not in reply.content


def test_no_script_makes_html_of_text():
    """What could run a document's text is nowhere used, nor anything inline or from elsewhere."""
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc"
        r"|DOMParser|setHTML|\beval\b|new Function|\.href\s*=|\.src\s*=|\bon[a-z]+\s*=\s*[\"']"
        r"|style\s*=\s*[\"']|javascript:|localStorage|document\.cookie|setTimeout\(\s*[\"']"
    )
    address = re.compile(r"https?://(?!www\.w3\.org/(?:2000/svg|1999/xlink))|[\"'(]//")
    assert len(NAMED) >= 30
    for each in NAMED:
        text = each.read_text(encoding="utf-8")
        assert banned.findall(text) == [], each.name
        assert address.findall(text) == [], each.name
        assert len(text.splitlines()) <= 350, each.name
    page = (FILES / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page


def test_it_starts_with_the_languages_and_nothing_else(browser, plain):
    browser.open(plain.url)
    chart = browser.one("svg.mix")
    assert chart.get_attribute("role") == "img"
    told = chart.get_attribute("aria-label")
    assert told.startswith("Language mix of the knowledge base: ")
    for name in ("English", "German", "Spanish", "Arabic", "Hebrew", "Japanese", "Thai"):
        assert re.search(rf"{name} \d+%", told), told
    bars = browser.all("svg.mix rect")
    assert len(bars) == len(browser.all("#chips input")) == told.count("%")
    widths = [float(each.get_attribute("width")) for each in bars]
    assert widths == sorted(widths, reverse=True)
    assert sum(widths) == pytest.approx(1000 - 4 * (len(bars) - 1), abs=1)
    assert "documents" in browser.text("#holds")
    assert browser.all("#hits article") == []
    browser.picture("start-light")
    browser.media(prefers_color_scheme="dark")
    browser.picture("start-dark")
    browser.media()
    browser.assert_clean()


def test_hits_say_what_language_they_are_in_and_where_they_stand(browser, plain):
    browser.search(plain.url, "Worauf steht die Wärmepumpe?")
    found = hit(browser, "de")
    assert "German" in found.find_element("css selector", "header .tag").text
    assert found.find_element("css selector", ".text").get_attribute("dir") == "ltr"
    where = found.find_element("css selector", ".where").text
    assert where == "manuals/mount_de.pdf · Wärmepumpe › Aufstellen · page 7"
    [mark] = [each.text for each in found.find_elements("css selector", "mark")]
    assert mark == "Die Wärmepumpe steht auf einem ebenen Sockel."
    assert "Wärmepumpe" in [each.text for each in found.find_elements("css selector", "b")]
    assert re.fullmatch(r"\d+%", found.find_element("css selector", ".score > span").text)
    found.find_element("css selector", "details:last-of-type summary").click()
    rows = {
        row.find_element("css selector", "th").text: row.find_element("css selector", "td").text
        for row in found.find_elements("css selector", ".parts tbody tr")
    }
    assert set(rows) >= {"Probability that it answers", "Meaning, freed from its language"}
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", value) for value in rows.values())
    facts = found.find_element("css selector", ".facts").text
    assert "pdf" in facts
    assert "2024" in facts
    browser.picture("hit-details")
    browser.assert_clean()


def test_right_to_left_is_right_to_left(browser, plain):
    browser.search(plain.url, IN_ARABIC)
    browser.picture("arabic-light")
    for language in ("ar", "he"):
        text = hit(browser, language).find_element("css selector", ".text")
        assert text.get_attribute("dir") == "rtl"
        assert text.value_of_css_property("direction") == "rtl"
        # The first letter stands right of the last one of its line, even a Latin first word.
        at = browser.js(
            "const box = (offset) => { const range = document.createRange();"
            " const walker = document.createTreeWalker(arguments[0], NodeFilter.SHOW_TEXT);"
            " const node = walker.nextNode(); range.setStart(node, offset);"
            " range.setEnd(node, offset + 1); return range.getBoundingClientRect().x; };"
            " return [box(0), box(9), arguments[0].getBoundingClientRect().right]",
            text,
        )
        assert at[1] < at[0] < at[2]
    title = hit(browser, "he").find_element("css selector", "h3 bdi")
    assert title.get_attribute("dir") == "rtl"
    assert title.get_attribute("lang") == "he"
    question = browser.one("#question")
    assert question.value_of_css_property("direction") == "rtl"
    # The page around it stays as it is.
    assert browser.one("#hits .hits").value_of_css_property("direction") == "ltr"
    browser.assert_clean()


@pytest.mark.parametrize(
    ("question", "language", "words"),
    [
        (IN_ARABIC, "ar", {"الخزان", "تصريح"}),
        ("フィルターの交換", "ja", {"交換"}),
        ("น้ำท่วมต้องปิดสวิตช์ไหม", "th", {"น้ำท่วม", "สวิตช์"}),
        ("Где инструкция X-200?", "he", {"X-200"}),
        ("Is the seal of the pump replaced?", "en", {"seal", "pump", "replaced"}),
    ],
)
def test_words_in_common_are_marked_in_every_script(browser, plain, question, language, words):
    browser.search(plain.url, question)
    text = hit(browser, language).find_element("css selector", ".text")
    marked = {each.text for each in text.find_elements("css selector", "b")}
    assert {word for word in words if any(word in each for each in marked)} == words, marked


def test_offsets_count_characters_outside_the_basic_plane(browser, plain):
    spans = browser.js(
        "return import('./page/text.js').then((m) => m.toUnits('a😀b', [{start: 2, end: 3}]))"
    )
    assert spans == [{"start": 3, "end": 4}]


def test_a_long_passage_is_shown_around_its_evidence(browser, plain):
    browser.search(plain.url, "What does a lost badge cost?", lang="en")
    found = hit(browser, "en")
    text = found.find_element("css selector", ".text")
    button = found.find_element("css selector", "button[aria-expanded]")
    assert text.find_element("css selector", "mark").text == "A lost badge costs nine dollars."
    short = len(text.text)
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert len(text.text) > 1.5 * short
    button.click()
    assert len(text.text) == short


def test_twins_stand_below_their_hit(browser, plain):
    browser.search(plain.url, QUESTION)
    fold = browser.one("#hits article details:has(.twins)")
    assert fold.find_element("css selector", "summary").text == "Also in German and Spanish"
    fold.find_element("css selector", "summary").click()
    twins = {
        each.get_attribute("lang"): each.text
        for each in fold.find_elements("css selector", ".text")
    }
    assert set(twins) == {"de", "es"}
    assert "drei Jahre" in twins["de"]


def test_languages_restrict_and_the_address_can_be_shared(browser, plain):
    browser.search(plain.url, QUESTION)
    browser.one("#filter-summary").click()
    browser.one("#chips input[value=th]").click()
    browser.until(lambda: browser.text("#filter-summary") == "Only Thai")
    browser.until_status("· 1 language ·")
    address = browser.js("return location.hash")
    assert "lang=th" in address
    browser.open(plain.url)
    browser.driver.get(f"{plain.url}/{address}")
    browser.driver.refresh()
    browser.until_status("· 1 language ·")
    assert browser.one("#question").get_attribute("value") == QUESTION
    browser.one("#filter-summary").click()
    browser.one("#filter-clear").click()
    browser.until(lambda: "· 1 language ·" not in browser.text("#status"))
    browser.until_status(" languages ·")
    browser.driver.back()
    browser.until_status("· 1 language ·")
    browser.assert_clean()


def test_going_back_to_the_start_empties_the_page(browser, plain):
    browser.open(plain.url)
    browser.one("#question").send_keys(QUESTION)
    browser.one("#submit").click()
    browser.until_status("passages ·")
    browser.driver.back()
    browser.until(lambda: not browser.one("#hits").is_displayed())
    assert browser.one("#question").get_attribute("value") == ""
    assert browser.text("#status") == ""
    browser.driver.forward()
    browser.until_status("passages ·")
    assert browser.one("#question").get_attribute("value") == QUESTION


def test_more_passages_go_on_where_the_first_ended(browser, plain):
    browser.search(plain.url, QUESTION)
    assert len(browser.all("#hits article")) == 10
    browser.one(".more").click()
    browser.until_status("passages ·")
    browser.until(lambda: len(browser.all("#hits article")) > 10)
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "hit-11"
