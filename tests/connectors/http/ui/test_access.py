"""The page for everyone: keyboard, screen reader, phone, contrast, motion."""

from __future__ import annotations

import re

import pytest

QUESTION = "How long does the guarantee last?"
IN_ARABIC = "من يوقع تصريح دخول الخزان؟"


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
    browser.until_status("passages ·")
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
            "return [s.outlineStyle,"
            " getComputedStyle(document.activeElement.parentElement).outlineStyle]"
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
    browser.search(plain.url, QUESTION)
    for each in browser.all("details:not([open]) > summary"):
        each.click()
    nodes = browser.accessibility_tree()
    value = lambda node, part: node.get(part, {}).get("value", "")  # noqa: E731
    controls = {"button", "textbox", "searchbox", "checkbox", "radio", "link", "meter", "img",
                "DisclosureTriangle", "image", "article", "group"}  # fmt: skip
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
    assert any(re.fullmatch(r"[\d.]+% likely to answer the question", each) for each in names)
    levels = [
        int(each["value"]["value"])
        for node in nodes
        if value(node, "role") == "heading"
        for each in node["properties"]
        if each["name"] == "level"
    ]
    assert levels.count(1) == 1
    assert max(levels) <= 4
    live = browser.one("#status")
    assert live.get_attribute("role") == "status"
    assert browser.one("#alert").get_attribute("role") == "alert"
    assert browser.js("return document.documentElement.lang") == "en"
    ids = browser.js("return [...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark")])
def test_nothing_is_cut_off_on_a_phone(browser, plain, width, scheme):
    browser.size(width, 800)
    browser.media(prefers_color_scheme=scheme)
    try:
        browser.search(plain.url, IN_ARABIC)
        for each in browser.all("#hits summary")[:2]:
            each.click()
        assert browser.cut_off(width) == []
        assert browser.js("return document.documentElement.scrollWidth") <= width
        browser.picture(f"phone-{width}-{scheme}")
    finally:
        browser.full_size()
        browser.media()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser, plain, scheme):
    """The contrast of every text and its ground is at least 4.5 (WCAG 2.2, 1.4.3)."""
    browser.media(prefers_color_scheme=scheme)
    try:
        browser.search(plain.url, QUESTION)
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
  const told = `${element.className} ${node.data.trim().slice(0, 20)} ${ratio.toFixed(2)}`;
  if (ratio < 4.5) poor.push(told);
}
return poor;
"""


def test_who_wants_less_motion_gets_none(browser, plain):
    browser.media(prefers_reduced_motion="reduce")
    try:
        browser.search(plain.url, QUESTION)
        moving = browser.js(
            "return [...document.querySelectorAll('*')].filter((each) => {"
            "const s = getComputedStyle(each); return s.animationName !== 'none'"
            " || parseFloat(s.transitionDuration) > 0}).length"
        )
        assert moving == 0
    finally:
        browser.media()
