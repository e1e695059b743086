"""Hostile texts in every place that text can come from: all of it stays text."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from rag_engine.connectors.http.routes.ui import router
from rag_engine.connectors.http.streams import sse
from tests.connectors.http.service import secret
from tests.connectors.http.ui.hostile import HOSTILE
from tests.waiting import wait_until

TAGS = {
    *("html", "head", "body", "meta", "title", "link", "script", "noscript", "header", "main"),
    *("footer", "search", "section", "article", "div", "span", "p", "h1", "h2", "h3", "h4", "a"),
    *("img", "form", "label", "input", "button", "fieldset", "legend", "details", "summary"),
    *("ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("mark", "b", "bdi", "kbd", "svg", "rect", "select", "option", "strong", "time"),
}


def calm(text: str) -> str:
    """Return a text as the page shows it: what steers a line has given way to what is not seen."""
    return re.sub(
        r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "\u200b", text
    )


def assert_only_text(browser) -> None:
    """The page holds its own elements alone, and its handlers stand in no attribute."""
    found = browser.js(
        "const all = [...document.querySelectorAll('*')];"
        "const named = (name) => all.filter((each) => each.hasAttribute(name));"
        "return {"
        " tags: [...new Set(all.map((each) => each.tagName.toLowerCase()))],"
        " handlers: all.flatMap((each) => each.getAttributeNames()).filter((n) => /^on/i.test(n)),"
        " styled: named('style').length,"
        " links: named('href').map((each) => each.getAttribute('href')),"
        " sources: named('src').map((each) => each.getAttribute('src')),"
        " actions: named('action').length + named('formaction').length + named('srcdoc').length,"
        " scripts: document.scripts.length, frames: window.length }"
    )
    assert set(found["tags"]) - {"title"} <= TAGS
    assert found["handlers"] == []
    assert found["styled"] == found["actions"] == found["frames"] == 0
    assert sorted(found["links"]) == ["#main", "page/icon.svg", "page/style.css"]
    assert sorted(found["sources"]) == ["page/app.js", "page/icon.svg"]
    assert found["scripts"] == 1
    whole = browser.js("return document.documentElement.outerHTML")
    assert calm(whole) == whole
    browser.assert_clean()


def test_there_are_enough():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 40


def test_hostile_documents_are_shown_as_text(browser, keyed):
    from selenium.webdriver.common.keys import Keys

    browser.open(keyed.url, ready=False)
    browser.until(lambda: browser.one("#key-panel").is_displayed())
    browser.one("#key").send_keys(secret("default", "read"), Keys.ENTER)
    browser.until(lambda: not browser.one("#key-panel").is_displayed())
    browser.driver.get_log("browser")  # that the first request had no key
    browser.one("#question").send_keys("Which pump is painted grey?", Keys.ENTER)
    browser.until_status("passages ·")
    seen: set[str] = set()
    for _ in range(20):
        shown = len(browser.all("#hits article"))
        seen |= set(
            browser.js("return [...document.querySelectorAll('h3')].map((h) => h.textContent)")
        )
        if not (more := browser.all(".more")):
            break
        more[0].click()
        browser.until(lambda shown=shown: len(browser.all("#hits article")) > shown)
    browser.js("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    browser.js("document.querySelectorAll('#hits button[aria-expanded]').forEach((b) => b.click())")
    assert {each.strip() for each in seen} == {calm(each).strip() for each in HOSTILE}
    for each in browser.all("#hits article h3 bdi")[:5]:
        each.click()
    assert_only_text(browser)


def test_hostile_questions_stay_text(browser, plain):
    """Each is sent by the form, stands in the address, and is read from it again."""
    browser.open(plain.url, q="?", lang="th")  # few hits: what is found does not matter here
    browser.until_status("1 passage ·")
    for each in HOSTILE:
        browser.js(
            "const [text] = arguments; const field = document.getElementById('question');"
            "field.value = text; document.getElementById('ask-form').requestSubmit();",
            each,
        )
        browser.until(lambda each=each: browser.js(
            "return new URLSearchParams(location.hash.slice(1)).get('q')") == each.strip()
            or browser.js("return new URLSearchParams(location.hash.slice(1)).get('q')") == each
        )  # fmt: skip
        assert calm(each[:20]).strip() in browser.js("return document.title").replace("\u00a0", " ")
    browser.until_status(" · ", "No passage")
    assert_only_text(browser)
    browser.open(plain.url, q=HOSTILE[4], mode=HOSTILE[0], lang=",".join(HOSTILE[:5]))
    browser.until_status("passages ·")
    assert browser.one("#question").get_attribute("value") == HOSTILE[4]
    assert_only_text(browser)


def place(number: int, text: str) -> dict[str, object]:
    return {
        "document": text, "source": f"{text} {number}", "title": text, "language": text,
        "direction": text, "section": [text, text], "page": text,
        "start": -5, "end": 10**9, "text": f"{text} and {text}",
    }  # fmt: skip


def hit(number: int, text: str) -> dict[str, object]:
    parts = {"dense": 0.5, "dense_plain": 0.5, "lexical": 2.0, "matched_terms": [text, "script"],
             "late": None, "rerank": -3.5, "rerank_failure": None,
             "rank_before_rerank": 1, "translations": list(HOSTILE)}  # fmt: skip
    return {
        **place(number, text), "rank": number, "score": 0.5, "metadata": {text: text},
        "parts": parts,
        "twins": [place(number, text)],
    }  # fmt: skip


HITS = [hit(number, text) for number, text in enumerate(HOSTILE, start=1)]
EVIDENCE = [[{"start": -3, "end": 4}, {"start": 2, "end": 10**9}] for _ in HITS]
ANSWER = {
    "question": HOSTILE[0], "language": HOSTILE[4], "direction": HOSTILE[7], "supported": True,
    "answer": "\n".join(f"{text} [{number}]" for number, text in enumerate(HOSTILE, start=1)),
    "generator": HOSTILE[8], "warnings": list(HOSTILE), "hits": HITS, "evidence": EVIDENCE,
    "citations": [{**place(n, text), "number": n} for n, text in enumerate(HOSTILE, start=1)],
    "rewritten": HOSTILE[2], "translations": list(HOSTILE),
}  # fmt: skip


@pytest.fixture(scope="module")
def liar() -> Iterator[str]:
    """A service whose every field is hostile, as if its checks had failed."""
    app = FastAPI()
    app.include_router(router)
    state = {"fail": False}

    @app.get("/v1/knowledge-base")
    def knowledge_base() -> Response:
        languages = [
            {"language": text, "chunks": 1, "share": 1 / len(HOSTILE), "direction": text}
            for text in HOSTILE
        ]
        held = {"documents": HOSTILE[0], "chunks": HOSTILE[1], "languages": languages}
        return JSONResponse(held)

    @app.get("/v1/documents/{name:path}")
    def document(name: str) -> Response:
        spans = [{"start": 0, "end": 99, "section": list(HOSTILE[:3]), "page": HOSTILE[4]}]
        text = {"source": HOSTILE[1], "title": HOSTILE[2], "text": "".join(HOSTILE)}
        return JSONResponse({"id": name, "language_hint": HOSTILE[3], "spans": spans, **text})

    @app.post("/v1/search")
    def search() -> Response:
        if state["fail"]:
            return JSONResponse({"error": {"message": HOSTILE[4], "code": HOSTILE[5]}}, 422)
        state["fail"] = True
        found = {"question": HOSTILE[0], "language": HOSTILE[0], "hits": HITS}
        return JSONResponse({**found, "evidence": EVIDENCE})

    @app.post("/v1/ask")
    def ask() -> Response:
        pieces = [sse({"text": f"{text} "}, "text") for text in HOSTILE]
        return Response(
            b"".join([*pieces, sse(json.dumps(ANSWER), "answer")]), media_type="text/event-stream"
        )

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listening.close()


def test_a_service_that_lies_in_every_field_gets_nothing_run(browser, liar):
    browser.open(liar, q="x")
    browser.until_status("passages ·")
    browser.js("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert len(browser.all("#hits article")) == len(HOSTILE)
    assert len(browser.all("#chips input")) == len(HOSTILE)
    assert_only_text(browser)
    browser.one("#submit").click()
    browser.until(lambda: browser.text("#alert"))
    assert HOSTILE[4] in browser.text("#alert")
    assert browser.js("return window.pwned") is None
    browser.open(liar, q="x", mode="ask")
    browser.until_status("Answered from")
    browser.js("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert len(browser.all(".source-card")) == len(HOSTILE)
    for each in browser.all("button.cite")[:3]:
        each.click()
    assert_only_text(browser)
    browser.one("#question").send_keys(HOSTILE[3])
    browser.one("#submit").click()
    browser.until(lambda: browser.one("#said").is_displayed() and browser.all("#said li"))
    browser.until_status("Answered from")
    assert_only_text(browser)
    browser.one("#source-1 .about").click()
    assert HOSTILE[0] in browser.text("#scope")
    assert_only_text(browser)


def test_a_hostile_link_to_a_passage_stays_text(browser, liar):
    address = {"passage": HOSTILE[0], "at": "0-999", "in": HOSTILE[5], "only": HOSTILE[6]}
    browser.open(liar, **address)
    browser.until(lambda: browser.one("#scope").is_displayed())
    assert HOSTILE[2] in browser.text("#scope .scope-name")
    assert "".join(HOSTILE)[:100] in browser.text("#scope .text")
    assert_only_text(browser)
