"""The dense index over real stores: Qdrant in memory, PostgreSQL with pgvector, and Chroma.

Chroma brings 200 MB with it and is not among the extras: it is tested where it is installed.
"""

from __future__ import annotations

import shutil
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors.dense import langchain_index
from rag_engine.connectors.dense.langchain_index import LangChainIndexFactory
from rag_engine.errors import StoreCorrupt
from rag_engine.ports import IdSelector
from tests.connectors.dense.test_langchain_index import LangChainContract
from tests.contracts.dense_index import brute_force, spaced_ids, unit_vectors
from tests.doubles import HashEmbedder

QDRANT = {}


def qdrant(embeddings, name, distance="Cosine"):
    from langchain_qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient
    from qdrant_client.models import Distance, VectorParams

    client = QDRANT.setdefault("client", QdrantClient(":memory:"))
    if not client.collection_exists(name):
        width = len(embeddings.embed_query("width"))
        client.create_collection(name, VectorParams(size=width, distance=Distance(distance)))
    return QdrantVectorStore(client, name, embeddings, distance=Distance(distance))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        warnings.simplefilter("ignore")
        import pgserver
        from sqlalchemy import create_engine

    folder = Path(f"/tmp/{tmp_path_factory.mktemp('pg').name}-{id(object()):x}")  # a short socket
    server = pgserver.get_server(folder, cleanup_mode="stop")
    server.psql("CREATE EXTENSION vector")
    engine = create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", params=["qdrant", "postgres", "chroma"])
def make(request, tmp_path_factory):
    if request.param == "qdrant":
        return qdrant
    if request.param == "postgres":
        from langchain_postgres import PGVector

        engine = request.getfixturevalue("postgres")
        return lambda embeddings, name: PGVector(
            embeddings, connection=engine, collection_name=name, use_jsonb=True
        )
    if find_spec("langchain_chroma") is None:
        pytest.skip("not installed: langchain-chroma")
    from langchain_chroma import Chroma

    folder = str(tmp_path_factory.mktemp("chroma"))
    space = {"hnsw:space": "cosine"}
    return lambda embeddings, name: Chroma(
        name, embeddings, persist_directory=folder, collection_metadata=space
    )


class TestRealStores(LangChainContract):
    @pytest.fixture
    def make(self, make):
        return make


def test_recall_generations_and_a_store_that_was_emptied(make, tmp_path, monkeypatch):
    monkeypatch.setattr(langchain_index, "_COMPARED", 0)
    factory = LangChainIndexFactory(make=make, store="tests:make").bind(tmp_path, dict)
    ids, vectors = spaced_ids(600), unit_vectors(600, 32, clusters=12)
    index = factory.build(ids, vectors)
    (tmp_path / "saved").mkdir()
    index.save(tmp_path / "saved")
    for allowed in (None, IdSelector(ids[::5]), IdSelector(ids[::5], exclude=True)):
        shares = []
        for query in unit_vectors(10, 32, seed=4, clusters=12):
            best = {each for each, _ in brute_force(ids, vectors, query, 10, allowed)}
            ranking = index.search(query[np.newaxis], 10, allowed)[0]
            shares.append(len(best & set(ranking.ids.tolist())) / 10)
        assert np.mean(shares) >= 0.95
    for count in (50, 40):
        index = factory.build(ids[:count], vectors[:count])
        factory.collect_garbage(index)
    with pytest.raises(StoreCorrupt, match="emptied, or lost rows"):
        factory.load(tmp_path / "saved", ids, vectors)
    last = factory.build(ids[:30], vectors[:30])
    assert last.missing() is None
    assert len({entry.collection for entry in factory._journal().entries()}) == 3


def test_another_distance_is_near_enough(tmp_path):
    """What Manhattan finds is scored by the inner product all the same."""
    factory = LangChainIndexFactory(make=qdrant, store="x:y", options={"distance": "Manhattan"})
    index = factory.bind(tmp_path, dict).build(spaced_ids(200), unit_vectors(200))
    assert 0.5 < index.in_order() < 1


def test_a_knowledge_base_in_qdrant(tmp_path):
    table = {"kind": "langchain", "store": f"{__name__}:qdrant"}
    chosen = Settings.model_validate({"dense": table})
    for _ in range(2):
        with KnowledgeBase.open(tmp_path / "kb", settings=chosen, embedder=HashEmbedder(16)) as kb:
            kb.add([Document(id=f"d{each}", text=f"Ware {each}") for each in range(60)])
            kb.publish()
            assert kb.search("Ware 7", k=1)[0].chunk.document_id == "d7"
    QDRANT.clear()  # a server that was restarted empty
    with KnowledgeBase.open(tmp_path / "kb", settings=chosen, embedder=HashEmbedder(16)) as kb:
        assert kb.search("Ware 7", k=1)[0].chunk.document_id == "d7"
