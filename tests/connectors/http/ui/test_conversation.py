"""A conversation on the page, in a real browser: what is kept, sent along, shown and forgotten."""

from __future__ import annotations

from tests.connectors.http.ui.test_answer import QUESTION, answers, ask
from tests.connectors.scripted_server import chunk, stream

ANSWER = "The guarantee on every pump that the factory builds lasts three years from that day [1]."
FOLLOW_UP = "And who keeps the receipt?"
REWRITTEN = "Who keeps the receipt for the guarantee on a pump?"


def say(browser, question):
    """Ask the next question, as a reader does."""
    from selenium.webdriver.common.keys import Keys

    field = browser.one("#question")
    field.clear()
    field.send_keys(question, Keys.ENTER)


def replies(running, *texts: str) -> None:
    """Let the model give one reply after the other."""
    running.model.requests.clear()
    running.model.script = [stream(chunk(text), chunk(None, "stop"), "[DONE]") for text in texts]


def prompts(running) -> list[str]:
    return [request.body["messages"][1]["content"] for request in running.model.requests]


def test_the_next_question_is_understood_by_the_one_before(browser, plain):
    answers(plain, ANSWER)
    ask(browser, plain)
    browser.until_status("Answered from 1 source")
    assert browser.all("#said li") == []
    assert browser.one("#new-conversation").is_displayed()
    replies(plain, REWRITTEN, ANSWER)
    say(browser, FOLLOW_UP)
    browser.until(lambda: REWRITTEN in browser.text("#answer .notes"))
    browser.until_status("Answered from 1 source")
    [rewriting, answering] = prompts(plain)
    assert f"User: {QUESTION}" in rewriting
    assert "Assistant: The guarantee on every pump" in rewriting
    assert REWRITTEN in answering
    said = browser.text("#said")
    assert QUESTION in said
    assert "The guarantee on every pump" in said
    assert FOLLOW_UP not in said
    browser.picture("conversation")
    browser.assert_clean()


def test_a_new_conversation_forgets_the_one_before(browser, plain):
    answers(plain, ANSWER)
    ask(browser, plain)
    browser.until_status("Answered from 1 source")
    browser.one("#new-conversation").click()
    assert not browser.one("#said").is_displayed()
    assert not browser.one("#answer").is_displayed()
    assert browser.focused() == "question"
    replies(plain, ANSWER)
    say(browser, QUESTION)
    browser.until_status("Answered from 1 source")
    assert len(plain.model.requests) == 1  # nothing was to be written anew
    browser.assert_clean()


def test_the_same_question_again_is_no_follow_up_of_itself(browser, plain):
    answers(plain, ANSWER)
    ask(browser, plain)
    browser.until_status("Answered from 1 source")
    replies(plain, ANSWER)
    say(browser, QUESTION)
    browser.until(lambda: len(plain.model.requests) == 1)
    browser.until_status("Answered from 1 source")
    assert browser.all("#said li") == []


def test_passages_are_searched_without_it(browser, plain):
    answers(plain, ANSWER)
    ask(browser, plain)
    browser.until_status("Answered from 1 source")
    browser.one("input[name=mode][value=search]").click()
    say(browser, QUESTION)
    browser.until(lambda: not browser.one("#said").is_displayed())
    browser.assert_clean()
