"""A knowledge base asked by many tasks at once, on asyncio and on trio."""

from __future__ import annotations

import gc
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import anyio
import pytest
from anyio.to_thread import run_sync as in_thread

from rag_engine import Document, Equals, KnowledgeBase, Settings
from rag_engine.cancellation import Cancellation, Cancelled, check_cancelled
from rag_engine.errors import InvalidInput, ServiceUnreachable, StoreClosed
from rag_engine.workers import WorkerThreads
from tests.conftest import components_with
from tests.doubles import HashEmbedder
from tests.waiting import PATIENCE_S, wait_until

DOCUMENTS = [
    Document(id=str(n), text=f"Regel {n} gilt für Werk {n % 7}.", metadata={"even": n % 2 == 0})
    for n in range(30)
]
QUESTION = "Für welches Werk gilt Regel 3?"
ALL_HITS = Settings.model_validate({"answering": {"min_score": 0.0, "strictness": "eager"}})


@pytest.fixture(params=["asyncio", "trio"])
def run(request):
    """Run an async function in an event loop, on each of the two."""
    return partial(anyio.run, backend=request.param)


class Gate(HashEmbedder):
    """Embeds questions only while the gate is open; counts who is in it."""

    def __init__(self):
        super().__init__()
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.asked: list[str] = []
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def embed_queries(self, texts):
        with self._lock:
            self.asked += texts
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        if not self.open.wait(PATIENCE_S):
            raise AssertionError("nobody opened the gate")
        with self._lock:
            self.inside -= 1
        return super().embed_queries(texts)

    async def until_entered(self, times):
        for _ in range(times):
            assert await in_thread(partial(self.entered.acquire, timeout=PATIENCE_S))


class Writer:
    """Writes some pieces, then those that it is told, up to None; tells if it was ended before."""

    name, quotes = "writer", True

    def __init__(self, *pieces):
        self.pieces = pieces
        self.next = queue.SimpleQueue()
        self.ended = threading.Event()

    def generate(self, prompt):
        try:
            yield from self.pieces
            yield from iter(partial(self.next.get, timeout=PATIENCE_S), None)
        except GeneratorExit:
            self.ended.set()
            raise


@pytest.fixture
def gated(tmp_path):
    """A knowledge base that searches three at a time, behind a gate that is opened in the end."""
    gate = Gate()
    workers = WorkerThreads(searches=3)
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=components_with(gate), workers=workers) as kb:
        kb.add(DOCUMENTS)
        try:
            yield kb, gate
        finally:
            gate.open.set()


@pytest.fixture
def opened(tmp_path, quick_components):
    """Return a function that opens a knowledge base whose answers a given writer writes."""
    opened = []

    def open_with(writer):
        components = replace(quick_components, generator=writer)
        kb = KnowledgeBase.open(tmp_path / "kb", settings=ALL_HITS, components=components)
        opened.append(kb)
        kb.add(DOCUMENTS)
        return kb

    yield open_with
    for kb in opened:
        kb.close()


def test_fifty_tasks_find_what_one_after_the_other_does(run, tmp_path, quick_components):
    questions = [(f"Regel {n % 10}?", 1 + n % 5, n % 3 == 0) for n in range(50)]
    found = {}
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(DOCUMENTS)

        async def ask(number, question, k, even):
            where = Equals("even", True) if even else None
            found[number] = await kb.asearch(question, k=k, where=where, also=["rule"])

        async def ask_all():
            async with anyio.create_task_group() as tasks:
                for number, asked in enumerate(questions):
                    tasks.start_soon(ask, number, *asked)

        run(ask_all)
        for number, (question, k, even) in enumerate(questions):
            where = Equals("even", True) if even else None
            assert found[number] == kb.search(question, k=k, where=where, also=["rule"])
    assert {len(hits) for hits in found.values()} == {1, 2, 3, 4, 5}


