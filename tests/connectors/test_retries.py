"""Which failures are tried again, how often, and after how long."""

from __future__ import annotations

import logging

import pytest

from rag_engine.connectors.retries import Retries
from rag_engine.errors import (
    ServiceError,
    ServiceMalformed,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
)

RETRIES = Retries(max_retries=3, backoff_s=0.5)


@pytest.fixture
def waits(monkeypatch):
    """The seconds that are slept, without sleeping."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


def failing(error: BaseException, times: int):
    """Return what fails so often, then succeeds; and the list of its calls."""
    calls: list[int] = []

    def once() -> str:
        calls.append(len(calls))
        if len(calls) <= times:
            raise error
        return "done"

    return once, calls


def test_waits_grow_and_end_with_the_tries(waits, caplog):
    once, calls = failing(ServiceUnreachable("no way to the host"), 3)
    with caplog.at_level(logging.INFO):
        assert RETRIES.run(once) == "done"
    assert len(calls) == 4
    assert [0.25 <= wait <= most for wait, most in zip(waits, (0.5, 1, 2), strict=True)] == [
        True
    ] * 3
    assert caplog.text.count("no way to the host") == 3
    error = ServiceUnreachable("never")
    once, calls = failing(error, 9)
    with pytest.raises(ServiceUnreachable) as caught:
        RETRIES.run(once)
    assert caught.value is error
    assert len(calls) == 4


@pytest.mark.parametrize(
    "error",
    [
        ServiceTimeout("slow"),
        ServiceMalformed("odd"),
        ServiceRefused("no", status=400),
        ServiceRefused("later", status=429, retry_after=31.0),
        ServiceError("some other"),
        ValueError("a mistake of ours"),
        KeyboardInterrupt(),
    ],
)
def test_what_another_try_can_not_mend_is_raised_at_once(waits, error):
    once, calls = failing(error, 1)
    with pytest.raises(type(error)) as caught:
        RETRIES.run(once)
    assert caught.value is error
    assert (len(calls), waits) == (1, [])


@pytest.mark.parametrize("asked_for", [None, 0.0, 7.0, 30.0])
def test_a_server_is_given_the_time_that_it_asks_for(waits, asked_for):
    once, _ = failing(ServiceRefused("busy", status=503, retry_after=asked_for), 1)
    assert RETRIES.run(once) == "done"
    assert 0.25 <= waits[0] - (asked_for or 0.0) <= 0.5


def test_without_tries_there_is_one_and_without_backoff_no_wait(waits):
    once, calls = failing(ServiceUnreachable("no"), 1)
    with pytest.raises(ServiceUnreachable):
        Retries(max_retries=0, backoff_s=0.5).run(once)
    assert len(calls) == 1
    assert (
        Retries(max_retries=1, backoff_s=0).run(failing(ServiceUnreachable("no"), 1)[0]) == "done"
    )
    assert waits == [0]
