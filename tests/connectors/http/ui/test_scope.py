"""One passage to ask about: its document alone answers, or one page of it."""

from __future__ import annotations

import pytest

from tests.connectors.http.ui.conftest import GERMAN
from tests.connectors.http.ui.test_answer import QUESTION, answers
from tests.connectors.http.ui.test_conversation import prompts, replies, say
from tests.connectors.http.ui.test_page import hit

ABOUT_THE_SOCKET = "Wie hoch ist der Sockel?"
ANSWER = "Der Sockel, auf dem die Wärmepumpe steht, ist zwanzig Zentimeter hoch [1]."


def sources_read(browser) -> set[str]:
    """The titles of all passages that an answer was read from."""
    return set(
        browser.js("return [...document.querySelectorAll('#hits h3')].map((h) => h.textContent)")
    )


def test_a_passage_is_asked_about_by_its_button(browser, plain):
    browser.search(plain.url, ABOUT_THE_SOCKET)
    hit(browser, "de").find_element("css selector", ".about").click()
    assert browser.focused() == "question"
    assert browser.one("#question").get_attribute("value") == ABOUT_THE_SOCKET
    assert browser.one("input[value=ask]").is_selected()
    panel = browser.one("#scope")
    assert panel.accessible_name == "Only this document is asked"
    assert "manuals/mount_de.pdf" in panel.text
    text = panel.find_element("css selector", ".text")
    assert (text.get_attribute("lang"), text.get_attribute("dir")) == ("de", "ltr")
    assert text.text.split() == GERMAN.split()
    replies(plain, ANSWER)
    say(browser, ABOUT_THE_SOCKET)
    browser.until_status("Answered from 1 source")
    [prompt] = prompts(plain)
    assert "20 cm hoch" in prompt
    assert sources_read(browser) == {"Montage"}
    browser.picture("one-passage")
    # The address says it: whoever opens it asks the same document, and sees the same passage.
    address = browser.js("return location.hash")
    browser.open("about:blank", ready=False)
    browser.driver.get(f"{plain.url}/{address}")
    browser.until_status("Answered from 1 source")
    text = browser.one("#scope .text")
    assert (text.get_attribute("lang"), text.text.split()) == ("de", GERMAN.split())
    assert sources_read(browser) == {"Montage"}
    browser.one("#scope-clear").click()
    assert not browser.one("#scope").is_displayed()
    assert browser.focused() == "question"
    say(browser, ABOUT_THE_SOCKET)
    browser.until(lambda: len(sources_read(browser)) > 1)


def test_one_page_alone_can_be_asked(browser, plain):
    browser.open(plain.url, passage="mount", only="page", at="0-14")
    browser.until(lambda: browser.one("#scope").is_displayed())
    assert browser.one("#scope-page").is_selected()
    assert "Only page 7" in browser.one("#scope").text
    answers(plain, ANSWER)
    browser.js(
        "const real = window.fetch; window.sent = []; window.fetch = (url, options) => {"
        " window.sent.push(options.body); return real(url, options); }"
    )
    say(browser, ABOUT_THE_SOCKET)
    browser.until_status("passage", "Answered")
    browser.one("#scope-page").click()
    assert browser.text("#status") == "Only this document is asked"
    assert not browser.one("#hits").is_displayed()
    assert browser.js("return location.hash") == "#passage=mount&at=0-14"
    say(browser, ABOUT_THE_SOCKET)
    browser.until(lambda: len(browser.js("return window.sent")) == 2)
    sent = browser.js("return window.sent.map((body) => JSON.parse(body).where)")
    document = {"op": "equals", "key": "document_id", "value": "mount"}
    page = {"op": "equals", "key": "page", "value": 7}
    assert sent == [{"op": "and", "parts": [document, page]}, document]


def test_a_source_of_an_answer_can_be_asked_about(browser, plain):
    answers(plain, "The guarantee on every pump lasts three years from the day of purchase [1].")
    browser.open(plain.url, q=QUESTION, mode="ask")
    browser.until_status("Answered from 1 source")
    browser.one("#source-1 .about").click()
    assert browser.one("#scope").is_displayed()
    assert "warranty (en)" in browser.one("#scope").text
    assert "three years" in browser.one("#scope .text").text
    # What was answered from all documents stands above as said before, not as this one's answer.
    assert not browser.one("#answer").is_displayed()
    assert "The guarantee on every pump" in browser.one("#said").text


def test_what_one_document_does_not_hold_is_said_of_it(browser, plain):
    answers(plain, "I do not know.")
    browser.open(plain.url, q="zzzz qqqq xxxx?", mode="ask", passage="badge")
    browser.until_status("This document does not hold an answer.")
    assert not browser.one("#languages").is_displayed()


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_not_there_is_not_asked_of_all(browser, plain, lost):
    browser.open(plain.url)
    if lost:
        with browser.offline():
            browser.js("location.hash = 'q=pump&passage=mount'")
            browser.until(lambda: "can not be reached" in browser.text("#alert"))
        assert browser.all("#hits article") == []
        browser.one("#alert button").click()
        browser.until_status("passage ·")
        assert browser.one("#scope").is_displayed()
    else:
        browser.js("location.hash = 'q=pump&passage=nowhere'")
        browser.until(lambda: "not in the knowledge base" in browser.text("#alert"))
        assert browser.all("#alert button") == []
        assert browser.all("#hits article") == []


@pytest.mark.parametrize("slow", ["mount", "nowhere"])
def test_a_passage_that_comes_too_late_changes_nothing(browser, plain, slow):
    browser.open(plain.url)
    browser.hold_back(f"/v1/documents/{slow}")
    browser.js(f"location.hash = 'q=first&passage={slow}'")
    browser.until(browser.is_held_back)
    browser.js("location.hash = 'q=badge&passage=badge'")
    browser.until_status("passage ·", "passages ·")
    browser.release()
    assert browser.js("return window.sent.map((body) => body.question)") == ["badge"]
    assert browser.text("#alert") == ""
    assert "Badges" in browser.one("#scope").text
    assert sources_read(browser) == {"Badges"}


def test_a_question_waits_for_the_passage_that_it_goes_to(browser, plain):
    browser.open(plain.url)
    browser.hold_back("/v1/documents/mount")
    browser.js("location.hash = 'passage=mount&only=page&at=0-14'")
    browser.until(browser.is_held_back)
    say(browser, ABOUT_THE_SOCKET)
    assert browser.js("return window.sent") == []
    browser.release()
    browser.until_status("passage ·")
    [body] = browser.js("return window.sent")
    assert body["question"] == ABOUT_THE_SOCKET
    assert body["where"]["parts"][1] == {"op": "equals", "key": "page", "value": 7}


def test_an_address_names_no_language_that_is_none(browser, plain):
    browser.open(plain.url, passage="mount", at="0-14", **{"in": "de, or not"})
    browser.until(lambda: "mount_de.pdf" in browser.one("#scope").text)
    assert "or not" not in browser.one("#scope").text
