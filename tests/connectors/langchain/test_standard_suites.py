"""The standard tests of ``langchain-tests``, none changed, skipped or expected to fail."""

from __future__ import annotations

import pytest
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.unit_tests import EmbeddingsUnitTests

from rag_engine.connectors.langchain import (
    RagEngineEmbeddings,
    RagEngineRetriever,
    RagEngineVectorStore,
)


class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _knowledge_base(self, kb):
        self.knowledge_base = kb

    @property
    def retriever_constructor(self):
        return RagEngineRetriever

    @property
    def retriever_constructor_params(self):
        return {"knowledge_base": self.knowledge_base}

    @property
    def retriever_query_example(self):
        return "How often is the seal of the pump replaced?"


class TestVectorStore(VectorStoreIntegrationTests):
    """Over the embeddings that the suite hands in."""

    @pytest.fixture
    def vectorstore(self, tmp_path):
        with RagEngineVectorStore.open(tmp_path / "kb", embeddings=self.get_embeddings()) as store:
            yield store


class TestVectorStoreWithTheBundledModel(VectorStoreIntegrationTests):
    """Over a knowledge base with its own model."""

    @pytest.fixture
    def vectorstore(self, tmp_path, bundled_e5):
        embeddings = RagEngineEmbeddings(bundled_e5)
        with RagEngineVectorStore.open(tmp_path / "kb", embeddings=embeddings) as store:
            yield store


class TestEmbeddings(EmbeddingsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _model(self, bundled_e5):
        self.embedder = bundled_e5

    @property
    def embeddings_class(self):
        return RagEngineEmbeddings

    @property
    def embedding_model_params(self):
        return {"embedder": self.embedder}


class TestEmbeddingsUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self):
        return RagEngineEmbeddings
