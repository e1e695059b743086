"""One model for several processes: what is embedded through the service is as if it were here."""

from __future__ import annotations

import dataclasses

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from rag_engine import KnowledgeBase
from rag_engine.calibration.token_space import load_token_space
from rag_engine.connectors.embedders.openai_compatible import OpenAICompatibleEmbedder
from rag_engine.connectors.embedding_wire import basis_name, batches
from rag_engine.connectors.http.service import Service
from rag_engine.connectors.http.tenants import Tenant, Tenants
from rag_engine.errors import (
    ContractMismatch,
    InvalidInput,
    InvalidVectors,
    ServiceRefused,
    SettingsError,
)
from rag_engine.pipelines.demo import sample_documents, sample_questions
from rag_engine.ports import InstructedEmbedder, TokenEmbedder
from rag_engine.settings import Settings
from rag_engine.store.token_vectors import EightBits
from tests.connectors.http.conftest import DOCUMENTS
from tests.connectors.http.service import secret, serving
from tests.doubles import HashEmbedder
from tests.waiting import PATIENCE_S

MODEL = "intfloat/multilingual-e5-small"
TEXTS = ["Die Pumpe läuft nie trocken.", "退款通常在十四天内到账。", "", "a" * 70_000, "\ud800 x"]


def client_of(address, **options):
    return OpenAICompatibleEmbedder(
        base_url=f"{address}/v1",
        api_key=SecretStr(secret("default", "read")),
        timeout_s=PATIENCE_S,
        **{"model": MODEL, **options},
    )


@pytest.fixture(scope="module")
def wire(url):
    embedder = client_of(url)
    yield embedder
    embedder.close()


def test_what_is_served_is_taken_up(wire, bundled_e5):
    assert isinstance(wire, TokenEmbedder)
    assert wire.contract == bundled_e5.contract
    assert (wire.dimension, wire.max_tokens) == (384, 512)
    space = load_token_space(bundled_e5.contract.weights)
    assert wire.serves_basis(space.basis)
    assert not wire.serves_basis(space.basis[:5])


def test_vectors_and_counts_are_those_of_the_model(wire, bundled_e5):
    for through_it, here in (
        (wire.embed_queries, bundled_e5.embed_queries),
        (wire.embed_passages, bundled_e5.embed_passages),
    ):
        np.testing.assert_allclose(through_it(TEXTS), here(TEXTS), atol=1e-5)
        assert through_it([]).shape == (0, 384)
    queries, passages = wire.embed_queries(TEXTS[:1]), wire.embed_passages(TEXTS[:1])
    assert abs(queries - passages).max() > 0.01
    assert wire.count_tokens(TEXTS) == bundled_e5.count_tokens(TEXTS)
    assert wire.count_tokens([]) == []
    for method in (wire.embed_queries, wire.embed_passages):
        with pytest.raises(InvalidInput, match="a list of texts"):
            method("one text")


def test_many_texts_go_in_several_requests(url, bundled_e5):
    embedder = client_of(url, batch_size=2)
    basis = load_token_space(bundled_e5.contract.weights).basis
    expected = bundled_e5.embed_passage_tokens(TEXTS, basis)[1]
    found = embedder.embed_passage_tokens(TEXTS, basis)[1]
    assert [len(each.weights) for each in found] == [len(each.weights) for each in expected]
    embedder.close()


def test_vectors_of_tokens_are_those_of_the_model(wire, bundled_e5):
    basis = load_token_space(bundled_e5.contract.weights).basis
    for through_it, here in (
        (wire.embed_query_tokens, bundled_e5.embed_query_tokens),
        (wire.embed_passage_tokens, bundled_e5.embed_passage_tokens),
    ):
        vectors, tokens = through_it(TEXTS, basis)
        expected, expected_tokens = here(TEXTS, basis)
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
        for one, other in zip(tokens, expected_tokens, strict=True):
            code = EightBits(one.vectors.shape[1])
            assert code.pack(one.vectors) == code.pack(other.vectors)  # an index keeps the same
            np.testing.assert_array_equal(one.weights, other.weights)
        assert through_it([], basis)[1] == []
        with pytest.raises(InvalidInput, match="in this basis"):
            through_it(TEXTS, np.eye(3, 384, dtype=np.float32))


