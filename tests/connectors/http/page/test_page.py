"""The page in a real browser: what is seen, heard, and reached from the keyboard."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from connectors.http.pool import Busy
from connectors.http.routes.page import CONTENT_SECURITY_POLICY
from tests.connectors.http.service import secret

FILES = Path(__file__).resolve().parents[4] / "connectors" / "http" / "page"
QUESTION = "How long does the guarantee last?"
IN_ARABIC = "من يوقع تصريح دخول الخزان؟"


def search(browser, running, question, **address):
    browser.open(running.url, q=question, **address)
    browser.until_status(" in ", "No passage")


def hit(browser, language):
    """Return the first hit in a language."""
    return browser.one(f"#hits article:has(> .text[lang={language}])")


def test_files_are_sent_with_a_policy_and_only_those():
    """What the policy says, word for word: a change of it is seen."""
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


@pytest.mark.parametrize("path", ["/", *(f"/page/{each.name}" for each in sorted(FILES.iterdir()))])
def test_every_file_has_its_type_and_the_policy(url, path):
    reply = httpx.get(f"{url}{path}", trust_env=False)
    assert reply.status_code == 200
    assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert reply.headers["content-type"].startswith(kinds.get(path.rpartition(".")[2], "text/html"))
    again = httpx.get(
        f"{url}{path}", headers={"If-None-Match": reply.headers["etag"]}, trust_env=False
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/page/", "/page/x.js", "/page/..%2fpage.py", "/page/../app.py", "/page/%2e%2e/app.py"]
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
    scripts = sorted(FILES.iterdir())
    assert len(scripts) >= 8
    for each in scripts:
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
        assert re.search(rf"{name} \d+ %", told), told
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
    search(browser, plain, "Worauf steht die Wärmepumpe?")
    found = hit(browser, "de")
    assert "German" in found.find_element("css selector", "header .tag").text
    assert found.find_element("css selector", ".text").get_attribute("dir") == "ltr"
    where = found.find_element("css selector", ".where").text
    assert where == "manuals/mount_de.pdf · Wärmepumpe › Aufstellen · page 7"
    [mark] = [each.text for each in found.find_elements("css selector", "mark")]
    assert mark == "Die Wärmepumpe steht auf einem ebenen Sockel."
    assert "Wärmepumpe" in [each.text for each in found.find_elements("css selector", "b")]
    assert re.fullmatch(r"\d+ %", found.find_element("css selector", ".score > span").text)
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
    search(browser, plain, IN_ARABIC)
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
    search(browser, plain, question)
    text = hit(browser, language).find_element("css selector", ".text")
    marked = {each.text for each in text.find_elements("css selector", "b")}
    assert {word for word in words if any(word in each for each in marked)} == words, marked


def test_offsets_count_characters_outside_the_basic_plane(browser, plain):
    spans = browser.js(
        "return import('./page/text.js').then((m) => m.toUnits('a😀b', [{start: 2, end: 3}]))"
    )
    assert spans == [{"start": 3, "end": 4}]


def test_a_long_passage_is_shown_around_its_evidence(browser, plain):
    search(browser, plain, "What does a lost badge cost?", lang="en")
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
    search(browser, plain, QUESTION)
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
    search(browser, plain, QUESTION)
    browser.one("#filter-summary").click()
    browser.one("#chips input[value=th]").click()
    browser.until(lambda: browser.text("#filter-summary") == "Only Thai")
    browser.until_status("in 1 language,")
    address = browser.js("return location.hash")
    assert "lang=th" in address
    browser.open(plain.url)
    browser.driver.get(f"{plain.url}/{address}")
    browser.driver.refresh()
    browser.until_status("in 1 language,")
    assert browser.one("#question").get_attribute("value") == QUESTION
    browser.one("#filter-summary").click()
    browser.one("#filter-clear").click()
    browser.until(lambda: " in 1 language" not in browser.text("#status"))
    browser.until_status(" languages,")
    browser.driver.back()
    browser.until_status("in 1 language,")
    browser.assert_clean()


def test_more_passages_go_on_where_the_first_ended(browser, plain):
    search(browser, plain, QUESTION)
    assert len(browser.all("#hits article")) == 10
    browser.one(".more").click()
    browser.until_status("passages in")
    browser.until(lambda: len(browser.all("#hits article")) > 10)
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "hit-11"


def test_only_the_keyboard(browser, plain):
    from selenium.webdriver.common.keys import Keys

    browser.open(plain.url)
    browser.press(Keys.TAB)
    assert browser.focused() == "skip"
    browser.press(Keys.ENTER)
    assert browser.focused() == "main"
    browser.press("/")
    assert browser.focused() == "question"
    browser.press(QUESTION + "/")
    assert browser.one("#question").get_attribute("value") == QUESTION + "/"
    browser.press(Keys.ENTER)
    browser.until_status("passages in")
    assert browser.focused() == "question"
    browser.press(Keys.ARROW_DOWN)
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "hit-1"
    browser.press(Keys.ARROW_DOWN)
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "hit-2"
    browser.press(Keys.ARROW_UP, Keys.ARROW_UP)
    assert browser.focused() == "question"
    # Every control is reached, in the order in which it is seen.
    browser.js("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = []
    for _ in range(200):
        browser.press(Keys.TAB)
        at = browser.js(
            "return document.activeElement === document.body ? null : document.activeElement"
        )
        if at is None or at in reached:
            break
        reached.append(at)
        box = browser.js(
            "const s = getComputedStyle(document.activeElement.matches('.modes input, .chip input')"
            " ? document.activeElement.nextElementSibling : document.activeElement);"
            "return [s.outlineStyle, getComputedStyle(document.activeElement.parentElement).outlineStyle]"
        )
        assert "solid" in box or "auto" in box, at.get_attribute("outerHTML")
    tops = browser.js(
        "return arguments[0].map((each) => each.getBoundingClientRect().top)", reached
    )
    seen = [
        top for each, top in zip(reached, tops, strict=True) if each.get_attribute("id") != "skip"
    ]
    assert seen == sorted(seen)
    summaries = [each for each in browser.all("#hits summary") if each.is_displayed()]
    assert all(each in reached for each in summaries)
    browser.press("/")
    browser.one("#slash").click()
    browser.one("#main").send_keys("/")
    assert browser.focused() != "question"
    browser.assert_clean()


def test_a_screen_reader_is_told_everything(browser, plain):
    search(browser, plain, QUESTION)
    for each in browser.all("details:not([open]) > summary"):
        each.click()
    nodes = browser.accessibility_tree()
    value = lambda node, part: node.get(part, {}).get("value", "")  # noqa: E731
    controls = {"button", "textbox", "searchbox", "checkbox", "radio", "link", "meter", "img",
                "DisclosureTriangle", "image", "article", "group", "article"}  # fmt: skip
    nameless = [
        node
        for node in nodes
        if value(node, "role") in controls - {"group"} and not value(node, "name").strip()
    ]
    assert [(value(each, "role"), each.get("properties")) for each in nameless] == []
    roles = [value(node, "role") for node in nodes]
    for landmark in ("banner", "main", "search", "contentinfo", "region"):
        assert landmark in roles, landmark
    assert roles.count("main") == 1
    assert "status" in roles
    names = {value(node, "name") for node in nodes}
    assert {"Your question", "Skip to the results", "Passages", "Answer"} <= names
    assert any(
        re.fullmatch(r"(<1|\d+) percent likely to answer the question", each) for each in names
    )
    levels = [
        int(each["value"]["value"])
        for node in nodes
        if value(node, "role") == "heading"
        for each in node["properties"]
        if each["name"] == "level"
    ]
    assert levels
    assert max(levels) <= 4
    live = browser.one("#status")
    assert live.get_attribute("role") == "status"
    assert browser.one("#alert").get_attribute("role") == "alert"
    assert browser.js("return document.documentElement.lang") == "en"
    ids = browser.js("return [...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_phone(browser, plain, width, scheme):
    browser.size(width, 800)
    browser.media(prefers_color_scheme=scheme)
    try:
        search(browser, plain, IN_ARABIC)
        for each in browser.all("#hits summary")[:2]:
            each.click()
        assert browser.js("return document.documentElement.scrollWidth <= innerWidth")
        browser.picture(f"phone-{width}-{scheme}")
    finally:
        browser.full_size()
        browser.media()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser, plain, scheme):
    """The contrast of every text and its ground is at least 4.5 (WCAG 2.2, 1.4.3)."""
    browser.media(prefers_color_scheme=scheme)
    try:
        search(browser, plain, QUESTION)
        poor = browser.js(_CONTRAST)
        assert poor == []
    finally:
        browser.media()


_CONTRAST = """
const light = (rgb) => rgb.map((each) => each / 255).map((each) =>
  each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
  .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = numbers(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
  }
  return [255, 255, 255];
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const [one, other] = [light(numbers(style.color).slice(0, 3)), light(ground(element))];
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (ratio < 4.5) poor.push(`${element.className} ${node.data.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
}
return poor;
"""


def test_who_wants_less_motion_gets_none(browser, plain):
    browser.media(prefers_reduced_motion="reduce")
    try:
        search(browser, plain, QUESTION)
        moving = browser.js(
            "return [...document.querySelectorAll('*')].filter((each) => {"
            "const s = getComputedStyle(each); return s.animationName !== 'none'"
            " || parseFloat(s.transitionDuration) > 0}).length"
        )
        assert moving == 0
    finally:
        browser.media()


@contextmanager
def occupied(pool):
    """Fill a pool, its queue too."""
    release = threading.Event()
    taken = []
    try:
        while True:
            try:
                taken.append(pool.submit("somebody else", release.wait))
            except Busy:
                break
        yield
    finally:
        release.set()
        for each in taken:
            each.result(10)


def test_a_busy_service_says_when_to_come_again(browser, plain):
    browser.open(plain.url)
    browser.one("#question").send_keys(QUESTION)
    with occupied(plain.service.searching):
        browser.one("#submit").click()
        browser.until(lambda: "busy" in browser.text("#alert"))
        assert re.search(r"Try again in \d+ seconds?\.", browser.text("#alert"))
    browser.one("#alert button").click()
    browser.until_status("passages in")
    assert browser.text("#alert") == ""
    browser.assert_clean(network=False)


def test_a_service_that_is_gone_is_said_in_words(browser, plain):
    browser.open(plain.url)
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions", {"offline": True, **conditions}
    )
    try:
        browser.one("#question").send_keys(QUESTION)
        browser.one("#submit").click()
        browser.until(lambda: "can not be reached" in browser.text("#alert"))
    finally:
        browser.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {"offline": False, **conditions}
        )
    browser.one("#alert button").click()
    browser.until_status("passages in")


def test_a_key_is_asked_for_kept_out_of_the_address_and_forgotten(browser, keyed):
    from selenium.webdriver.common.keys import Keys

    browser.open(keyed.url, ready=False, q="grey pump")
    browser.until(lambda: browser.one("#key-panel").is_displayed())
    assert browser.focused() == "key"
    assert browser.text("#key-title") == "This service wants a key. Type yours to go on."
    browser.picture("key")
    browser.press("wrong", Keys.ENTER)
    browser.until(lambda: "does not know" in browser.text("#key-title"))
    key = secret("default", "read")
    browser.press(key, Keys.ENTER)
    browser.until_status("passages in")
    assert not browser.one("#key-panel").is_displayed()
    assert browser.text("#key-toggle") == "Key in use"
    for place in (
        "location.href",
        "document.documentElement.outerHTML",
        "JSON.stringify(sessionStorage)",
        "JSON.stringify(localStorage)",
        "document.cookie",
        "document.getElementById('key').value",
    ):
        assert key not in browser.js(f"return {place}"), place
    assert not any(key in each for each in browser.requests())
    browser.driver.refresh()
    browser.until(lambda: browser.one("#key-panel").is_displayed())  # only memory held it
    browser.one("#key-keep").click()
    browser.one("#key").send_keys(key, Keys.ENTER)
    browser.until_status("passages in")
    browser.driver.refresh()
    browser.until_status("passages in")
    browser.one("#key-toggle").click()
    browser.one("#key-forget").click()
    browser.until(lambda: "wants a key" in browser.text("#key-title"))
    assert browser.js("return sessionStorage.length") == 0
    browser.one("#key").send_keys(secret("default", "metrics"), Keys.ENTER)
    browser.until(lambda: "may not read" in browser.text("#key-title"))
    browser.assert_clean(network=False)
