from __future__ import annotations

import threading
import time

import pytest

from rag_engine.connectors.embedders import turns as module
from rag_engine.connectors.embedders.turns import Turns
from tests.waiting import wait_until


def _waiter(turns, said, word):
    def work():
        with turns.turn():
            said.append(word)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_whoever_came_first_is_next():
    turns, said = Turns(), []
    with turns.turn():
        threads = []
        for number in range(6):
            threads.append(_waiter(turns, said, number))
            wait_until(lambda: len(turns._line) == len(threads) + 1, "for it to wait")
    for thread in threads:
        thread.join()
    assert said == list(range(6))
    assert not turns._line


def test_who_has_it_and_asks_again_stands_behind_those_who_wait():
    turns, said = Turns(), []
    with turns.turn():
        thread = _waiter(turns, said, "the other")
        wait_until(lambda: len(turns._line) == 2, "for it to wait")
    with turns.turn():
        said.append("again")
    thread.join()
    assert said == ["the other", "again"]


def test_an_error_passes_the_turn_on():
    turns = Turns()
    with pytest.raises(ValueError, match="no"), turns.turn():
        raise ValueError("no")
    with turns.turn():
        pass


def test_who_left_without_a_word_holds_up_nobody_for_good(monkeypatch):
    # As Ctrl-C makes one leave, where it comes between two steps.
    monkeypatch.setattr(module, "_LOST_S", 0.2)
    turns, said = Turns(), []
    turns._line.append(threading.Lock())
    threads = [_waiter(turns, said, number) for number in range(3)]
    for thread in threads:
        thread.join()
    assert sorted(said) == [0, 1, 2]
    assert not turns._line
    began = time.monotonic()
    with turns.turn():
        assert time.monotonic() - began < 0.2


def test_who_was_passed_may_go_on_and_leave(monkeypatch):
    monkeypatch.setattr(module, "_LOST_S", 0.2)
    turns, said = Turns(), []
    with turns.turn():  # longer than others wait
        threads = [_waiter(turns, said, number) for number in range(3)]
        for thread in threads:
            thread.join()
    assert sorted(said) == [0, 1, 2]
    assert not turns._line


def test_many_threads_with_many_turns_lose_none():
    turns, lock, counted = Turns(), threading.Lock(), [0]

    def work():
        for _ in range(200):
            with turns.turn(), lock:
                seen = counted[0]
                time.sleep(0)
                counted[0] = seen + 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [1_600]
    assert not turns._line
