"""The bounded pool."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from rag_engine.cancellation import Cancelled, current_cancellation
from rag_engine.connectors.http import pool as pool_module
from rag_engine.connectors.http.pool import Busy, WorkPool
from rag_engine.connectors.http.stopping import ServiceStopping
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
    with pytest.raises(ServiceStopping):
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


@pytest.fixture
def held_up():
    """Keep every worker of a pool until the event that is returned is set, or the test ends."""
    events: list[threading.Event] = []

    def hold_all(pool: WorkPool, tenant: str = "a") -> threading.Event:
        go, begun = threading.Event(), threading.Semaphore(0)
        events.append(go)

        def hold():
            begun.release()
            go.wait(PATIENCE_S)

        for _ in range(pool.workers):
            pool.submit(tenant, hold)
        for _ in range(pool.workers):
            assert begun.acquire(timeout=PATIENCE_S)
        return go

    yield hold_all
    for go in events:
        go.set()


def test_the_wait_is_foreseen_from_what_was_measured(held_up, monkeypatch):
    pool = WorkPool("test", workers=1, queue=99, wait_s=1e6)
    for kind, seconds in (("quick", 0.01), ("slow", 0.1)):
        for _ in range(10):
            pool.submit("a", lambda s=seconds: time.sleep(s), kind=kind).result(PATIENCE_S)
    go = held_up(pool)
    now = time.monotonic()  # stands still, since what runs is expected to end as time goes by
    monkeypatch.setattr(pool_module, "time", SimpleNamespace(monotonic=lambda: now))
    waits = [pool.expected_wait("a")]
    for kind in ("quick", "slow"):
        for _ in range(5):
            pool.submit("a", lambda: None, kind=kind)
        waits.append(pool.expected_wait("a"))
    go.set()
    assert waits[2] - waits[1] >= 0.5  # five slow ones, each at least so slow
    assert waits[1] - waits[0] >= 0.05
    pool.close()


def test_who_would_wait_too_long_is_refused_and_never_run(held_up):
    pool = WorkPool("test", workers=1, queue=99, wait_s=1.0)
    reasons: list[str] = []
    pool.on_refusal = reasons.append
    for _ in range(8):
        pool.submit("a", lambda: time.sleep(0.1)).result(PATIENCE_S)
    go = held_up(pool)
    done: list[int] = []
    refused: list[Busy] = []
    for number in range(30):
        try:
            pool.submit("a", lambda n=number: done.append(n))
        except Busy as busy:
            refused.append(busy)
    assert {(busy.reason, busy.over_share) for busy in refused} == {("wait", True)}
    assert all(1 <= busy.retry_after <= 60 for busy in refused)
    taken = 30 - len(refused)
    assert taken <= 7  # three quarters of a second, at a tenth each
    with pytest.raises(Busy):
        pool.check("a", "work")
    assert set(reasons) == {"wait"}
    assert len(reasons) == 30 - taken + 1
    go.set()
    wait_until(lambda: pool.under_way == 0)
    assert len(done) <= taken
    pool.close()


def test_who_waited_past_the_deadline_is_dropped_and_never_run(held_up):
    pool = WorkPool("test", workers=1, queue=9, wait_s=1e6)
    reasons: list[str] = []
    pool.on_refusal = reasons.append
    go = held_up(pool)
    run: list[str] = []
    late, dropped = (
        pool.submit("b", lambda name=name: run.append(name)) for name in ("late", "dropped")
    )
    pool.give_up(dropped)
    with pytest.raises(Busy) as caught:
        dropped.result(PATIENCE_S)
    assert caught.value.reason == "late"
    assert pool.waiting == 1
    assert late.deadline > time.monotonic()
    late.deadline = time.monotonic() - 1  # as if so much time had passed
    go.set()
    with pytest.raises(Busy) as caught:
        late.result(PATIENCE_S)
    assert caught.value.reason == "late"
    assert reasons == ["late", "late"]
    wait_until(lambda: pool.under_way == 0)
    pool.close()
    assert not run


def test_what_is_cancelled_while_it_waits_is_not_run_and_leaves_its_place(held_up):
    pool = WorkPool("test", workers=1, queue=1, wait_s=1e6)
    go = held_up(pool)
    run: list[int] = []
    first = pool.submit("a", lambda: run.append(1))
    with pytest.raises(Busy):
        pool.submit("a", lambda: run.append(2))
    assert first.cancel()
    assert pool.waiting == 0
    pool.submit("a", lambda: run.append(3))
    go.set()
    wait_until(lambda: pool.under_way == 0)
    assert run == [3]
    pool.close()


def test_each_tenant_gets_its_turn_whatever_another_has_put_in(held_up):
    pool = WorkPool("test", workers=1, queue=99, wait_s=1e6)
    go = held_up(pool, "flood")
    order: list[str] = []
    for tenant, count in (("flood", 20), ("b", 3), ("c", 3)):
        for _ in range(count):
            pool.submit(tenant, lambda t=tenant: order.append(t))
    assert pool.expected_wait("d") < pool.expected_wait("b") < pool.expected_wait("flood")
    go.set()
    wait_until(lambda: pool.under_way == 0)
    assert len(order) == 26
    for tenant in ("b", "c"):  # its n-th comes when no other has had more than n + 1
        for count, at in enumerate([n for n, each in enumerate(order) if each == tenant], 1):
            assert max(order[:at].count(each) for each in ("flood", "b", "c")) <= count + 1
    pool.close()


def test_a_tenant_within_its_share_is_told_that_the_service_is_overloaded(held_up):
    pool = WorkPool("test", workers=1, queue=3, shared=True, wait_s=1e6)
    go = held_up(pool, "a")
    pool.submit("a", lambda: None)
    for _ in range(2):
        pool.submit("b", lambda: None)
    for tenant, over_share in (("a", True), ("b", True), ("c", False)):
        with pytest.raises(Busy) as caught:
            pool.submit(tenant, lambda: None)
        assert (caught.value.reason, caught.value.over_share) == ("queue", over_share)
    go.set()
    pool.close()


def test_an_estimate_that_is_too_high_does_not_shut_the_service(held_up):
    pool = WorkPool("test", workers=1, queue=9, wait_s=1e3)
    pool._times.observe("work", units=1.0, seconds=1e5)
    go = held_up(pool)
    with pytest.raises(Busy):
        pool.submit("a", lambda: 7)
    go.set()
    for _ in range(3):  # nobody is ahead
        wait_until(lambda: pool.under_way == 0)
        assert pool.submit("a", lambda: 7).result(PATIENCE_S) == 7
    pool.close()


def test_how_long_one_may_wait_follows_what_is_measured():
    pool = WorkPool("test", workers=1, queue=9)
    assert pool.patience("search") == 1.0
    for _ in range(10):
        pool.submit("a", lambda: time.sleep(0.1), kind="search").result(PATIENCE_S)
    assert 0.6 <= pool.patience("search") <= 30
    fixed = WorkPool("test", workers=1, queue=9, wait_s=5.0)
    assert fixed.patience("search") == 5.0
    pool.close()
    fixed.close()


@pytest.mark.parametrize(("workers", "times"), [(1, 6.0), (2, 4.0), (4, 3.0), (16, 2.25)])
def test_the_fewer_workers_the_longer_may_a_burst_wait(workers, times):
    pool = WorkPool("test", workers=workers, queue=9)
    for _ in range(10):
        pool._times.observe("search", units=1.0, seconds=0.5)
    assert pool.patience("search") == pytest.approx(times * 0.5)
    pool.close()


def test_work_that_nobody_waits_for_ends_at_its_next_step():
    pool = WorkPool("test", workers=1, queue=9, wait_s=1e6)
    begun = threading.Event()

    def search():
        begun.set()
        current_cancellation().sleep(PATIENCE_S)

    running, waiting = pool.submit("a", search), pool.submit("a", lambda: 7)
    assert begun.wait(PATIENCE_S)
    waiting.stop()
    running.stop()
    pool.close()
    assert waiting.cancelled()
    assert isinstance(running.exception(), Cancelled)
    assert pool._times.slowest("work") is None


def test_a_stop_drops_what_waits_and_lets_what_runs_end():
    pool = WorkPool("test", workers=1, queue=9, wait_s=1e6)
    go, ended = threading.Event(), []

    def hold():
        go.wait(PATIENCE_S)
        ended.append(True)

    pool.submit("a", hold)
    waiting = pool.submit("a", lambda: ended.append(False))
    closing = threading.Thread(target=pool.close)
    closing.start()
    with pytest.raises(ServiceStopping):
        waiting.result(PATIENCE_S)
    go.set()
    closing.join(PATIENCE_S)
    assert ended == [True]
