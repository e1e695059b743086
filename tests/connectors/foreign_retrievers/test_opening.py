"""What ``--retriever`` may name: functions and LangChain's retrievers; what makes one; what not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import Field

from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.connectors.foreign_retrievers.opening import as_retriever, open_retriever
from rag_engine.errors import InvalidInput, SettingsError
from rag_engine.evaluation.audit import passage_id
from tests.waiting import PATIENCE_S


@pytest.fixture
def loop():
    with EventLoop() as loop:
        yield loop


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """Write a module, and return its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> str:
        name = f"audited_{abs(hash(request.node.nodeid)):x}"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        return name

    return write


def ids(retriever, question="pump", k=3, known=("a", "b", "c", "1", "2")) -> list[str]:
    found = retriever.read(retriever.ask(question, k))
    return [passage_id(each, known)[0] for each in found]


class Words(Embeddings):
    """Counts of the letters of a text: real vectors, without a model."""

    def embed_query(self, text):
        return [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


TEXTS = {"a": "pump", "b": "pumped up", "c": "zzzz"}


def store() -> InMemoryVectorStore:
    store = InMemoryVectorStore(Words())
    store.add_documents(
        [Document(page_content=text, metadata={"id": key}) for key, text in TEXTS.items()]
    )
    return store


class OnlyAwaited(BaseRetriever):
    """Can not be called; every question is answered in the same event loop."""

    loops: list[object] = Field(default_factory=list)

    def _get_relevant_documents(self, query, *, run_manager):
        raise NotImplementedError

    async def _aget_relevant_documents(self, query, *, run_manager):
        self.loops.append(asyncio.get_running_loop())
        return [Document(page_content="", id="b")]


def test_a_vector_store_of_langchain(loop):
    retriever = as_retriever(store().as_retriever(search_kwargs={"k": 2}), loop)
    assert retriever.name == "VectorStoreRetriever"
    assert ids(retriever) == ["a", "b"]
    with pytest.raises(InvalidInput, match="InMemoryVectorStore is no retriever itself: give its"):
        as_retriever(store(), loop)


def test_a_retriever_of_langchain_that_can_only_be_awaited(loop):
    awaited = OnlyAwaited()
    retriever = as_retriever(awaited, loop)
    assert [ids(retriever), ids(retriever)] == [["b"], ["b"]]
    assert len(awaited.loops) == 2
    assert len(set(awaited.loops)) == 1


@pytest.mark.parametrize(
    "returned",
    [
        ["a", "b"],
        ("a", "b"),
        [("a", 0.9), ("b", 0.1)],
        [("a", 0.1), ("b", 0.9)],  # distances
        [["a", 1], ["b", 1]],
        np.array(["a", "b"]),
        [Document(page_content="x", metadata={"id": "a"}), "b"],
        [(Document(page_content="x", id="a"), 2.5), ("b", np.float32(0.5))],
    ],
    ids=range(8),
)
def test_what_a_function_may_give(loop, returned):
    assert ids(as_retriever(lambda question, k: returned, loop)) == ["a", "b"]


def test_numbers_are_ids(loop):
    assert ids(as_retriever(lambda question, k: np.array([1, 2]), loop)) == ["1", "2"]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("a", "got str 'a'"),
        (None, "got NoneType None"),
        ({"a": 1.0}, "got dict"),
        ([None], "got NoneType None"),
        ([True], "got bool True"),
        ([0.5], "got float 0.5"),
        ([("a", "high")], "got the score 'high'"),
        ([("a", 1), ("b", 3), ("c", 2)], "neither fall nor rise (1.0, 3.0, 2.0, ...): sort"),
        ([("a", float("nan")), ("b", 1)], "neither fall nor rise"),
        (list(np.array([[1, 2, 3], [4, 5, 6]])), "got ndarray array([1, 2, 3])"),
    ],
    ids=range(10),
)
def test_what_a_function_may_not_give(loop, returned, message):
    retriever = as_retriever(lambda question, k: returned, loop)
    with pytest.raises(InvalidInput) as raised:
        retriever.read(retriever.ask("pump", 3))
    assert message in str(raised.value)


