"""Real retrievers of LlamaIndex and Haystack, over the same facts."""

from __future__ import annotations

import pytest
from haystack import Document, Pipeline, component
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.document_stores.in_memory import InMemoryDocumentStore
from llama_index.core import VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import Document as LlamaDocument
from llama_index.core.schema import NodeWithScore, TextNode

from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.connectors.foreign_retrievers.opening import as_retriever
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.audit import audit
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.evaluation.metrics import measure
from tests.small_sets import FACTS, set_of


@pytest.fixture
def loop():
    with EventLoop() as loop:
        yield loop


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return load_test_set(set_of(tmp_path_factory.mktemp("sets") / "facts", FACTS))


def counted(text: str) -> list[float]:
    """Three letters in a row, counted in 97 classes: vectors that find words, without a model."""
    vector = [0.0] * 97
    for start in range(len(text) - 2):
        vector[sum(map(ord, text[start : start + 3].lower())) % 97] += 1.0
    return vector


class Counted(BaseEmbedding):
    def _get_query_embedding(self, query):
        return counted(query)

    def _get_text_embedding(self, text):
        return counted(text)

    async def _aget_query_embedding(self, query):
        return counted(query)


def found_by(thing, facts, loop, **options):
    return audit(facts, as_retriever(thing, loop), k=10, **options)


def ndcg(found, facts) -> float:
    return measure(found.run, {each.id: facts.qrels[each.id] for each in facts.questions})[
        "ndcg@10"
    ]


def test_a_vector_index_of_llamaindex(facts, loop):
    nodes = [TextNode(id_=each.id, text=each.text) for each in facts.corpus]
    index = VectorStoreIndex(nodes, embed_model=Counted())
    found = found_by(index.as_retriever(similarity_top_k=5), facts, loop)
    assert found.told_by == {"node id": 100}
    assert ndcg(found, facts) > 0.5
    with pytest.raises(InvalidInput, match="VectorStoreIndex is no retriever itself"):
        as_retriever(index, loop)


def test_nodes_cut_from_documents_are_told_by_these(facts, loop):
    documents = [LlamaDocument(id_=each.id, text=each.text) for each in facts.corpus]
    index = VectorStoreIndex.from_documents(documents, embed_model=Counted())
    found = found_by(index.as_retriever(similarity_top_k=5), facts, loop)
    assert found.told_by == {"id of the node's document": 100}
    assert ndcg(found, facts) > 0.5


def test_nodes_are_told_by_a_field_that_is_named(facts, loop):
    nodes = [TextNode(text=each.text, metadata={"key": each.id}) for each in facts.corpus]
    retriever = VectorStoreIndex(nodes, embed_model=Counted()).as_retriever(similarity_top_k=5)
    assert found_by(retriever, facts, loop, id_key="key").told_by == {"metadata 'key'": 100}
    with pytest.raises(InvalidInput, match=r"what came back is no passage.*its metadata: 'key'"):
        found_by(retriever, facts, loop)


class OnlyAwaited(BaseRetriever):
    def _retrieve(self, query_bundle):
        raise NotImplementedError

    async def _aretrieve(self, query_bundle):
        return [NodeWithScore(node=TextNode(id_="p3", text="x"), score=0.5)]


def test_a_retriever_of_llamaindex_that_can_only_be_awaited(facts, loop):
    assert set(map(tuple, found_by(OnlyAwaited(), facts, loop).run.values())) == {("p3",)}


@pytest.fixture
def store(facts):
    store = InMemoryDocumentStore()
    store.write_documents(
        [
            Document(content=each.text, meta={"id": each.id}, embedding=counted(each.text))
            for each in facts.corpus
        ]
    )
    return store


@component
class Embeds:
    @component.output_types(embedding=list[float])
    def run(self, text: str):
        return {"embedding": counted(text)}


def test_a_component_of_haystack(facts, store, loop):
    found = found_by(InMemoryBM25Retriever(store, top_k=5), facts, loop)
    assert list(found.told_by) == ["metadata 'id'"]
    assert found.most_hits == 5
    assert ndcg(found, facts) > 0.5


def test_a_component_that_takes_a_vector_is_refused(store, loop):
    with pytest.raises(InvalidInput, match="InMemoryEmbeddingRetriever takes query_embedding, and"):
        as_retriever(InMemoryEmbeddingRetriever(store), loop)


def hybrid(store) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component("embedder", Embeds())
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store, top_k=5))
    pipeline.add_component("lexical", InMemoryBM25Retriever(store, top_k=5))
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    return pipeline


def test_a_pipeline_of_haystack(facts, store, loop):
    pipeline = hybrid(store)
    pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=8))
    pipeline.connect("dense", "joiner")
    pipeline.connect("lexical", "joiner")
    found = found_by(pipeline, facts, loop)
    assert list(found.told_by) == ["metadata 'id'"]
    assert ndcg(found, facts) > 0.5


def test_a_pipeline_with_two_ends_is_refused(store, loop):
    with pytest.raises(InvalidInput, match="one end that gives some, got dense, lexical of dense"):
        as_retriever(hybrid(store), loop)


def test_a_pipeline_that_must_be_given_a_vector_is_refused(store, loop):
    pipeline = Pipeline()
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store))
    with pytest.raises(InvalidInput, match="component 'dense' takes query_embedding, which noth"):
        as_retriever(pipeline, loop)
