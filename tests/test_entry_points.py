"""What one way of asking can be told, the others can: no parameter is lost on the way."""

from __future__ import annotations

import dataclasses
import inspect
from typing import get_type_hints

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.asynchronous import AsyncQuestions
from rag_engine.connectors.http.openai_schemas import ChatRequest
from rag_engine.connectors.http.schemas import AskRequest, SearchRequest
from rag_engine.connectors.langchain import RagEngineRetriever
from rag_engine.connectors.langchain.document_search import _Asked
from rag_engine.files import add_file, add_files
from rag_engine.pipelines.cli.ask import ask as ask_command
from rag_engine.pipelines.cli.index import index as index_command
from rag_engine.pipelines.cli.search import search as search_command
from tests.doubles import HashEmbedder


def parameters(function, *without):
    """Return the names, kinds and defaults of what a function takes, but for some."""
    taken = inspect.signature(function).parameters.values()
    return {(each.name, each.kind, each.default) for each in taken if each.name not in without}


def names(function):
    return {name for name, _, _ in parameters(function, "self", "cls", "kwargs")}


SEARCH = names(KnowledgeBase.search)
ASK = names(KnowledgeBase.ask)


def test_what_is_awaited_takes_what_is_called():
    assert parameters(KnowledgeBase.asearch) == parameters(KnowledgeBase.search)
    # What an answer's pieces are given to is the task that reads the stream.
    for awaited in (KnowledgeBase.aask, KnowledgeBase.astream):
        assert parameters(awaited) == parameters(KnowledgeBase.ask, "on_text")
        assert get_type_hints(awaited)["where"] == get_type_hints(KnowledgeBase.ask)["where"]


def test_an_answer_is_searched_for_as_passages_are():
    assert SEARCH < ASK
    assert parameters(KnowledgeBase.search_translated, "translations") == parameters(
        KnowledgeBase.search
    )
    for within in (KnowledgeBase.search_translated, AsyncQuestions._find_in_turn):
        assert names(within) == SEARCH | {"translations"}
    for before in (KnowledgeBase.translate, KnowledgeBase.languages_to_translate):
        assert names(before) == {"question", "also", "language"}


def test_the_command_line_takes_what_python_takes():
    """``--in`` is a part of the filter; ``ask`` can write down what was said."""
    own = {"kb", "settings", "languages"}
    assert names(search_command) == SEARCH | own
    assert names(ask_command) == (ASK - {"on_text"}) | own | {"remember"}
    files = names(KnowledgeBase.add_files) - {"path", "on_progress", "loaders"}
    assert files <= names(index_command)
    assert names(add_files) - {"store", "own_loaders"} == names(KnowledgeBase.add_files) - {
        "loaders"
    }
    assert names(add_file) - {"store"} == names(KnowledgeBase.add_file)


def test_http_takes_what_python_takes():
    """``languages`` are a part of the filter, ``evidence`` is for those who show hits."""
    assert set(SearchRequest.model_fields) == SEARCH | {"languages", "evidence"}
    ask = (ASK - {"on_text"}) | {"languages", "evidence", "stream"}
    assert set(AskRequest.model_fields) == ask
    # Clients of OpenAI's protocol know no other formulations and no instruction.
    read = {"k", "min_score", "strictness", "language", "answer_language", "languages", "where"}
    assert read <= set(ChatRequest.model_fields)


def test_langchain_takes_what_python_takes():
    mine = names(RagEngineRetriever._asked)
    assert mine == SEARCH - {"question"}
    made_with = set(RagEngineRetriever.model_fields) & SEARCH
    assert made_with == SEARCH - {"question", "also", "history"}  # which belong to one question
    assert made_with <= names(RagEngineRetriever.open)
    # ``query``, ``filter`` and a bound of scores are LangChain's own.
    assert names(_Asked.of) | names(_Asked.by_vector) == {
        *("method", "k", "filter", "more", "unknown"),
        *("language", "also", "instruction"),
    }
    assert {"language", "also", "instruction"} == SEARCH - {
        *("question", "k", "where", "min_score"),
        "history",
    }


OF_ONE_QUESTION = {"also", "history"}
OWN_NAMES = {"question", "k", "where"}
"""Of which the frameworks have their own."""


def test_llamaindex_takes_what_python_takes():
    """What belongs to one question is told by it: a retriever of LlamaIndex takes nothing else."""
    pytest.importorskip("llama_index.core")
    from rag_engine.connectors.llamaindex import RagEngineQuery
    from rag_engine.connectors.llamaindex import RagEngineRetriever as Retriever

    of_question = {field.name for field in dataclasses.fields(RagEngineQuery)}
    assert {*OF_ONE_QUESTION, "instruction"} <= of_question
    assert names(Retriever.__init__) >= SEARCH - OWN_NAMES - OF_ONE_QUESTION
    assert "settings" in names(Retriever.open)


def test_haystack_takes_what_python_takes():
    pytest.importorskip("haystack")
    from rag_engine.connectors.haystack import RagEngineRetriever as Retriever

    for run in (Retriever.run, Retriever.run_async):
        assert names(run) == (SEARCH - OWN_NAMES) | {"query", "top_k", "filters"}
    assert (SEARCH - OWN_NAMES - OF_ONE_QUESTION) | {"settings"} <= names(Retriever.__init__)


@pytest.mark.anyio
async def test_mcp_takes_what_a_model_can_know(tmp_path):
    """A filter there is the languages and the metadata; a client's model knows no instruction."""
    pytest.importorskip("mcp")
    from rag_engine.connectors.mcp_server import build_mcp_server

    with KnowledgeBase.open(tmp_path / "kb", embedder=HashEmbedder()) as kb:
        kb.add([Document(id="1", text="Die Pumpe.")])
        tools = {tool.name: tool for tool in await build_mcp_server(kb).list_tools()}
    within = {"question", "where", "language", "instruction"}
    search = set(tools["search"].input_schema["properties"])
    assert search == (SEARCH - within) | {"query", "languages", "metadata"}
    ask = set(tools["ask"].input_schema["properties"])
    assert ask == (ASK - within - {"on_text"}) | {"question", "languages", "metadata"}
