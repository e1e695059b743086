"""One's own questions: how they are read, and what two knowledge bases are worth on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.own_questions import (
    OwnQuestion,
    compare_on_questions,
    read_questions,
)
from tests.samples import RULES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it holds none"),
        ("{", "line 1: it is no JSON"),
        ('\n["a"]', "line 2: a line is a JSON object"),
        ('{"question": "Wann?"}', "line 1: a line is"),
        ('{"question": "Wann?", "document": 7}', "line 1: a line is"),
    ],
    ids=["empty", "no json", "a list", "no document", "a number"],
)
def test_a_file_that_can_not_be_read(tmp_path: Path, text: str, message: str):
    path = tmp_path / "questions.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        read_questions(path)


def test_lines_with_one_question_name_several_documents(tmp_path: Path):
    path = tmp_path / "questions.jsonl"
    path.write_text(
        '{"question": "Wann?", "document": "a"}\n\n'
        '{"question": "Wann?", "document": "b", "language": "de"}\n',
        encoding="utf-8",
    )
    assert read_questions(path) == [
        OwnQuestion(text="Wann?", documents=frozenset("ab"), language="de")
    ]


def test_two_side_by_side(tmp_path: Path, real_components, quick_components):
    questions = [
        OwnQuestion(text="How often is the seal replaced?", documents=frozenset({"pump"})),
        OwnQuestion(text="Wie lange gilt die Garantie?", documents=frozenset({"garantie"})),
        OwnQuestion(text="How warm may it be?", documents=frozenset({"насос"}), language="xx"),
    ]
    with (
        KnowledgeBase.open(tmp_path / "old", components=quick_components) as old,
        KnowledgeBase.open(tmp_path / "new", components=real_components) as new,
    ):
        for kb in (old, new):
            kb.add(RULES)
        detector = real_components.detector
        compared = compare_on_questions(old, new, questions, detector)
        wrong = OwnQuestion(text="?", documents=frozenset({"none"}))
        with pytest.raises(InvalidInput, match="'none', and there is no such document"):
            compare_on_questions(old, new, [wrong], detector)
    assert list(compared) == ["", "de", "en", "xx"]
    assert (compared[""].questions, compared["xx"].questions) == (3, 1)
    assert compared[""].new["hit@1"] == 1.0
    assert compared[""].old["mrr@10"] < 1.0
    assert compared[""].difference["ndcg@10"].mean == pytest.approx(1 - compared[""].old["ndcg@10"])