def test_a_model_that_takes_no_instruction_says_so(wire):
    assert isinstance(wire, InstructedEmbedder)
    with pytest.raises(InvalidInput, match="takes no instruction"):
        wire.embed_instructed_queries(["Die Pumpe"], "Find a statute")


@pytest.mark.parametrize(
    "stated", [{"query_prompt": "q: "}, {"max_tokens": 64}, {"input_types": ("query", "document")}]
)
def test_what_the_model_has_of_its_own_can_not_be_stated(url, stated):
    embedder = client_of(url, **stated)
    with pytest.raises(SettingsError, match=f"embedder.{next(iter(stated))} .* has no effect"):
        embedder.embed_queries(["x"])
    embedder.close()


@pytest.fixture(scope="module")
def documents(tmp_path_factory, quick_components):
    """Those of the sample knowledge base, read from their files."""
    path = tmp_path_factory.mktemp("documents") / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add_files(sample_documents(), prefix="")
        return [kb.document(name) for name in kb.document_ids()]


class InTheSameBatches:
    """The model in this process, given passages in the batches that the client sends.

    Which texts it computes together moves a vector a little, in eight bits.
    """

    def __init__(self, model):
        self._model = model
        self.dimension, self.max_tokens = model.dimension, model.max_tokens
        self.contract, self.count_tokens = model.contract, model.count_tokens
        self.embed_queries, self.embed_passages = model.embed_queries, model.embed_passages
        self.embed_query_tokens = model.embed_query_tokens

    def embed_passage_tokens(self, texts, basis):
        done = [self._model.embed_passage_tokens(batch, basis) for batch in batches(texts, 64)]
        tokens = [each for _, of_batch in done for each in of_batch]
        return np.concatenate([vectors for vectors, _ in done]), tokens


@pytest.fixture(scope="module")
def sample(tmp_path_factory, documents, bundled_e5):
    path = tmp_path_factory.mktemp("sample") / "kb"
    with KnowledgeBase.open(path, embedder=InTheSameBatches(bundled_e5)) as kb:
        kb.add(documents)
        kb.publish()
        yield kb


def check_same_hits(one, other):
    """Ask two knowledge bases the sample's questions; return how many each answers first."""
    right = [0, 0]
    for question in sample_questions():
        found = [kb.search(question.question, k=5) for kb in (one, other)]
        for place, hits in enumerate(found):
            right[place] += hits[0].chunk.document_id == question.document
        assert [hit.chunk for hit in found[1]] == [hit.chunk for hit in found[0]]
        for hit, expected in zip(found[1], found[0], strict=True):
            assert hit.score == pytest.approx(expected.score, abs=0.01)
            assert hit.parts.late == pytest.approx(expected.parts.late, abs=0.02)
    return right


def test_the_sample_knowledge_base_has_the_same_hits_through_the_wire(
    sample, documents, wire, tmp_path
):
    with KnowledgeBase.open(tmp_path / "kb", embedder=wire) as kb:
        kb.add(documents)
        kb.publish()
        assert kb.passages(kb.passage_ids()) == sample.passages(sample.passage_ids())
        right = check_same_hits(sample, kb)
    assert right[0] == right[1] > 0.9 * len(sample_questions())


def test_what_was_built_here_is_opened_through_the_wire(url, tmp_path, monkeypatch):
    monkeypatch.setenv("KEY_OF_THE_SERVICE", secret("default", "read"))
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.add(DOCUMENTS)
        expected = kb.search("How long does the warranty last?", k=3)
    served = {"kind": "openai-compatible", "base_url": f"{url}/v1", "model": MODEL}
    settings = Settings.model_validate(
        {"embedder": {**served, "api_key_env": "KEY_OF_THE_SERVICE"}}
    )
    with KnowledgeBase.open(tmp_path / "kb", settings=settings, read_only=True) as kb:
        found = kb.search("How long does the warranty last?", k=3)
    assert [hit.chunk for hit in found] == [hit.chunk for hit in expected]
    assert found[0].score == pytest.approx(expected[0].score, abs=0.01)


class Replaced(HashEmbedder):
    """Another model under the same name, as wide as the first."""

    def __init__(self, weights):
        super().__init__(dimension=16)
        self.contract = dataclasses.replace(self.contract, weights=weights)


