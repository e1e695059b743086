"""A knowledge base that is asked in conversations, by the whole real path."""

from __future__ import annotations

import anyio
import pytest

from rag_engine import Document, Equals, KnowledgeBase, Message, Settings
from rag_engine.errors import InvalidInput, ServiceTimeout, SettingsError
from rag_engine.pipelines.demo import sample_documents

FIRST = "How long must the water run after I have changed the cartridge of the Pearl 3?"
FOLLOW_UP = "And how often do I have to change it?"
STANDING_ALONE = "How often do I have to change the cartridge of the Pearl 3 water filter?"
NEW = "How long does a delivery to Chile take, and what does the freight cost?"
FILTER, SHIPPING = "manuals/filter_cartridge_replacement_ja.md", "delivery_destinations_es.csv"


@pytest.fixture(scope="module")
def path(tmp_path_factory, real_components):
    folder = tmp_path_factory.mktemp("conversation") / "kb"
    with KnowledgeBase.open(folder, components=real_components) as kb:
        kb.add_files(sample_documents(), prefix="")
    return folder


@pytest.fixture(scope="module")
def kb(path, real_components):
    with KnowledgeBase.open(path, components=real_components, read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def history(kb):
    return [Message("user", FIRST), Message("assistant", kb.ask(FIRST).text)]


class Writer:
    """Replies with one text after the other; a question is asked for before an answer."""

    name, quotes = "writer", False

    def __init__(self, *replies):
        self.replies = list(replies)
        self.prompts = []

    def generate(self, prompt):
        self.prompts.append(prompt)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        yield reply


def first(hits):
    return hits[0].chunk.document_id


def test_a_follow_up_is_answered_by_what_was_talked_about(kb, history):
    alone = kb.search(FOLLOW_UP, k=3)
    assert first(alone) != FILTER
    assert alone[0].parts.follow_up is None
    hits = kb.search(FOLLOW_UP, history=history, k=3)
    assert first(hits) == FILTER
    assert "6か月ごと" in hits[0].chunk.text
    assert hits[0].parts.follow_up > 0.5
    answer = kb.ask(FOLLOW_UP, history=history)
    assert answer.supported
    assert answer.citations[0].document_id == FILTER
    assert answer.rewritten is None  # nobody is there who could


def test_a_new_topic_wins(kb, history):
    alone, hits = kb.search(NEW, k=3), kb.search(NEW, history=history, k=3)
    assert first(hits) == first(alone)
    assert SHIPPING in first(hits)
    assert hits[0].parts.follow_up < 0.5
    assert hits[0].score == pytest.approx(alone[0].score, rel=0.5)


def test_questions_alone_tell_what_was_talked_about(kb):
    said = [{"role": "user", "content": FIRST}]
    assert first(kb.search(FOLLOW_UP, history=said)) == FILTER


def test_without_anything_said_all_is_as_it_was(kb):
    for nothing in ([], [Message("user", "  ")], ({"role": "assistant", "content": ""},)):
        assert kb.search(NEW, history=nothing) == kb.search(NEW)


def test_a_filter_holds_in_a_conversation_too(kb, history):
    for where in (Equals("language", "de"), Equals("document_id", "nobody")):
        hits = kb.search(FOLLOW_UP, history=history, where=where)
        assert {hit.chunk.language for hit in hits} <= {"de"}
    assert hits == []


@pytest.mark.parametrize("mode", ["dense", "lexical", "bm25", "rrf"])
def test_in_other_modes_the_question_before_is_one_more_formulation(
    path, real_components, history, mode
):
    settings = Settings().of_kind("retrieval", mode)
    with KnowledgeBase.open(
        path, components=real_components, settings=settings, read_only=True
    ) as kb:
        hits = kb.search(FOLLOW_UP, history=history, k=5)
        joined = kb.search(FOLLOW_UP, also=[f"{FIRST} {FOLLOW_UP}"], k=5)
    assert [hit.chunk_id for hit in hits] == [hit.chunk_id for hit in joined]
    assert all(hit.parts.follow_up is None for hit in hits)


def test_nothing_is_there(tmp_path, quick_components, history):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        assert kb.search(FOLLOW_UP, history=history) == []
        kb.add([Document(id="one", text="The only one.")])
        assert first(kb.search(FOLLOW_UP, history=history)) == "one"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("How long?", "history is a list of messages"),
        ([("user", "How long?")], "message 1 of history is a Message"),
        ([{"role": "user"}], "has role and content, got 'role'"),
        ([{"role": "user", "content": "a", "name": "b"}], "has role and content"),
        ([Message("system", "Be brief.")], "role is one of 'user', 'assistant', got 'system'"),
        ([Message("user", "a"), Message("user", 5)], "message 2 of history: content is a text"),
        ([Message("user", "a" * 100_001)], "at most 100,000 characters"),
        ([Message("user", "\ud800")], "lone surrogate"),
        ([Message("user", "a")] * 1_001, "at most 1000 messages, got 1001"),
    ],
)
def test_what_is_no_history_is_refused(kb, said, reason):
    for ask in (kb.search, kb.ask):
        with pytest.raises(InvalidInput, match=reason):
            ask("Why?", history=said)


