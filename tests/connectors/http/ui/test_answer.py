"""Answers in a real browser: as they come, their citations, and what stops them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.connectors.scripted_server import chunk, refusal, stream
from tests.waiting import wait_until

QUESTION = "How long does the guarantee on a pump last?"
IN_ARABIC = "من يوقع تصريح دخول الخزان؟"
FIRST = "The guarantee on every pump that the factory builds, and on whatever is sold with it, "
"""Long enough for its language to be told: what is shorter is held back."""
REST = "years from the day of purchase [1]."


@contextmanager
def half_written(running) -> Iterator[threading.Event]:
    """Let the model write half an answer and wait for the event before the rest."""
    go_on = threading.Event()
    running.model.script = [
        stream(
            chunk(FIRST),
            chunk("lasts [1] three "),
            lambda: go_on.wait(300),
            *(chunk(word + " ") for word in REST.split(" ")),
            chunk(None, "stop"),
            "[DONE]",
        )
    ]
    try:
        yield go_on
    finally:
        go_on.set()


def answers(running, *pieces: str) -> None:
    running.model.script = [
        stream(*(chunk(each) for each in pieces), chunk(None, "stop"), "[DONE]")
    ]


def ask(browser, running, question=QUESTION):
    browser.open(running.url, q=question, mode="ask")


def test_an_answer_is_shown_while_it_is_written(browser, plain):
    with half_written(plain) as go_on:
        ask(browser, plain)
        browser.until_status("Writing the answer")
        browser.until(lambda: "lasts 1 three" in browser.text("#answer .written"))
        assert browser.one("#stop").is_displayed()
        assert browser.one("#answer .written").get_attribute("aria-busy") == "true"
        assert browser.all("#answer button.cite") == []  # not checked yet
        assert browser.all("#hits article") == []
        browser.picture("answer-running")
        go_on.set()
        browser.until_status("Answered from 1 source")
    assert not browser.one("#stop").is_displayed()
    assert browser.one("#answer .written").get_attribute("aria-busy") == "false"
    assert (
        browser.text("#answer .written")
        == f"{FIRST}lasts 1 three years from the day of purchase 1."
    )
    assert len(browser.all("#answer button.cite")) == 2
    assert len(browser.all("#hits article")) > 1
    browser.assert_clean()


def test_a_citation_leads_to_its_source_and_back(browser, plain):
    from selenium.webdriver.common.keys import Keys

    answers(plain, FIRST, "lasts three years [1]. ", "The seal is replaced every autumn [2].")
    ask(browser, plain)
    browser.until_status("Answered from 2 sources")
    [first, second] = browser.all("#answer button.cite")
    assert first.accessible_name == "Source 1: warranty (en)"
    second.click()
    assert browser.focused() == "source-2"
    source = browser.one("#source-2")
    assert browser.js(
        "const box = arguments[0].getBoundingClientRect();"
        "return box.top >= 0 && box.top < innerHeight",
        source,
    )
    browser.picture("answer-cited")
    browser.press(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Back to the answer"
    browser.press(Keys.ENTER)
    assert browser.driver.switch_to.active_element == second
    first.send_keys(Keys.ENTER)
    assert browser.focused() == "source-1"
    assert browser.one("#source-1").accessible_name == "Source 1: warranty (en)"
    browser.assert_clean()


def test_an_answer_in_arabic_is_right_to_left(browser, plain):
    answers(plain, "يوقع التصريح مشرف الموقع [1]، ورقمه X-200.")
    ask(browser, plain, IN_ARABIC)
    browser.until_status("Answered from 1 source")
    line = browser.one("#answer .written p")
    assert line.value_of_css_property("direction") == "rtl"
    assert browser.one("#answer .written").get_attribute("lang") == "ar"
    text = browser.one("#source-1 .text")
    assert (text.get_attribute("lang"), text.get_attribute("dir")) == ("ar", "rtl")
    browser.picture("answer-arabic")
    browser.assert_clean()


def test_a_quotation_is_in_the_language_of_its_source(browser, plain):
    answers(
        plain, "In short:\n", "“لا يدخل أحد إلى الخزان من دون تصريح مكتوب يوقعه مشرف الموقع.” [1]\n"
    )
    ask(browser, plain, "Who signs the permit to enter the tank? الخزان تصريح")
    browser.until_status("Answered from 1 source")
    [said, quoted] = browser.all("#answer .written p")
    assert said.value_of_css_property("direction") == "ltr"
    assert quoted.get_attribute("lang") == "ar"
    assert quoted.value_of_css_property("direction") == "rtl"
    assert (
        browser.text("#source-1 mark")
        == "لا يدخل أحد إلى الخزان من دون تصريح مكتوب يوقعه مشرف الموقع."
    )


@pytest.mark.parametrize("way", ["button", "escape"])
def test_a_running_answer_can_be_stopped(browser, plain, way):
    from selenium.webdriver.common.keys import Keys

    with half_written(plain) as go_on:
        ask(browser, plain)
        browser.until(lambda: "three" in browser.text("#answer .written"))
        if way == "button":
            browser.one("#stop").click()
        else:
            browser.press(Keys.ESCAPE)
        assert browser.text("#status") == "Stopped."
        assert browser.focused() == "question"
        assert not browser.one("#stop").is_displayed()
        go_on.set()
        until_idle(plain)
        assert browser.text("#answer .written") == f"{FIRST}lasts 1 three"
        assert "citations were not checked" in browser.text("#answer .notes")
        assert browser.all("#answer .running") == []
    browser.assert_clean()


def until_idle(running):
    """The service notices that nobody reads, and its worker is free again."""
    wait_until(lambda: not running.service.answering.under_way)


def test_a_new_question_takes_the_place_of_a_running_answer(browser, plain):
    with half_written(plain) as go_on:
        ask(browser, plain)
        browser.until(lambda: "three" in browser.text("#answer .written"))
        browser.js("document.querySelector('input[value=search]').click()")
        browser.one("#submit").click()
        browser.until_status("passages ·")
        go_on.set()
        until_idle(plain)
        assert not browser.one("#answer").is_displayed()
        assert "passages ·" in browser.text("#status")
    browser.assert_clean()


def test_an_answer_that_is_not_there_is_said(browser, plain):
    answers(plain, "I do not know.")
    ask(browser, plain, "zzzz qqqq xxxx?")
    browser.until_status("does not hold an answer")
    assert browser.all("#answer button.cite") == []
    browser.assert_clean()


def test_a_model_that_fails_is_said_in_words(browser, plain):
    plain.model.script = [refusal(400, "no such model")]
    ask(browser, plain)
    browser.until(lambda: browser.text("#alert"))
    assert browser.one("#alert button").is_displayed()
    assert not browser.one("#stop").is_displayed()
    browser.assert_clean(network=False)


def test_an_answer_that_breaks_off_says_so(browser, plain):
    go_on = threading.Event()
    plain.model.script = [
        stream(chunk(FIRST), chunk("lasts [1] three "), lambda: go_on.wait(300), cut=True)
    ]
    ask(browser, plain)
    browser.until(lambda: "three" in browser.text("#answer .written"))
    go_on.set()
    browser.until(lambda: browser.text("#alert"))
    assert "broke off" in browser.text("#answer .notes")
    assert browser.one("#answer .written").get_attribute("aria-busy") == "false"
    browser.assert_clean(network=False)