def test_no_more_is_done_at_a_time_than_there_are_workers(run, gated):
    kb, gate = gated

    async def main():
        async with anyio.create_task_group() as tasks:
            for n in range(50):
                tasks.start_soon(kb.asearch, f"Regel {n}?")
            await gate.until_entered(3)
            assert not await in_thread(partial(gate.entered.acquire, timeout=0.2))
            gate.open.set()

    run(main)
    assert gate.most == 3
    assert len(gate.asked) == 50


def test_who_is_cancelled_does_not_wait_and_keeps_the_worker_until_it_is_free(run, gated):
    kb, gate = gated

    async def main():
        async with anyio.create_task_group() as tasks:
            for n in range(3):
                tasks.start_soon(kb.asearch, f"Regel {n}?")
            await gate.until_entered(3)
            tasks.start_soon(kb.asearch, "never begun")
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        # They are gone, though the gate is closed; the threads are not, and no fourth takes part.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kb.asearch, "Regel 9?")
            assert not await in_thread(partial(gate.entered.acquire, timeout=0.2))
            gate.open.set()

    run(main)
    assert gate.most == 3
    assert gate.asked[3:] == ["Regel 9?"]


def test_a_search_stops_at_its_next_step():
    stop = Cancellation()
    seen = []

    def work():
        seen.append(1)
        check_cancelled()
        seen.append(2)
        stop.cancel()
        check_cancelled()
        seen.append(3)

    check_cancelled()  # nobody can cancel it here
    with pytest.raises(Cancelled):
        stop.bound(work)()
    assert seen == [1, 2]
    with pytest.raises(Cancelled):
        stop.sleep(PATIENCE_S)


def test_the_search_of_an_abandoned_task_stops_before_its_end(run, gated, monkeypatch):
    kb, gate = gated
    views = []
    monkeypatch.setattr(kb._retriever, "rank", lambda *args, **options: views.append(args))

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kb.asearch, QUESTION)
            await gate.until_entered(1)
            tasks.cancel_scope.cancel()
        gate.open.set()
        await in_thread(wait_until, lambda: gate.inside == 0)

    run(main)
    kb._workers._searches.shutdown(wait=True)
    assert views == []


def test_an_answer_is_the_same_and_its_search_waits_for_its_turn(run, gated):
    kb, gate = gated

    async def main():
        answers = []
        async with anyio.create_task_group() as tasks:
            for n in range(3):
                tasks.start_soon(kb.asearch, f"Regel {n}?")
            await gate.until_entered(3)

            async def ask():
                answers.append(await kb.aask(QUESTION, also=["Regel 3"]))

            tasks.start_soon(ask)
            assert not await in_thread(partial(gate.entered.acquire, timeout=0.2))
            gate.open.set()
        return answers

    assert run(main) == [kb.ask(QUESTION, also=["Regel 3"])]
    assert gate.most == 3


def test_a_stream_gives_pieces_while_they_are_written_and_then_the_answer(run, opened):
    writer = Writer("Regel 3 gilt ", "für Werk 3 [1]")
    kb = opened(writer)
    # Each is written once the one before was read.
    follow = {"für Werk 3 [1]": ", immer", ", immer": ".", ".": None}

    async def main():
        pieces = []
        stream = kb.astream(QUESTION)
        with pytest.raises(InvalidInput, match="read all pieces"):
            _ = stream.answer
        async for piece in stream:
            pieces.append(piece)
            if piece in follow:
                writer.next.put(follow[piece])
        assert [piece async for piece in stream] == []
        return pieces, stream.answer

    pieces, answer = run(main)
    assert pieces == ["Regel 3 gilt ", "für Werk 3 [1]", ", immer", "."]
    for piece in [", immer", ".", None]:
        writer.next.put(piece)
    assert answer == kb.ask(QUESTION)
    assert answer.supported


