"""What goes wrong is said in words, and a key stays where it belongs."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager, suppress

from rag_engine import KnowledgeBase
from rag_engine.connectors.http.pool import Busy
from rag_engine.connectors.http.stopping import ServiceStopping
from tests.connectors.http.service import secret

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
    browser.until_status("passages in")
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