@pytest.fixture
def changing(tmp_path, quick_components):
    """A service whose model is replaced by setting ``tenant.embedder``."""
    with KnowledgeBase.open(tmp_path / "served", components=quick_components) as kb:
        tenants = Tenants({"default": Tenant(name="default", kb=kb, embedder=Replaced("first"))})
        service = Service(tenants=tenants, hosts=frozenset({"127.0.0.1"}))
        with serving(service) as address:
            yield address, service


def replace_model(service, weights):
    [tenant] = service.tenants._tenants.values()
    service.tenants = Tenants({"default": dataclasses.replace(tenant, embedder=Replaced(weights))})


def test_a_model_that_is_replaced_is_noticed(changing, tmp_path):
    address, service = changing
    with KnowledgeBase.open(tmp_path / "kb", embedder=client_of(address, model="hash")) as kb:
        kb.add(DOCUMENTS)
        assert kb.search("Pumpe")
        replace_model(service, "second")
        with pytest.raises(InvalidVectors, match="weights 'second', before 'first'"):
            kb.search("Pumpe")
    with pytest.raises(
        ContractMismatch, match=r"embedder\.weights: stored 'first', given 'second'"
    ):
        KnowledgeBase.open(tmp_path / "kb", embedder=client_of(address, model="hash"))
    replace_model(service, "first")
    KnowledgeBase.open(tmp_path / "kb", embedder=client_of(address, model="hash")).close()


def test_a_model_without_vectors_of_tokens_is_used_without(changing, tmp_path):
    address, _ = changing
    embedder = client_of(address, model="hash")
    assert not embedder.serves_basis(np.eye(3, 16, dtype=np.float32))
    with pytest.raises(InvalidInput, match="no vectors of tokens"):
        embedder.embed_query_tokens(["x"], np.eye(3, 16, dtype=np.float32))
    np.testing.assert_allclose(
        embedder.embed_queries(["x", "y"]), HashEmbedder(16).embed_queries(["x", "y"]), atol=1e-6
    )
    with KnowledgeBase.open(tmp_path / "kb", embedder=embedder) as kb:
        kb.add(DOCUMENTS)
        assert kb.search("Pumpe")[0].parts.late is None


def test_another_model_is_not_found(url):
    embedder = client_of(url, model="another")
    with pytest.raises(ServiceRefused, match="multilingual-e5-small"):
        embedder.embed_queries(["x"])
    embedder.close()


def post(client, path, **body):
    return client.post(path, json={"model": MODEL, **body})


def test_the_words_of_other_services_are_understood(client):
    vectors = {
        word: post(client, "/v1/embeddings", input="Die Pumpe", input_type=word).json()["data"]
        for word in ("query", "search_query", "passage", "document", "search_document")
    }
    assert vectors["query"] == vectors["search_query"] != vectors["passage"]
    assert vectors["passage"] == vectors["document"] == vectors["search_document"]
    assert post(client, "/v1/embeddings", input="x", input_type="question").status_code == 422


def test_who_asks_for_no_tokens_gets_none(client):
    reply = post(client, "/v1/embeddings", input=["a", "b"]).json()
    assert [set(each) for each in reply["data"]] == [{"object", "index", "embedding"}] * 2


def test_models_tell_the_contract(client, bundled_e5):
    chat, embedder = client.get("/v1/models").json()["data"]
    assert "contract" not in chat
    told = embedder["contract"]
    space = load_token_space(bundled_e5.contract.weights)
    assert told.pop("token_basis") == basis_name(space.basis)
    assert told == bundled_e5.contract.as_dict()


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/embeddings", {"token_vectors": True, "input": ["a" * 100_000] * 3}, "input"),
        ("/v1/embeddings", {"instruction": "Find", "input": "a"}, "instruction"),
        (
            "/v1/embeddings",
            {"instruction": "Find", "input": "a", "input_type": "query"},
            None,
        ),
        ("/v1/token-counts", {"input": []}, "input"),
        ("/v1/token-counts", {"input": "a" * 100_001}, "input"),
    ],
)
def test_what_can_not_be_meant_is_refused(client, path, body, param):
    reply = post(client, path, **body)
    assert isinstance(reply, httpx.Response)
    assert reply.status_code == 422, reply.text
    assert param is None or reply.json()["error"]["param"].startswith(param)


def test_token_counts_are_for_the_model_that_is_there(client):
    reply = client.post("/v1/token-counts", json={"model": "another", "input": "a"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")
