from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext

import pytest

from rag_engine.cancellation import Cancellation, Cancelled
from rag_engine.connectors.embedders import gathered as module
from rag_engine.connectors.embedders.gathered import MOST_TEXTS, Gathered
from tests.waiting import wait_until


class _Model:
    """Computes once it is let; notes what it computed in one go."""

    def __init__(self):
        self.calls = []
        self.free = threading.Event()

    @contextmanager
    def turn(self):
        assert self.free.wait(10)
        yield

    def compute(self, texts):
        self.calls.append(list(texts))
        if "bad" in texts:
            raise ValueError("bad is bad")
        return [text.upper() for text in texts]


def _ask(gathered, model, texts, said, kind="k", stop=None):
    def work():
        try:
            said[tuple(texts)] = gathered.results(kind, texts, model.compute)
        except BaseException as error:
            said[tuple(texts)] = error

    known = len(gathered._waiting)
    thread = threading.Thread(target=work if stop is None else stop.bound(work))
    thread.start()
    wait_until(lambda: len(gathered._waiting) == known + 1, "for it to wait")
    return thread


def _all(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_who_waits_together_is_computed_together():
    model, said = _Model(), {}
    gathered = Gathered(model.turn)
    threads = [_ask(gathered, model, [f"a{n}", f"b{n}"], said) for n in range(5)]
    model.free.set()
    _all(threads)
    assert said == {(f"a{n}", f"b{n}"): [f"A{n}", f"B{n}"] for n in range(5)}
    assert model.calls == [[f"{letter}{n}" for n in range(5) for letter in "ab"]]
    assert (gathered._waiting, gathered._leader) == ([], None)


def test_nobody_waits_where_nobody_else_asks():
    model = _Model()
    model.free.set()
    gathered = Gathered(model.turn)
    for text in ("a", "b"):
        assert gathered.results("k", [text], model.compute) == [text.upper()]
    assert model.calls == [["a"], ["b"]]


def test_kinds_are_computed_apart_and_in_their_order():
    model, said = _Model(), {}
    gathered = Gathered(model.turn)
    asked = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "z")]
    threads = [_ask(gathered, model, [text], said, kind) for text, kind in asked]
    model.free.set()
    _all(threads)
    assert model.calls == [["a", "c"], ["b"], ["d"]]
    assert said == {(text,): [text.upper()] for text, _ in asked}


def test_not_more_than_so_many_texts_at_a_time():
    model, said = _Model(), {}
    gathered = Gathered(model.turn)
    threads = [_ask(gathered, model, [f"{n}.{m}" for m in range(10)], said) for n in range(5)]
    model.free.set()
    _all(threads)
    assert [len(call) for call in model.calls] == [30, 20]
    assert max(map(len, model.calls)) <= MOST_TEXTS
    assert len(said) == 5


def test_the_error_of_one_is_that_ones_alone():
    model, said = _Model(), {}
    gathered = Gathered(model.turn)
    threads = [_ask(gathered, model, [text], said) for text in ("a", "bad", "c")]
    model.free.set()
    _all(threads)
    assert said.pop(("bad",)).args == ("bad is bad",)
    assert said == {("a",): ["A"], ("c",): ["C"]}
    assert model.calls == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]


@pytest.mark.parametrize("cancelled", ["b", "c"])
def test_who_is_not_waited_for_any_more_leaves_and_the_others_go_on(cancelled):
    model, said = _Model(), {}
    gathered, stop = Gathered(model.turn), Cancellation()
    threads = [
        _ask(gathered, model, [text], said, stop=stop if text == cancelled else None)
        for text in "abc"
    ]
    stop.cancel()
    wait_until(lambda: (cancelled,) in said, "for it to leave")
    assert isinstance(said.pop((cancelled,)), Cancelled)
    model.free.set()
    _all(threads)
    left = [text for text in "abc" if text != cancelled]
    assert said == {(text,): [text.upper()] for text in left}
    assert model.calls == [left]


def test_an_interrupt_while_it_computes_for_others_is_not_theirs():
    model, said, first = _Model(), {}, [True]

    def compute(texts):
        if first:
            first.clear()
            raise KeyboardInterrupt
        return model.compute(texts)

    gathered = Gathered(model.turn)
    interrupted = _Model()
    interrupted.compute = compute
    threads = [_ask(gathered, interrupted, [text], said) for text in "abc"]
    model.free.set()
    _all(threads)
    assert isinstance(said.pop(("a",)), KeyboardInterrupt)
    assert said == {("b",): ["B"], ("c",): ["C"]}
    assert (gathered._waiting, gathered._leader) == ([], None)


def test_who_left_without_a_word_holds_up_nobody_for_good(monkeypatch):
    # As Ctrl-C makes one leave, where it comes between two steps.
    monkeypatch.setattr(module, "_LOST_S", 0.1)
    gathered = Gathered(nullcontext)
    gathered._leader = module._Wanted("k", ["lost"], lambda texts: texts)
    assert gathered.results("k", ["a"], lambda texts: [text.upper() for text in texts]) == ["A"]
    assert gathered._leader is None


def test_many_threads_get_their_own_results():
    gathered, sizes, wrong = Gathered(nullcontext), [], []

    def compute(texts):
        sizes.append(len(texts))
        return [text[::-1] for text in texts]

    def work(number):
        for place in range(200):
            text = f"{number}-{place}"
            if gathered.results(number % 2, [text], compute) != [text[::-1]]:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    _all(threads)
    assert not wrong
    assert sum(sizes) == 12 * 200
