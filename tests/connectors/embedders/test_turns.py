from __future__ import annotations

import threading

import pytest

from rag_engine.connectors.embedders.turns import Turns
from tests.waiting import wait_until


def _waiter(turns, said, number):
    def work():
        with turns.turn():
            said.append(number)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_whoever_came_first_is_next():
    turns, said = Turns(), []
    with turns.turn():
        threads = []
        for number in range(6):
            threads.append(_waiter(turns, said, number))
            wait_until(lambda: len(turns._waiting) == len(threads), "for it to wait")
    for thread in threads:
        thread.join()
    assert said == list(range(6))


def test_who_has_it_and_asks_again_stands_behind_those_who_wait():
    turns, said = Turns(), []
    with turns.turn():
        thread = _waiter(turns, said, "the other")
        wait_until(lambda: turns._waiting, "for it to wait")
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


def _interrupted(monkeypatch, before):
    """Wait for a turn, and be interrupted when ``before`` has been called."""
    real = threading.Lock

    class Interrupted:
        def __init__(self):
            self._lock, self._times = real(), 0

        def acquire(self):
            self._times += 1
            if self._times == 2:  # the first one only shuts it
                before()
                raise KeyboardInterrupt
            return self._lock.acquire()

        def release(self):
            self._lock.release()

    monkeypatch.setattr("rag_engine.connectors.embedders.turns.threading.Lock", Interrupted)


def test_who_is_interrupted_while_waiting_is_waited_for_by_nobody(monkeypatch):
    turns = Turns()
    with turns.turn():
        _interrupted(monkeypatch, lambda: None)
        with pytest.raises(KeyboardInterrupt), turns.turn():
            raise AssertionError("it was not its turn")
        monkeypatch.undo()
        assert not turns._waiting
    with turns.turn():
        pass


def test_who_is_interrupted_when_called_passes_the_turn_on(monkeypatch):
    turns = Turns()
    first = turns.turn()
    first.__enter__()
    _interrupted(monkeypatch, lambda: first.__exit__(None, None, None))
    with pytest.raises(KeyboardInterrupt), turns.turn():
        raise AssertionError("it had gone")
    monkeypatch.undo()
    with turns.turn():
        pass
