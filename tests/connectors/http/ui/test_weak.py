"""Weak evidence is shown as weak: in words and in form, not by colour alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag_engine import KnowledgeBase
from tests.connectors.http.ui.test_answer import answers
from tests.connectors.http.ui.test_page import QUESTION

IMPROBABLE = 0.06
NOTE = "Nothing that was found is likely to answer the question."
ANSWER = "The guarantee on every pump lasts three years from the day of purchase [1]."


@pytest.fixture
def doubtful(monkeypatch):
    """Every passage that is found scores low, and it is improbable that any answers."""
    search, ask = KnowledgeBase.search, KnowledgeBase.ask

    def low(hits):
        return [
            replace(
                hit, score=min(hit.score, 0.06), parts=replace(hit.parts, answerable=IMPROBABLE)
            )
            for hit in hits
        ]

    def ask_low(kb, *question, **how):
        answer = ask(kb, *question, **how)
        return replace(answer, hits=tuple(low(answer.hits)), answerable=IMPROBABLE)

    monkeypatch.setattr(KnowledgeBase, "search", lambda *a, **how: low(search(*a, **how)))
    monkeypatch.setattr(KnowledgeBase, "ask", ask_low)


def test_weak_passages_are_named_so(browser, plain):
    browser.search(plain.url, QUESTION)
    assert NOTE not in browser.text("#status")
    cards = browser.js(
        "return [...document.querySelectorAll('#hits .card')].map((card) =>"
        " [parseFloat(card.querySelector('.score > [aria-hidden]').textContent),"
        "  card.querySelector('.doubt')?.textContent ?? '', getComputedStyle(card).borderStyle])"
    )
    told = {(word, border) for share, word, border in cards if share < 10}
    assert told == {("weak", "dashed")}
    assert {(word, border) for share, word, border in cards if share >= 10} == {("", "solid")}


def test_that_nothing_is_likely_to_answer_is_said_first(browser, plain, doubtful):
    browser.search(plain.url, QUESTION)
    assert browser.text("#status").startswith(NOTE)
    assert len(browser.all("#hits .weak .doubt")) == len(browser.all("#hits .card")) > 0
    browser.picture("weak")
    browser.assert_clean()


def test_where_there_is_no_answer_the_nearest_passages_stand_open(browser, plain):
    answers(plain, "I do not know.")
    browser.open(plain.url, q="zzzz qqqq xxxx?", mode="ask")
    browser.until_status("does not hold an answer")
    assert browser.text("#hits h2") == "The nearest passages"
    assert browser.one("#hits .card").is_displayed()


def test_an_answer_from_weak_evidence_says_so(browser, plain, doubtful):
    answers(plain, ANSWER)
    browser.open(plain.url, q=QUESTION, mode="ask")
    browser.until_status("Answered from 1 source")
    assert "evidence for this answer is weak" in browser.text("#answer .notes")


def test_an_answer_from_good_evidence_says_nothing(browser, plain):
    answers(plain, ANSWER)
    browser.open(plain.url, q=QUESTION, mode="ask")
    browser.until_status("Answered from 1 source")
    assert browser.text("#answer .notes") == ""


@pytest.mark.parametrize(
    ("reply", "trust"),
    [
        ({"hits": []}, "none"),
        ({"hits": [{"score": 0.9}], "supported": False}, "none"),
        ({"hits": [{"score": 0.05}, {"score": 0.02}]}, "weak"),
        ({"hits": [{"score": 0.05}, {"score": 0.1}]}, "good"),
        ({"hits": [{"score": 0.9}], "answerable": 0.05}, "weak"),
        ({"hits": [{"score": 0.05}], "answerable": 0.5}, "good"),
        ({"hits": [{"score": 0.05}], "answerable": None}, "weak"),
        ({"hits": [{"score": 0.9, "parts": {"answerable": 0.05}}]}, "weak"),
    ],
)
def test_a_reply_is_trusted_as_far_as_its_best_evidence(browser, plain, reply, trust):
    browser.open(plain.url)
    found = browser.js("return import('./page/weak.js').then((m) => m.trust(...arguments))", reply)
    assert found == trust


def test_what_an_answer_cites_counts_where_the_service_tells_nothing(browser, plain):
    reply = {
        "supported": True,
        "hits": [{"score": 0.9, "document": "a"}, {"score": 0.05, "document": "b"}],
        "citations": [{"document": "b"}],
    }
    browser.open(plain.url)
    for answerable, trust in ((None, "weak"), (0.5, "good"), (0.05, "weak")):
        found = browser.js(
            "return import('./page/weak.js').then((m) => m.trust(...arguments))",
            {**reply, "answerable": answerable},
        )
        assert found == trust