@pytest.mark.parametrize("way", ["cancelled", "closed", "left", "dropped"])
def test_who_leaves_a_stream_ends_the_writing(run, opened, way):
    writer = Writer("Regel 3 gilt für Werk 3 [1].")
    kb = opened(writer)

    async def main():
        if way == "cancelled":
            async with anyio.create_task_group() as tasks:

                async def read():
                    async for _ in kb.astream(QUESTION):
                        reading.set()

                reading = anyio.Event()
                tasks.start_soon(read)
                await reading.wait()
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
        elif way == "left":
            async with kb.astream(QUESTION) as stream:
                await anext(stream)
            assert [piece async for piece in stream] == []
        else:
            stream = kb.astream(QUESTION)
            await anext(stream)
            if way == "closed":
                await stream.aclose()
            del stream
            gc.collect()
        assert not writer.ended.is_set()
        writer.next.put(" more")  # it is not asked for another one
        assert await in_thread(writer.ended.wait, PATIENCE_S)

    run(main)


def test_a_stream_that_nobody_reads_asks_nothing(run, opened):
    kb = opened(Writer("x [1]."))

    async def main():
        async with kb.astream(QUESTION):
            pass

    run(main)
    assert not kb._workers._answers._threads


class Failing(Writer):
    def generate(self, prompt):
        yield "Regel 3 gilt für Werk 3 [1]."
        raise ServiceUnreachable("broke off")


def test_errors_are_those_of_the_calls_that_wait(run, opened):
    kb = opened(Failing())

    async def main():
        with pytest.raises(InvalidInput, match="k is a whole number"):
            await kb.asearch(QUESTION, k=0)
        with pytest.raises(InvalidInput, match="not empty"):
            await kb.aask(" ")
        with pytest.raises(ServiceUnreachable):
            await kb.aask(QUESTION)
        stream = kb.astream(QUESTION)
        assert await anext(stream)
        with pytest.raises(ServiceUnreachable):
            await anext(stream)
        assert [piece async for piece in stream] == []
        with pytest.raises(InvalidInput, match="read all pieces"):
            _ = stream.answer
        kb.close()
        with pytest.raises(StoreClosed):
            await kb.asearch(QUESTION)
        with pytest.raises(StoreClosed):
            await kb.aask(QUESTION)
        with pytest.raises(StoreClosed):
            kb.astream(QUESTION)

    run(main)


def test_a_task_that_was_cancelled_before_begins_nothing(run, gated):
    kb, _ = gated

    async def main():
        with anyio.CancelScope() as scope:
            scope.cancel()
            await kb.asearch(QUESTION)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anext(kb.astream(QUESTION))

    run(main)
    assert not kb._workers._searches._threads
    assert not kb._workers._answers._threads


def test_one_knowledge_base_serves_several_event_loops(gated):
    kb, gate = gated
    gate.open.set()
    loops = [threading.Thread(target=anyio.run, args=(kb.asearch, QUESTION)) for _ in range(8)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    assert gate.asked == [QUESTION] * 8
    assert gate.most <= 3


class Counting:
    """Workers of a service's own."""

    def __init__(self):
        self.threads = ThreadPoolExecutor(2)
        self.kinds = []

    def search(self, do, /):
        self.kinds.append("search")
        return self.threads.submit(do)

    def answer(self, do, /):
        self.kinds.append("answer")
        return self.threads.submit(do)


def test_workers_of_ones_own(run, tmp_path, quick_components):
    workers = Counting()
    path = tmp_path / "kb"
    with (
        workers.threads,
        KnowledgeBase.open(path, components=quick_components, workers=workers) as kb,
    ):
        kb.add(DOCUMENTS)
        assert run(kb.asearch, QUESTION) == kb.search(QUESTION)
        run(kb.aask, QUESTION)
    assert workers.kinds == ["search", "answer", "search"]


@pytest.mark.parametrize("wrong", [{"searches": 0}, {"answers": -1}, {"answers": True}])
def test_numbers_of_workers_that_can_not_be_meant(wrong):
    with pytest.raises(InvalidInput, match="whole number from 1 on"):
        WorkerThreads(**wrong)
