"""Conversations on the command line: read from a file, and written down in it."""

from __future__ import annotations

import json

import pytest

from rag_engine import Document, KnowledgeBase, Message
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.cli.history import load_history, write_history
from rag_engine.pipelines.output import Exit

QUESTION = "Wie oft wird die Dichtung der Pumpe X-200 ersetzt?"
FOLLOW_UP = "Und das Öl?"
SAID = [
    {"role": "user", "content": QUESTION},
    {"role": "assistant", "content": "“Die Dichtung der Pumpe X-200 wird jedes Jahr ersetzt.” [1]"},
]


@pytest.fixture(scope="module")
def kb(tmp_path_factory):
    path = tmp_path_factory.mktemp("history") / "kb"
    with KnowledgeBase.open(path) as made:
        made.add(
            [
                Document(
                    id="pumpe",
                    text="Die Dichtung der Pumpe X-200 wird jedes Jahr ersetzt. Das Öl der Pumpe "
                    "wird alle zwei Jahre gewechselt.",
                ),
                Document(id="kran", text="Das Öl des Krans wird jeden Monat geprüft."),
                Document(id="garantie", text="La garantie dure trois ans à partir de l'achat."),
            ]
        )
    return path


def run(capsys, *arguments):
    status = main([*map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_file_says_what_was_said_before(kb, tmp_path, capsys, command):
    (tmp_path / "talk.json").write_text(json.dumps(SAID, ensure_ascii=False), encoding="utf-8")
    history = ("--history", tmp_path / "talk.json")
    status, found, _ = run(capsys, command, FOLLOW_UP, "--kb", kb, *history)
    assert status == Exit.DONE
    with KnowledgeBase.open(kb, read_only=True) as opened:
        [expected, *_] = opened.search(FOLLOW_UP, history=[Message(**each) for each in SAID])
    best = found["result"]["hits"][0]
    assert best["document"] == "pumpe"
    assert best["parts"]["follow_up"] == pytest.approx(expected.parts.follow_up, abs=1e-6)
    assert json.loads((tmp_path / "talk.json").read_text(encoding="utf-8")) == SAID
    _, alone, _ = run(capsys, command, FOLLOW_UP, "--kb", kb)
    assert alone["result"]["hits"][0]["parts"]["follow_up"] is None


def test_a_conversation_is_written_down_and_goes_on(kb, tmp_path, capsys):
    talk = tmp_path / "talk.json"
    told = ("--kb", kb, "--history", talk, "--remember")
    status, first, _ = run(capsys, "ask", QUESTION, *told)
    assert status == Exit.DONE
    said = json.loads(talk.read_text(encoding="utf-8"))
    assert said == [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": first["result"]["answer"]},
    ]
    _, second, _ = run(capsys, "ask", FOLLOW_UP, *told)
    assert second["result"]["hits"][0]["parts"]["follow_up"] is not None
    later = json.loads(talk.read_text(encoding="utf-8"))
    assert later[:2] == said
    assert [each["content"] for each in later[2:]] == [FOLLOW_UP, second["result"]["answer"]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no such file"),
        ("{", "Expecting property name"),
        ('{"role": "user"}', "history is a list of messages"),
        ('[{"role": "system", "content": "x"}]', "role is one of 'user', 'assistant'"),
        ('["x"]', "message 1 of history is a Message, or a mapping"),
        ("[" * 100_000, "talk.json: "),
    ],
)
@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_file_that_holds_no_conversation_is_refused(kb, tmp_path, capsys, command, text, reason):
    talk = tmp_path / "talk.json"
    if text is not None:
        talk.write_text(text, encoding="utf-8")
    status, failed, _ = run(capsys, command, FOLLOW_UP, "--kb", kb, "--history", talk)
    assert status == Exit.FAILED
    assert failed["error"]["type"] == "InvalidInput"
    assert str(talk) in failed["error"]["message"]
    assert reason in failed["error"]["message"]


def test_a_file_that_can_not_be_written_is_told_before_anything_is_asked(kb, tmp_path, capsys):
    talk = tmp_path / "missing" / "talk.json"
    told = ("--kb", kb, "--history", talk, "--remember")
    status, _, err = run(capsys, "ask", QUESTION, *told)
    assert status == Exit.USAGE
    assert "make it first" in err


def test_what_is_written_down_needs_a_file(kb, capsys):
    status, _, err = run(capsys, "ask", QUESTION, "--kb", kb, "--remember")
    assert status == Exit.USAGE
    assert "--history" in err


def test_a_history_that_can_not_be_written_costs_no_answer(kb, tmp_path, capsys):
    talk = tmp_path / "talk.json"
    talk.write_text(json.dumps(SAID), encoding="utf-8")
    (tmp_path / "talk.json.new").mkdir()  # where it would be written
    asked = ("ask", QUESTION, "--kb", kb, "--history", talk, "--remember")
    status, answered, _ = run(capsys, *asked)
    assert status == Exit.PROBLEMS
    assert "[1]" in answered["result"]["answer"]
    [problem] = answered["problems"]
    assert problem["source"] == str(talk)
    assert json.loads(talk.read_text(encoding="utf-8")) == SAID


def test_a_history_keeps_its_latest_messages(tmp_path):
    said = [Message("user", str(number)) for number in range(1_003)]
    write_history(tmp_path / "talk.json", said)
    assert load_history(tmp_path / "talk.json") == said[3:]
