"""What goes wrong is said in words, and a key stays where it belongs."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager, suppress

from rag_engine import KnowledgeBase
from rag_engine.connectors.http.pool import Busy
from rag_engine.connectors.http.stopping import ServiceStopping
from tests.connectors.http.service import secret
from tests.connectors.http.ui.test_answer import answers
from tests.connectors.http.ui.test_conversation import replies, say

QUESTION = "How long does the guarantee last?"


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
            with suppress(Busy):  # it waited for too long
                each.result(300)


def test_a_busy_service_says_when_to_come_again(browser, plain):
    browser.open(plain.url)
    browser.one("#question").send_keys(QUESTION)
    with occupied(plain.service.searching):
        browser.one("#submit").click()
        browser.until(lambda: "busy" in browser.text("#alert"))
        assert re.search(r"Try again in \d+ seconds?\.", browser.text("#alert"))
    browser.one("#alert button").click()
    browser.until_status("passages ·")
    assert browser.text("#alert") == ""
    browser.assert_clean(network=False)


def test_an_answer_that_is_given_up_at_a_stop_says_so(browser, plain, monkeypatch):
    def give_up(*_, on_text, **__):
        on_text("The guarantee lasts three years, and then it ends. [1] ")
        raise ServiceStopping

    monkeypatch.setattr(KnowledgeBase, "ask", give_up)
    browser.open(plain.url, q=QUESTION, mode="ask")
    browser.until(lambda: browser.text("#alert"))
    assert browser.text("#alert").startswith("The service is being stopped.")


def test_a_service_that_is_gone_is_said_in_words(browser, plain):
    browser.open(plain.url)
    with browser.offline():
        browser.one("#question").send_keys(QUESTION)
        browser.one("#submit").click()
        browser.until(lambda: "can not be reached" in browser.text("#alert"))
    browser.one("#alert button").click()
    browser.until_status("passages ·")


def test_a_lost_network_is_told_in_the_reader_s_language_and_loses_nothing(browser, plain):
    follow_up = "Und wer bewahrt den Beleg auf?"
    with browser.reader_of("de"):
        answers(plain, "Die Garantie auf jede Pumpe dauert drei Jahre ab dem Tag des Kaufs [1].")
        browser.open(plain.url, q="Wie lange dauert die Garantie?", mode="ask")
        browser.until_status("Aus 1 Quelle beantwortet")
        with browser.offline():
            say(browser, follow_up)
            browser.until(lambda: browser.text("#alert"))
            assert browser.text("#alert p") == (
                "Der Dienst ist nicht zu erreichen. Läuft er, und sind Sie verbunden?"
            )
        assert browser.one("#question").get_attribute("value") == follow_up
        assert "drei Jahre" in browser.text("#said")
        rewritten = "Wer bewahrt den Beleg für die Garantie auf die Pumpe auf?"
        replies(plain, rewritten, "Wer die Pumpe kauft, bewahrt den Beleg drei Jahre lang auf [1].")
        browser.one("#alert button").click()
        browser.until(lambda: "bewahrt den Beleg drei Jahre" in browser.text("#answer .written"))
        assert "drei Jahre ab dem Tag" in plain.model.requests[0].body["messages"][1]["content"]
        assert browser.text("#alert") == ""


def test_a_busy_service_counts_seconds_as_the_language_does(browser, plain, monkeypatch):
    def busy(*_, **__):
        raise Busy(wait[0], reason="queue", over_share=True)

    wait = [1]
    monkeypatch.setattr(KnowledgeBase, "search", busy)
    with browser.reader_of("pl"):
        browser.open(plain.url, q=QUESTION)
        for wait[0], told in ((1, "za 1 sekundę."), (3, "za 3 sekundy."), (7, "za 7 sekund.")):
            browser.one("#submit").click()
            browser.until(lambda told=told: told in browser.text("#alert"))
            assert browser.one("#question").get_attribute("value") == QUESTION


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
    browser.until_status("passages ·")
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
    browser.until_status("passages ·")
    browser.driver.refresh()
    browser.until_status("passages ·")
    browser.one("#key-toggle").click()
    browser.one("#key-forget").click()
    browser.until(lambda: "wants a key" in browser.text("#key-title"))
    assert browser.js("return sessionStorage.length") == 0
    browser.one("#key").send_keys(secret("default", "metrics"), Keys.ENTER)
    browser.until(lambda: "may not read" in browser.text("#key-title"))
    browser.assert_clean(network=False)
