"""The embeddings connector against a real server, which serves well, badly and out of order."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import SecretStr

from rag_engine.connectors.embedders.openai_compatible import OpenAICompatibleEmbedder
from rag_engine.connectors.token_estimates import estimated_tokens
from rag_engine.errors import InvalidInput, InvalidVectors, ServiceMalformed, ServiceRefused
from rag_engine.ports import Embedder, InstructedEmbedder
from tests.connectors.scripted_server import refusal, reply, scripted_server
from tests.doubles import HashEmbedder

KEY = "sk-geheim-4711-0815"
VECTORS = HashEmbedder(dimension=8)


def embeddings(rows, order=None):
    # A float32 is no JSON, and an int may be greater than any float.
    numbers = [[each if type(each) is int else float(each) for each in row] for row in rows]
    data = [{"index": i, "embedding": row} for i, row in enumerate(numbers)]
    return {"data": [data[i] for i in order] if order else data}


def serve(handler, request):
    """Serve vectors three times too long, last text first."""
    texts = request.body["input"]
    rows = VECTORS.embed_passages(texts) * 3
    reply(embeddings(rows, order=list(range(len(texts)))[::-1]))(handler, request)


@pytest.fixture
def server():
    with scripted_server() as running:
        running.script[:] = [serve]
        yield running


@pytest.fixture
def embedder(server):
    made = []

    def make(**options):
        options = {"api_key": SecretStr(KEY), "backoff_s": 0.01, "model": "served", **options}
        made.append(OpenAICompatibleEmbedder(base_url=server.url, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_vectors_come_in_order_and_of_unit_length(server, embedder):
    texts = [f"Text {number}" for number in range(7)]
    used = embedder(batch_size=3)
    assert isinstance(used, Embedder)
    vectors = used.embed_passages(texts)
    assert np.allclose(vectors, VECTORS.embed_passages(texts), atol=1e-6)
    assert vectors.dtype == np.float32
    assert [len(request.body["input"]) for request in server.requests] == [1, 3, 3, 1]
    assert {request.path for request in server.requests} == {"/v1/embeddings"}
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.requests[-1].body == {
        "model": "served",
        "input": ["Text 6"],
        "encoding_format": "float",
    }


def test_the_width_is_asked_for_once(server, embedder):
    used = embedder()
    assert (used.dimension, used.contract.dimension, used.dimension) == (8, 8, 8)
    assert len(server.requests) == 1


def test_no_texts_are_no_vectors(embedder):
    assert embedder().embed_passages([]).shape == (0, 8)


def test_prompts_are_those_of_the_family_and_stand_in_the_contract(server, embedder):
    used = embedder(model="intfloat/multilingual-e5-large")
    used.embed_queries(["Wo?"])
    used.embed_passages(["Hier."])
    assert [r.body["input"] for r in server.requests[1:]] == [["query: Wo?"], ["passage: Hier."]]
    assert used.contract.query_prompt == "query: "
    assert used.contract.passage_prompt == "passage: "


def test_stated_prompts_win(server, embedder):
    used = embedder(model="multilingual-e5-large", query_prompt="", passage_prompt="P: ")
    used.embed_queries(["Wo?"])
    used.embed_passages(["Hier."])
    assert [r.body["input"] for r in server.requests[1:]] == [["Wo?"], ["P: Hier."]]


def test_a_model_that_was_trained_with_instructions_takes_one(server, embedder):
    used = embedder(model="multilingual-e5-large-instruct")
    assert isinstance(used, InstructedEmbedder)
    used.embed_instructed_queries(["Wo?"], "Find a rule")
    assert server.requests[-1].body["input"] == ["Instruct: Find a rule\nQuery: Wo?"]
    with pytest.raises(InvalidInput, match="it reads 'query: ' before a question"):
        embedder(model="multilingual-e5-large").embed_instructed_queries(["Wo?"], "Find a rule")


def test_a_server_is_told_what_is_a_question_in_its_own_words(server, embedder):
    used = embedder(input_types=("query", "document"))
    used.embed_queries(["Wie oft?"])
    used.embed_passages(["Jedes Jahr."])
    told = [request.body["input_type"] for request in server.requests]
    assert told == ["document", "query", "document"]  # the first asks how wide vectors are
    assert used.contract.pooling == "served as query/document"
    silent = embedder()
    silent.embed_queries(["Wie oft?"])
    assert "input_type" not in server.requests[-1].body
    assert silent.contract.pooling == "served"


def test_a_server_that_says_nothing_of_its_model_gives_no_tokens(server, embedder):
    used = embedder()
    assert not used.serves_basis(np.eye(2, 8, dtype=np.float32))
    with pytest.raises(InvalidInput, match="no vectors of tokens"):
        used.embed_passage_tokens(["x"], np.eye(2, 8, dtype=np.float32))
    assert used.count_tokens(["Vielen Dank"]) == [4]


def test_odd_texts_never_crash(server, embedder):
    odd = ["", "\ud800 halb", "水" * 5_000, "a" * 100_000, "\x00"]
    assert embedder(max_tokens=100).embed_passages(odd).shape == (5, 8)
    sent = server.requests[-1].body["input"]
    assert sent[:3] == [" ", "? halb", "水" * 100]
    assert len(sent[3]) == 300


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_text_that_the_server_finds_too_long_is_shortened(server, embedder, status, caplog):
    def picky(handler, request):
        step = refusal(status, "too long") if max(map(len, request.body["input"])) > 200 else serve
        step(handler, request)

    server.script[:] = [picky]
    texts = ["kurz", "1 2 3 4 5 " * 60, "auch kurz"]
    used = embedder(max_retries=0)
    vectors = used.embed_passages(texts)
    assert np.allclose(vectors[[0, 2]], VECTORS.embed_passages([texts[0], texts[2]]), atol=1e-6)
    assert np.allclose(vectors[1], VECTORS.embed_passages([texts[1][:150]])[0], atol=1e-6)
    assert "too long" in caplog.text
    server.script[:] = [refusal(status, "another reason")]
    with pytest.raises(ServiceRefused, match="another reason"):
        used.embed_passages(texts)
    with pytest.raises(ServiceRefused, match="another reason"):
        used.embed_queries(["kurz"])


def test_one_text_is_no_list_of_texts(embedder):
    with pytest.raises(InvalidInput, match="list of texts"):
        embedder().embed_passages("Text")


def test_it_tries_again(server, embedder):
    used = embedder()
    assert used.dimension == 8
    server.script[:] = [refusal(503), refusal(429), serve]
    assert used.embed_queries(["a"]).shape == (1, 8)
    server.script[:] = [refusal(401)]
    with pytest.raises(ServiceRefused, match="RAG_ENGINE_EMBEDDINGS_API_KEY"):
        used.embed_queries(["a"])


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": [{"index": 0, "embedding": [1.0] * 8}]},
        {"data": [{"index": 0, "embedding": [1.0] * 8}] * 2},
        {"data": [{"index": i, "embedding": [1.0] * 8} for i in (1, 2)]},
        {"data": [{"index": i, "embedding": "AACAPw=="} for i in (0, 1)]},
        {"data": [{"index": i, "embedding": [True] * 8} for i in (0, 1)]},
        {"data": [{"index": i, "embedding": []} for i in (0, 1)]},
        {"data": [{"index": i, "embedding": [None] * 8} for i in (0, 1)]},
        {"data": [{"index": str(i), "embedding": [1.0] * 8} for i in (0, 1)]},
        {"data": [{"embedding": [1.0] * 8}] * 2},
        {"data": 5},
        {"object": "list"},
        [],
        None,
    ],
)
def test_answers_that_are_none(server, embedder, answer):
    used = embedder()
    assert used.dimension == 8
    server.script[:] = [reply(answer)]
    with pytest.raises(ServiceMalformed):
        used.embed_passages(["a", "b"])


@pytest.mark.parametrize(
    "rows",
    [
        [[float("nan")] * 8, [1.0] * 8],
        [[float("inf")] * 8, [1.0] * 8],
        [[0.0] * 8, [1.0] * 8],
        [[1.0] * 7, [1.0] * 7],
        [[1.0] * 8, [1.0] * 7],
        [[1e300] * 8, [1.0] * 8],
        [[10**400] * 8, [1.0] * 8],
    ],
)
def test_vectors_that_are_none(server, embedder, rows):
    used = embedder()
    assert used.dimension == 8
    server.script[:] = [reply(embeddings(rows))]
    with pytest.raises(InvalidVectors):
        used.embed_passages(["a", "b"])


@pytest.mark.parametrize("wrong", [{"model": ""}, {"batch_size": 0}, {"max_tokens": 0}])
def test_numbers_out_of_range(embedder, wrong):
    with pytest.raises(InvalidInput):
        embedder(**wrong)


def test_tokens_are_estimated_rather_high(bundled_e5):
    texts = [
        "The filter of the pump is replaced every six months by a trained technician.",
        "Der Filter der Pumpe wird alle sechs Monate von einer Fachkraft gewechselt.",
        "Фильтр насоса меняет обученный специалист каждые шесть месяцев.",
        "水泵的滤芯每六个月由受过培训的技术人员更换一次。",
        "पंप का फ़िल्टर हर छह महीने में बदला जाता है।",
        "يتم استبدال مرشح المضخة كل ستة أشهر بواسطة فني مدرب.",
    ]
    real = bundled_e5.count_tokens(texts)
    estimated = [estimated_tokens(text) for text in texts]
    assert all(r <= e for r, e in zip(real, estimated, strict=True))
