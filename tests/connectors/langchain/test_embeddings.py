"""The engine's models for LangChain, and LangChain's for the engine."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.vectorstores import InMemoryVectorStore

from rag_engine import Document as EngineDocument
from rag_engine import KnowledgeBase
from rag_engine.connectors.langchain import LangChainEmbedder, RagEngineEmbeddings
from rag_engine.errors import InvalidInput, InvalidVectors, ServiceError, ServiceTimeout
from rag_engine.ports import Embedder
from tests.doubles import HashEmbedder


def test_documents_are_passages_and_a_query_is_a_question(bundled_e5):
    embeddings = RagEngineEmbeddings(bundled_e5)
    text = "Die Garantie gilt drei Jahre."
    assert embeddings.embed_documents([text]) == bundled_e5.embed_passages([text]).tolist()
    assert embeddings.embed_query(text) == bundled_e5.embed_queries([text])[0].tolist()
    assert embeddings.embed_query(text) != embeddings.embed_documents([text])[0]
    assert np.linalg.norm(embeddings.embed_query(text)) == pytest.approx(1, abs=1e-5)
    assert embeddings.embed_documents([]) == []


def test_the_bundled_model_works_in_langchains_own_store(bundled_e5):
    store = InMemoryVectorStore(RagEngineEmbeddings(bundled_e5))
    store.add_documents([Document("La garantie dure trois ans."), Document("The lamp is blue.")])
    [found] = store.similarity_search("Wie lange gilt die Garantie?", k=1)
    assert found.page_content == "La garantie dure trois ans."


async def test_embedding_does_not_hold_up_the_event_loop():
    opened = threading.Event()

    class Gate(HashEmbedder):
        def embed_passages(self, texts):
            assert opened.wait(300), "nobody else got to run"
            return super()._embed(texts)

        embed_queries = embed_passages

    embeddings = RagEngineEmbeddings(Gate())
    waiting = [
        asyncio.create_task(embeddings.aembed_documents(["a", "b"])),
        asyncio.create_task(embeddings.aembed_query("a")),
    ]
    await asyncio.sleep(0.05)
    opened.set()
    documents, query = await asyncio.gather(*waiting)
    assert documents[0] == query


def test_what_is_no_embedder():
    with pytest.raises(InvalidInput, match="DeterministicFakeEmbedding"):
        RagEngineEmbeddings(DeterministicFakeEmbedding(size=3))
    with pytest.raises(InvalidInput, match="HashEmbedder"):
        LangChainEmbedder(HashEmbedder())
    with pytest.raises(InvalidInput, match="max_tokens"):
        LangChainEmbedder(DeterministicFakeEmbedding(size=3), max_tokens=1)


class Odd(Embeddings):
    model = "odd-1"

    def __init__(self, query=(3.0, 4.0), documents=((0.0, 2.0),)):
        self.query, self.documents = query, documents

    def embed_query(self, text):
        if isinstance(self.query, Exception):
            raise self.query
        return list(self.query)

    def embed_documents(self, texts):
        if isinstance(self.documents, Exception):
            raise self.documents
        return [list(each) for each in self.documents]


def test_langchains_embeddings_become_an_embedder():
    embedder = LangChainEmbedder(Odd(), max_tokens=99)
    assert isinstance(embedder, Embedder)
    assert (embedder.dimension, embedder.max_tokens) == (2, 99)
    assert embedder.embed_queries(["a"]).tolist() == pytest.approx(np.array([[0.6, 0.8]]))
    assert embedder.embed_passages(["a"]).tolist() == [[0.0, 1.0]]
    assert embedder.embed_passages([]).shape == embedder.embed_queries([]).shape == (0, 2)
    assert embedder.contract.model == "Odd odd-1"
    assert LangChainEmbedder(Odd(), name="mine").contract.model == "mine"


@pytest.mark.parametrize(
    "documents",
    [((1.0,),), ((1.0, 2.0), (1.0,)), ((float("nan"), 1.0),), ((0.0, 0.0),), (("a", "b"),), ()],
)
def test_vectors_that_can_not_be_used(documents):
    with pytest.raises(InvalidVectors):
        LangChainEmbedder(Odd(documents=documents)).embed_passages(["a"])


def test_what_a_model_raises_is_one_of_the_engines_errors(tmp_path):
    broken = LangChainEmbedder(Odd(query=TimeoutError("slow"), documents=RuntimeError("quota")))
    with pytest.raises(ServiceTimeout, match="odd-1"):
        broken.embed_queries(["a"])
    with pytest.raises(ServiceTimeout, match="odd-1"):
        _ = broken.dimension
    with pytest.raises(ServiceError, match="quota"):
        broken.embed_passages(["a"])


def test_a_knowledge_base_over_an_embedder_of_ones_own(tmp_path, quick_components):
    own = LangChainEmbedder(DeterministicFakeEmbedding(size=12))
    with KnowledgeBase.open(tmp_path / "kb", embedder=own) as kb:
        kb.add([EngineDocument(id="1", text="eins"), EngineDocument(id="2", text="zwei")])
        assert kb.search("zwei", k=1)[0].chunk.document_id == "2"
        assert kb.inspect().contract["embedder.dimension"] == 12
    with pytest.raises(InvalidInput, match="components or an embedder"):
        KnowledgeBase.open(tmp_path / "kb", embedder=own, components=quick_components)
