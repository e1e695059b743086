"""Searching and asking over HTTP, as a page or a program does it."""

from __future__ import annotations

import json

import pytest

from rag_engine.connectors.http.evidence import nearest_sentences
from rag_engine.records import Chunk, Hit, ScoreParts
from tests.connectors.http.service import QUESTION


def events(response) -> list[tuple[str, dict]]:
    found = []
    for block in response.read().decode("utf-8").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found


def test_a_question_finds_a_passage_in_another_language(client):
    reply = client.post("/v1/search", json={"question": QUESTION, "k": 2})
    assert reply.status_code == 200
    found = reply.json()
    best = found["hits"][0]
    assert (found["question"], found["language"]) == (QUESTION, "en")
    assert (best["rank"], best["document"], best["language"]) == (1, "garantie", "fr")
    assert best["text"] == "La garantie dure trois ans à partir de l'achat. Gardez la facture."
    assert (best["start"], best["end"]) == (0, len(best["text"]))
    assert 0.1 < best["score"] <= 1
    assert set(best["parts"]) == {
        *("dense", "dense_plain", "lexical", "matched_terms", "late"),
        *("rerank", "rerank_failure"),
        *("rank_before_rerank", "follow_up", "answerable"),
        *("translations", "translation_failures"),
        "image",
    }
    assert "evidence" not in found
    assert len(found["hits"]) == 2


def test_other_formulations_help_to_find(client):
    def scores(**more):
        reply = client.post("/v1/search", json={"question": "Je, mafuta?", "k": 10, **more})
        assert reply.status_code == 200
        return {hit["document"]: hit["score"] for hit in reply.json()["hits"]}

    also = ["Wie oft wird das Öl gewechselt?", "How often is the oil changed?"]
    alone, helped = scores(), scores(also=also)
    best = max(helped, key=helped.get)
    assert helped[best] > alone.get(best, 0.0)
    reply = client.post("/v1/ask", json={"question": "Je, mafuta?", "also": also}).json()
    assert reply["hits"][0]["score"] == pytest.approx(helped[best], abs=1e-6)
    for also, instruction in ((["?"] * 9, None), ([""], None), ([], "Find a rule")):
        body = {"question": QUESTION, "also": also, "instruction": instruction}
        assert client.post("/v1/search", json=body).status_code == 422


SAID = [
    {"role": "user", "content": "Wie oft wird die Dichtung der Pumpe X-200 ersetzt?"},
    {"role": "assistant", "content": "“Die Dichtung der Pumpe X-200 wird jedes Jahr ersetzt.” [1]"},
]


def test_a_question_is_understood_by_what_was_said_before(client, http_service):
    kb = http_service.tenants.of("default").kb
    asked = {"question": "Und das Öl?", "history": SAID}
    found = client.post("/v1/search", json=asked).json()["hits"][0]
    [expected, *_] = kb.search("Und das Öl?", history=SAID)
    assert found["document"] == "handbuch/pumpe.md"
    assert found["parts"]["follow_up"] == pytest.approx(expected.parts.follow_up, abs=1e-6)
    answer = client.post("/v1/ask", json=asked).json()
    assert answer["answer"] == kb.ask("Und das Öl?", history=SAID).text
    assert (answer["question"], answer["rewritten"]) == ("Und das Öl?", None)
    [*_, (event, streamed)] = events(client.post("/v1/ask", json={**asked, "stream": True}))
    assert (event, streamed) == ("answer", answer)


@pytest.mark.parametrize(
    "history",
    [
        "Wie oft?",
        [{"role": "system", "content": "Be brief."}],
        [{"role": "user"}],
        [{"role": "user", "content": "a", "name": "b"}],
        [{"role": "user", "content": "a" * 100_001}],
        [{"role": "user", "content": "a"}] * 1_001,
    ],
)
def test_what_is_no_history_is_refused(client, history):
    for route in ("/v1/search", "/v1/ask"):
        reply = client.post(route, json={"question": "Und das Öl?", "history": history})
        assert reply.status_code == 422
        assert reply.json()["error"]["param"].startswith("history")


def test_evidence_is_the_nearest_sentence(client):
    asked = {"question": "Wie oft wird das Öl gewechselt?", "k": 1, "evidence": True}
    found = client.post("/v1/search", json=asked).json()
    [hit], [[span]] = found["hits"], found["evidence"]
    marked = hit["text"][span["start"] : span["end"]]
    assert marked == "Das Öl wird alle zwei Jahre gewechselt."


def test_evidence_ends_as_in_the_language_of_its_passage(bundled_e5):
    text = "Take pump 12. The seal lasts a year."
    spans = {}
    for language in ("en", "und"):
        chunk = Chunk(
            document_id="a", ordinal=0, start=0, end=len(text), text=text, language=language
        )
        hit = Hit(
            rank=1,
            score=1.0,
            chunk_id=1,
            chunk=chunk,
            title="",
            source="a",
            metadata={},
            query_language="en",
            parts=ScoreParts(dense=1.0, dense_plain=1.0, lexical=0.0),
        )
        [[span]] = nearest_sentences("How long does the seal last?", [hit], bundled_e5)
        spans[language] = text[span.start : span.end]
    assert spans == {"en": "The seal lasts a year.", "und": text}


