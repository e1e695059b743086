"""The dense index over LangChain's own store in memory, and over stores that misbehave."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore

from rag_engine import Document as EngineDocument
from rag_engine import KnowledgeBase, Settings
from rag_engine.connectors.dense import langchain_index
from rag_engine.connectors.dense.langchain_index import LangChainIndexFactory
from rag_engine.connectors.dense.langchain_journal import LangChainJournal
from rag_engine.errors import ServiceError, SettingsError, StoreCorrupt
from rag_engine.ports import IdSelector
from tests.contracts.dense_index import (
    DenseIndexContract,
    brute_force,
    quick,
    searches,
    spaced_ids,
    unit_vectors,
)


class Server:
    """Collections that live as long as a test, by their names, as those of a server do."""

    def __init__(self, kind=InMemoryVectorStore):
        self.kind = kind
        self.stores = {}

    def __call__(self, embeddings, name):
        store = self.stores.setdefault(name, self.kind(embeddings))
        store.embedding = embeddings
        return store

    def sizes(self):
        return sorted(len(store.store) for store in self.stores.values())


def of_unit_length(case):
    """LangChain's stores compare directions: rows of 16 quarters, whose products are exact."""
    ids, vectors, queries, k, restriction = case
    wide = [
        np.where(np.stack([np.resize(row, 16) for row in rows]) > 0, 0.25, -0.25)
        for rows in (vectors, queries)
    ]
    return ids, wide[0].astype(np.float32), wide[1].astype(np.float32), k, restriction


class LangChainContract(DenseIndexContract):
    """The contract of dense indexes, with the store asked even of a handful; give ``make``."""

    exact = False

    @pytest.fixture
    def factory(self, make, tmp_path_factory, monkeypatch):
        monkeypatch.setattr(langchain_index, "_COMPARED", 0)
        monkeypatch.setattr(langchain_index, "_COMPARED_TOGETHER", 0)
        root = tmp_path_factory.mktemp("kb")
        return LangChainIndexFactory(make=make, store="tests:make", patience_s=0).bind(root, dict)


class TestInMemory(LangChainContract):
    @pytest.fixture
    def make(self):
        return Server()

    @quick
    @given(case=searches())
    def test_finds_what_brute_force_finds(self, factory, case):
        self.check_search(factory, of_unit_length(case))