def test_tasks_are_answered_alike(kb, history):
    async def asked():
        hits = await kb.asearch(FOLLOW_UP, history=history, k=2)
        answer = await kb.aask(FOLLOW_UP, history=history)
        async with kb.astream(FOLLOW_UP, history=history) as stream:
            text = "".join([piece async for piece in stream])
        return hits, answer, text, stream.answer

    hits, answer, text, streamed = anyio.run(asked)
    assert hits == kb.search(FOLLOW_UP, history=history, k=2)
    assert answer == streamed == kb.ask(FOLLOW_UP, history=history)
    assert text.strip() == answer.text


def opened_with(writer, path, real_components, settings=None):
    from dataclasses import replace

    components = replace(real_components, generator=writer)
    return KnowledgeBase.open(path, components=components, settings=settings, read_only=True)


def test_a_language_model_writes_the_question_anew(path, real_components, history):
    writer = Writer(STANDING_ALONE, "Every six months [1].")
    with opened_with(writer, path, real_components) as kb:
        answer = kb.ask(FOLLOW_UP, history=history)
    assert answer.rewritten == STANDING_ALONE
    assert answer.text == "Every six months [1]."
    assert answer.warnings == ()
    assert first(answer.hits) == FILTER
    rewriting, answering = writer.prompts
    assert FIRST in rewriting.user
    assert answering.question == STANDING_ALONE


def test_a_question_that_stands_alone_is_asked_as_it_is(path, real_components, history):
    writer = Writer(NEW, "38 days and 210 euros a pallet [1].")
    with opened_with(writer, path, real_components) as kb:
        answer = kb.ask(NEW, history=history)
    assert (answer.rewritten, answer.warnings) == (None, ())
    assert SHIPPING in first(answer.hits)


@pytest.mark.parametrize(
    ("reply", "rewritten"),
    [(FOLLOW_UP, None), (STANDING_ALONE, STANDING_ALONE), (NEW, NEW), ("What else?", "What else?")],
    ids=["repeated", "right", "wrong", "short"],
)
@pytest.mark.parametrize("others", [0, 8])
def test_a_rewriting_is_searched_beside_what_was_said(
    path, real_components, history, reply, rewritten, others
):
    """Many a model repeats the question, or writes another: what was said counts all the same."""
    also = [f"Word {number}" for number in range(others)]  # as many as may be
    with opened_with(Writer(reply, "Six months [1]."), path, real_components) as kb:
        answer = kb.ask(FOLLOW_UP, also=also, history=history, strictness="eager")
        hits = kb.search(
            FOLLOW_UP,
            also=[reply, *also][:8] if len(reply) > len(FOLLOW_UP) else also,
            history=history,
            k=kb.settings.answering.hits,
            min_score=kb.least_score,
        )
    assert answer.rewritten == rewritten
    assert list(answer.hits) == hits
    assert FILTER in {hit.chunk.document_id for hit in hits}


def test_without_a_history_no_model_is_asked_to_write_it_anew(path, real_components):
    writer = Writer("Ten minutes [1].")
    with opened_with(writer, path, real_components) as kb:
        assert kb.ask(FIRST).text == "Ten minutes [1]."
    assert len(writer.prompts) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I can not do that.\nSorry.", "instead of one question"),
        ("Wie oft muss ich die Kartusche des Wasserfilters denn nun wechseln?", "in 'de', not"),
        (ServiceTimeout("no answer in 60 s"), "no answer in 60 s"),
    ],
)
def test_nonsense_and_failures_fall_back_and_are_told(
    path, real_components, history, reply, reason
):
    writer = Writer(reply, "Every six months [1].")
    with opened_with(writer, path, real_components) as kb:
        answer = kb.ask(FOLLOW_UP, history=history)
    assert answer.rewritten is None
    [warning] = answer.warnings
    assert reason in warning
    assert first(answer.hits) == FILTER
    assert answer.hits[0].parts.follow_up > 0.5


def test_the_prompts_are_settings(path, real_components, history):
    settings = Settings.model_validate(
        {
            "answering": {
                "rewriting_system_prompt": "Between {boundary}, in {language}.",
                "rewriting_prompt": "{conversation} // {question}",
            }
        }
    )
    writer = Writer(STANDING_ALONE, "Every six months [1].")
    with opened_with(writer, path, real_components, settings) as kb:
        kb.ask(FOLLOW_UP, history=history)
    assert writer.prompts[0].system.endswith(", in English.")
    assert writer.prompts[0].user.endswith(f" // {FOLLOW_UP}")


@pytest.mark.parametrize(
    "answering",
    [
        {"rewriting_system_prompt": "No boundary."},
        {"rewriting_prompt": "{question} without what was said"},
        {"rewriting_prompt": "{conversation} {question} {sources}"},
    ],
)
def test_a_template_that_lacks_what_it_needs_is_refused(answering):
    with pytest.raises(ValueError, match="template"):
        Settings.model_validate({"answering": answering})


def test_prompts_for_a_generator_that_only_quotes_are_refused(tmp_path):
    settings = Settings.model_validate(
        {"answering": {"rewriting_prompt": "{conversation} {question}"}}
    )
    with pytest.raises(SettingsError, match="rewriting_prompt"):
        KnowledgeBase.open(tmp_path / "kb", settings=settings)
