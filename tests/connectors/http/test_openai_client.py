"""The official OpenAI client, pointed here by its base URL alone."""

from __future__ import annotations

import numpy as np
import openai
import pytest

from tests.connectors.http.service import QUESTION, secret

MODEL = "intfloat/multilingual-e5-small"


@pytest.fixture
def openai_client(url):
    with openai.OpenAI(
        base_url=f"{url}/v1", api_key=secret("default", "read"), max_retries=0
    ) as made:
        yield made


def test_embeddings_are_the_knowledge_bases_own(openai_client, http_service):
    embedder = http_service.tenants.of("default").embedder
    texts = ["Die Pumpe", "退款"]
    for kind, embed in (("query", embedder.embed_queries), ("passage", embedder.embed_passages)):
        expected = embed(texts)
        for encoding in ("float", "base64", openai.omit):  # left out, the client asks for base64
            reply = openai_client.embeddings.create(
                model=MODEL,
                input=texts,
                encoding_format=encoding,
                extra_body={"input_type": kind},
            )
            assert [each.index for each in reply.data] == [0, 1]
            vectors = [each.embedding for each in reply.data]
            if encoding == "base64":
                import base64

                vectors = [np.frombuffer(base64.b64decode(each), "<f4") for each in vectors]
            np.testing.assert_allclose(np.array(vectors, np.float32), expected, atol=1e-6)
    assert reply.usage.prompt_tokens == sum(embedder.count_tokens(texts))
    single = openai_client.embeddings.create(model=MODEL, input="Die Pumpe")
    np.testing.assert_allclose(single.data[0].embedding, embedder.embed_passages(["Die Pumpe"])[0],
                               atol=1e-6)  # fmt: skip


def test_embeddings_of_another_model_are_refused(openai_client):
    with pytest.raises(openai.NotFoundError, match="multilingual-e5-small"):
        openai_client.embeddings.create(model="text-embedding-3-small", input="a")
    with pytest.raises(openai.UnprocessableEntityError, match="384 dimensions"):
        openai_client.embeddings.create(model=MODEL, input="a", dimensions=8)
    with pytest.raises(openai.UnprocessableEntityError):
        openai_client.embeddings.create(model=MODEL, input=[[1, 2, 3]])
    with pytest.raises(openai.UnprocessableEntityError):
        openai_client.embeddings.create(model=MODEL, input=[])


def test_models(openai_client):
    assert [each.id for each in openai_client.models.list()] == ["rag-engine", MODEL]


def test_a_chat_answers_from_the_knowledge_base(openai_client):
    reply = openai_client.chat.completions.create(
        model="gpt-4o",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        ],
        temperature=0.2,
    )
    [choice] = reply.choices
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert choice.message.content.startswith("“La garantie dure trois ans")
    assert "\n\n[1] garantie" in choice.message.content
    assert choice.message.citations[0]["document"] == "garantie"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_a_chat_is_understood_by_what_was_said_before(openai_client, http_service):
    kb = http_service.tenants.of("default").kb
    said = [
        {"role": "user", "content": "Wie oft wird die Dichtung der Pumpe X-200 ersetzt?"},
        {"role": "assistant", "content": "“Die Dichtung der Pumpe X-200 wird jedes Jahr ersetzt.”"},
    ]
    messages = [{"role": "system", "content": "x"}, *said, {"role": "tool", "content": "y",
                "tool_call_id": "1"}, {"role": "user", "content": "Und das Öl?"}]  # fmt: skip
    reply = openai_client.chat.completions.create(model="rag-engine", messages=messages)
    expected = kb.ask("Und das Öl?", history=said)
    assert expected.hits[0].parts.follow_up > 0.5
    assert reply.choices[0].message.content.startswith(expected.text)
    assert reply.choices[0].message.citations[0]["document"] == "handbuch/pumpe.md"
    assert reply.choices[0].message.rewritten is None


def test_a_streamed_chat_is_the_same(openai_client):
    messages = [{"role": "user", "content": QUESTION}]
    whole = openai_client.chat.completions.create(model="rag-engine", messages=messages)
    text, citations, usage, reasons = "", None, None, []
    with openai_client.chat.completions.create(
        model="rag-engine",
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        for event in stream:
            usage = event.usage or usage
            for choice in event.choices:
                text += choice.delta.content or ""
                citations = getattr(choice.delta, "citations", None) or citations
                reasons.append(choice.finish_reason)
    assert text == whole.choices[0].message.content
    assert citations == whole.choices[0].message.citations
    assert usage == whole.usage
    assert reasons[-1] == "stop"
    assert len(reasons) > 3


def test_a_chat_without_a_question_and_errors_as_openai_has_them(openai_client, url):
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        openai_client.chat.completions.create(
            model="rag-engine", messages=[{"role": "system", "content": "Be brief."}]
        )
    assert caught.value.code == "invalid_request"
    assert caught.value.param == "messages"
    assert caught.value.request_id
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()