def test_a_function_may_be_awaited(loop):
    async def search(question, k):
        await asyncio.sleep(0)
        return [(threading.current_thread() is not threading.main_thread()) and "a"]

    assert ids(as_retriever(search, loop)) == ["a"]


MADE = """
from pathlib import Path

from langchain_core.retrievers import BaseRetriever

FOLDERS = []

def ready(question, k):
    return ["a"][:k]

def with_default(question, k=10):
    return ["b"]

def from_folder(folder, model="small"):
    FOLDERS.append(folder)
    return lambda question, k: [folder.name]

def from_nothing():
    return ready

async def awaited(folder):
    return ready

class Made:
    def __init__(self, folder: Path):
        self.folder = folder

    def __call__(self, question, k):
        return [self.folder.name]

an_object = Made(Path("c"))

def broken(folder):
    raise ValueError("no index")

def needs_more(folder, model, device):
    return ready

def gives_nothing():
    return None

def takes_one(question):
    return []

def asks(question):
    return [question.lower()]

class Retriever(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return []

number = 7
"""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ready", ["a"]),
        ("with_default", ["b"]),
        ("from_folder", ["1"]),
        ("from_nothing", ["a"]),
        ("awaited", ["a"]),
        ("Made", ["1"]),
        ("an_object", ["c"]),
    ],
)
def test_a_function_is_the_retriever_or_makes_it(name, found, module, loop):
    retriever = open_retriever(f"{module(MADE)}:{name}", Path("/sets/1"), loop)
    assert ids(retriever) == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "it could not be made: ValueError: no index"),
        ("needs_more", "takes nothing, or the folder of the set; this takes (folder, model, dev"),
        ("gives_nothing", "got NoneType None"),
        ("takes_one", "got list []; a retriever takes (question, k); a function with one"),
        ("asks", "object has no attribute 'lower'; a retriever takes (question, k); a function wi"),
        ("Retriever", "were given; Retriever is a class, and was called with the folder of the"),
        ("number", "got int 7"),
    ],
)
def test_what_is_no_retriever_is_named(name, message, module, loop):
    named = f"{module(MADE)}:{name}"
    with pytest.raises(InvalidInput) as raised:
        open_retriever(named, Path("/sets/1"), loop)
    assert message in str(raised.value)
    assert f"--retriever {named}" in str(raised.value)


@pytest.mark.parametrize("name", ["mine", "mine:", ":search", ""])
def test_a_name_that_is_none(name, loop):
    with pytest.raises(InvalidInput, match="--retriever takes MODULE:OBJECT, got"):
        open_retriever(name, Path(), loop)


def test_a_module_or_object_that_is_not_there(module, loop):
    with pytest.raises(SettingsError, match="there is no module 'no_such_module_here'"):
        open_retriever("no_such_module_here:search", Path(), loop)
    with pytest.raises(SettingsError, match=r"holds no 'serch'.*its functions .*ready"):
        open_retriever(f"{module(MADE)}:serch", Path(), loop)


def test_a_function_that_takes_something_else_is_refused(loop):
    class Asks:
        def __call__(self, question):
            return []

    with pytest.raises(InvalidInput, match=r"called with \(question, k\), and Asks takes \(questi"):
        as_retriever(Asks(), loop)


def test_a_retriever_that_can_not_be_looked_at_is_named(module, loop):
    text = (
        "class Odd:\n    @property\n    def __haystack_input__(self):\n        1 / 0\nodd = Odd()\n"
    )
    named = f"{module(text)}:odd"
    with pytest.raises(InvalidInput, match=r"could not be opened: ZeroDivisionError") as raised:
        open_retriever(named, Path(), loop)
    assert f"--retriever {named}" in str(raised.value)


def test_an_interrupt_ends_what_is_awaited():
    started, cancelled = threading.Event(), threading.Event()

    async def wait():
        started.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def ask(loop):
        with contextlib.suppress(CancelledError):
            loop.awaited(wait)

    with pytest.raises(KeyboardInterrupt), EventLoop() as loop:  # noqa: PT012
        loop.awaited(asyncio.sleep, 0)
        asking = threading.Thread(target=ask, args=(loop,))
        asking.start()
        assert started.wait(PATIENCE_S)
        raise KeyboardInterrupt
    asking.join()
    assert cancelled.is_set()
