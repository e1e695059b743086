"""The bounded pool."""

from __future__ import annotations

import threading
import time

import pytest

from rag_engine.connectors.http.pool import Busy, WorkPool
from tests.waiting import PATIENCE_S, wait_until


def test_what_fits_runs_and_what_does_not_is_refused():
    pool = WorkPool("test", workers=2, queue=1)
    go = threading.Event()
    held = [pool.submit("a", go.wait) for _ in range(3)]
    assert pool.under_way == 3
    with pytest.raises(Busy) as caught:
        pool.submit("a", go.wait)
    assert 1 <= caught.value.retry_after <= 60
    go.set()
    assert [each.result(PATIENCE_S) for each in held] == [True] * 3
    wait_until(lambda: pool.under_way == 0)
    assert pool.submit("a", lambda: 7).result(PATIENCE_S) == 7
    pool.close()
    with pytest.raises(RuntimeError):
        pool.submit("a", lambda: 7)
    assert pool.under_way == 0


def test_work_that_fails_gives_its_place_back():
    pool = WorkPool("test", workers=1, queue=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            pool.submit("a", lambda: 1 / 0).result(PATIENCE_S)
        wait_until(lambda: pool.under_way == 0)
    pool.close()


def test_of_several_tenants_none_holds_more_than_half():
    pool = WorkPool("test", workers=1, queue=5, shared=True)
    go = threading.Event()
    for _ in range(3):
        pool.submit("a", go.wait)
    with pytest.raises(Busy):
        pool.submit("a", go.wait)
    for _ in range(3):
        pool.submit("b", go.wait)
    with pytest.raises(Busy):
        pool.submit("c", go.wait)
    go.set()
    pool.close()


def test_the_wait_grows_with_how_long_work_takes():
    pool = WorkPool("test", workers=1, queue=9)
    for _ in range(10):
        pool.submit("a", lambda: time.sleep(0.03)).result(PATIENCE_S)
    quick = pool._mean_s
    for _ in range(3):
        pool.submit("a", lambda: time.sleep(0.3)).result(PATIENCE_S)
    assert pool._mean_s > quick
    pool.close()
