"""The dialogues: what they are made of, and that conversations are understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from rag_engine import KnowledgeBase
from rag_engine.pipelines.bench import dialogues as module
from rag_engine.pipelines.bench.dialogues import (
    HALVES,
    KINDS,
    bench_dialogues,
    dialogues,
    drawn,
)
from rag_engine.pipelines.demo import sample_documents
from rag_engine.settings import Settings
from tests.connectors.scripted_server import reply, scripted_server

SOME = 24
"""Dialogues that are asked: of a development language and of a held-out one, with new topics."""


@pytest.fixture(scope="module")
def path(tmp_path_factory, real_components):
    folder = tmp_path_factory.mktemp("dialogues") / "kb"
    with KnowledgeBase.open(folder, components=real_components) as kb:
        kb.add_files(sample_documents(), prefix="")
    return folder


def test_they_are_as_many_as_is_said_and_half_change_their_topic():
    every = dialogues()
    assert len(every) == len({dialogue.id for dialogue in every}) == 120
    assert set(Counter(dialogue.language for dialogue in every).values()) == {10}
    assert len({dialogue.language for dialogue in every}) == 12
    assert {len(dialogue.turns) for dialogue in every} == {2, 3, 4}
    changed = [d for d in every if any(turn.kind == "new topic" for turn in d.turns)]
    assert len(changed) == 60
    for dialogue in every:
        assert dialogue.turns[0].kind == "first"
        assert {turn.kind for turn in dialogue.turns[1:]} <= set(KINDS[1:])
        assert all(turn.question.strip() == turn.question for turn in dialogue.turns)


def test_the_halves_share_no_language_and_no_document():
    parts = [[d for d in dialogues() if d.half == half] for half in HALVES]
    assert [len(part) for part in parts] == [60, 60]
    languages, documents = (
        [{get(d, turn) for d in part for turn in d.turns} for part in parts]
        for get in (lambda d, turn: d.language, lambda d, turn: turn.document)
    )
    assert not languages[0] & languages[1]
    assert not documents[0] & documents[1]


def test_every_right_hit_is_there(path, real_components):
    with KnowledgeBase.open(path, components=real_components, read_only=True) as kb:
        passages = [passage.chunk for passage in kb.passages(kb.passage_ids())]
    for dialogue in dialogues():
        for turn in dialogue.turns:
            assert any(
                chunk.document_id == turn.document and turn.holds in chunk.text
                for chunk in passages
            ), (dialogue.id, turn)


def test_follow_ups_are_found_and_new_topics_are_not_lost(path, monkeypatch):
    every = dialogues()
    some = [d for d in every if d.language in {"en", "zh"}][:SOME]
    monkeypatch.setattr(module, "dialogues", lambda: some)
    outcome = bench_dialogues(Settings(), path)
    rows = {
        (half, row["turns_of"]): row
        for half, of_half in outcome.result["halves"].items()
        for row in of_half
    }
    for half in HALVES:
        follow_up, new = rows[half, "follow-up"], rows[half, "new topic"]
        assert follow_up["with history"] > follow_up["alone"] + 0.2
        assert new["with history"] >= new["alone"] - 0.3  # two of seven
    columns = ["development", "turns", "alone", "with", "history", "rewritten"]
    assert outcome.lines[0].split() == columns
    assert {row["rewritten"] for row in rows.values()} == {0}  # nobody is there who could


def test_a_sample_is_drawn_from_all_languages_and_is_always_the_same():
    every = dialogues()
    some = drawn(every, 30)
    assert some == drawn(every, 30)
    assert len({dialogue.id for dialogue in some}) == 30
    assert set(Counter(dialogue.language for dialogue in some).values()) == {2, 3}
    assert some[:12] == drawn(every, 12)
    assert len(drawn(every, 1_000)) == len(every)


def test_a_model_that_only_rewrites_writes_no_answer(path):
    def rewritten(handler, request):
        reply({"choices": [{"message": {"content": "Why?"}, "finish_reason": "stop"}]})(
            handler, request
        )

    with scripted_server() as server:
        server.script[:] = [rewritten]
        generator = {"kind": "openai-compatible", "model": "m", "base_url": server.url}
        settings = Settings.model_validate({"generator": generator})
        outcome = bench_dialogues(settings, path, sample=2, parallel=2, quote=True)
    asked = [request.body["messages"][-1]["content"] for request in server.requests]
    turns = sum(len(dialogue.turns) - 1 for dialogue in drawn(dialogues(), 2))
    assert len(asked) == turns
    assert all("<conversation-" in text and "“" in text for text in asked)
    [all_turns, *_] = outcome.result["halves"]["development"]
    assert all_turns["rewritten"] == pytest.approx(turns / (turns + 2))


def test_a_turn_is_right_by_its_first_hit_alone(path, real_components):
    [dialogue, *_] = dialogues()
    turn = dialogue.turns[1]
    with KnowledgeBase.open(path, components=real_components, read_only=True) as kb:
        hits = kb.search("パール3のカートリッジはいつ交換しますか。", k=3)
    assert turn.is_answered_by(hits)
    assert not turn.is_answered_by([])
    assert not replace(turn, holds="nowhere").is_answered_by(hits)
    assert not turn.is_answered_by([hit for hit in hits if turn.holds not in hit.chunk.text])