def test_direction_is_that_of_most_letters(client):
    hits = client.post("/v1/search", json={"question": "מדריך בעברית", "k": 10}).json()["hits"]
    assert {hit["language"]: hit["direction"] for hit in hits}["he"] == "rtl"
    assert {hit["direction"] for hit in hits if hit["language"] != "he"} == {"ltr"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"op": "equals", "key": "format", "value": "md"}, {"handbuch/pumpe.md"}),
        ({"op": "equals", "key": "stock", "value": True}, {"handbuch/pumpe.md"}),
        ({"op": "equals", "key": "price", "value": "12"}, set()),
        ({"op": "range", "key": "price", "minimum": 10, "maximum": 12.5}, {"handbuch/pumpe.md"}),
        ({"op": "in", "key": "language", "values": ["fr", "zh"]}, {"garantie", "退款"}),
        (
            {"op": "not", "part": {"op": "in", "key": "language", "values": ["de", "he"]}},
            {"garantie", "退款"},
        ),
        (
            {
                "op": "or",
                "parts": [
                    {"op": "equals", "key": "document_id", "value": "garantie"},
                    {"op": "and", "parts": [{"op": "equals", "key": "format", "value": "md"}]},
                ],
            },
            {"garantie", "handbuch/pumpe.md"},
        ),
    ],
)
def test_filters_have_a_json_form(client, where, expected):
    reply = client.post("/v1/search", json={"question": QUESTION, "where": where})
    assert {hit["document"] for hit in reply.json()["hits"]} == expected


def test_languages_and_min_score_restrict(client):
    reply = client.post("/v1/search", json={"question": QUESTION, "languages": ["DE-at", "zh"]})
    assert {hit["language"] for hit in reply.json()["hits"]} == {"de", "zh"}
    reply = client.post("/v1/search", json={"question": QUESTION, "languages": ["und"]})
    assert reply.json()["hits"] == []  # the page has a box for passages in no known language
    reply = client.post("/v1/search", json={"question": QUESTION, "min_score": 0.9999})
    assert reply.json() == {"question": QUESTION, "language": None, "hits": []}


def test_an_answer_names_its_sources(client):
    answer = client.post("/v1/ask", json={"question": QUESTION, "evidence": True}).json()
    assert answer["supported"] is True
    assert answer["answer"].startswith("“La garantie dure trois ans à partir de l'achat.” [1]")
    assert answer["citations"][0]["document"] == "garantie"
    assert answer["citations"][0]["direction"] == "ltr"
    assert isinstance(answer["warnings"], list)
    assert len(answer["evidence"]) == len(answer["hits"])
    assert answer["evidence"][0]


def test_an_answer_may_be_wanted_in_another_language(client):
    question = "Wer war 1812 Bürgermeister von Ouagadougou?"
    nothing = {"question": question, "languages": ["xh"]}  # no passage is in it
    assert client.post("/v1/ask", json=nothing).json()["language"] == "de"
    told = client.post("/v1/ask", json={**nothing, "answer_language": "fr"}).json()
    assert (told["supported"], told["language"]) == (False, "fr")
    reply = client.post("/v1/ask", json={**nothing, "answer_language": "no language"})
    assert reply.status_code == 422


def test_a_streamed_answer_is_the_same_piece_by_piece(client):
    whole = client.post("/v1/ask", json={"question": QUESTION}).json()
    with client.stream("POST", "/v1/ask", json={"question": QUESTION, "stream": True}) as reply:
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        found = events(reply)
    assert [name for name, _ in found[:-1]] == ["text"] * (len(found) - 1)
    assert found[-1][0] == "answer"
    assert found[-1][1] == whole
    shown = "".join(data["text"] for _, data in found[:-1])
    assert whole["answer"].startswith(shown)
    assert "[1]" in shown


def test_a_stream_that_can_not_begin_has_a_status(client):
    reply = client.post("/v1/ask", json={"question": "   ", "stream": True})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid_input")


def test_a_stream_that_breaks_says_so(client, http_service, monkeypatch):
    tenant = http_service.tenants.of("default")

    def broken(question, *, on_text, **_):
        on_text("The first words of an answer ")
        raise RuntimeError("its message is nobody's business")

    monkeypatch.setattr(tenant.kb, "ask", broken)
    found = events(client.post("/v1/ask", json={"question": QUESTION, "stream": True}))
    assert [name for name, _ in found] == ["text", "error"]
    assert found[1][1]["error"]["code"] == "internal"
    assert "business" not in json.dumps(found)
    whole = client.post("/v1/ask", json={"question": QUESTION})
    assert whole.status_code == 500  # the double takes no call without on_text
    assert whole.json()["error"]["code"] == "internal"


def test_what_the_knowledge_base_holds(client):
    told = client.get("/v1/knowledge-base").json()
    assert told["documents"] >= 4
    assert told["model"] == "intfloat/multilingual-e5-small"
    assert told["role"] == "admin"
    languages = {each["language"]: each for each in told["languages"]}
    assert languages["he"]["direction"] == "rtl"
    assert sum(each["share"] for each in told["languages"]) == pytest.approx(1, abs=1e-3)
