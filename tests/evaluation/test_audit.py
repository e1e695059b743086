"""Which passage of a set a foreign document is, and what becomes of a retriever that fails."""

from __future__ import annotations

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.evaluation.audit import FoundPassage, audit, passage_id
from rag_engine.evaluation.datasets import TestQuestion, TestSet
from rag_engine.evaluation.home_bias import home_bias
from rag_engine.records import Document

KNOWN = ("1", "2", "3")


@pytest.mark.parametrize(
    ("own", "metadata", "told"),
    [
        ({"id": "2"}, None, ("2", "id")),
        ({"id": 2}, None, ("2", "id")),
        ({"node id": "x"}, {"doc_id": "3"}, ("3", "metadata 'doc_id'")),
        ({"node id": "3"}, {"doc_id": "article-9"}, ("3", "node id")),
        ({"node id": "1"}, {"id": 1}, ("1", "metadata 'id'")),
        (
            {"node id": "a", "id of the node's document": "1"},
            {},
            ("1", "id of the node's document"),
        ),
    ],
)
def test_a_passage_is_told_by_the_first_field_that_is_known(own, metadata, told):
    assert passage_id(FoundPassage(own=own, metadata=metadata), KNOWN) == told


def test_the_field_that_is_named_alone_counts():
    found = FoundPassage(own={"document id": "1"}, metadata={"id": "2", "chapter": "3"})
    assert passage_id(found, KNOWN, "chapter") == ("3", "metadata 'chapter'")
    with pytest.raises(InvalidInput, match=r"metadata 'page' = None; its metadata: 'id', 'chap"):
        passage_id(found, KNOWN, "page")


@pytest.mark.parametrize("key", [None, "key"])
def test_an_id_of_none_is_no_passage_called_none(key):
    found = FoundPassage(own={"document id": None}, metadata={"id": None, "key": None})
    with pytest.raises(InvalidInput, match="what came back is no passage of the set"):
        passage_id(found, {"None"}, key)


def test_fields_that_name_two_passages_are_refused():
    found = FoundPassage(own={"document id": "1"}, metadata={"id": "2"})
    with pytest.raises(InvalidInput, match="metadata 'id' = '2', document id = '1': say with --id"):
        passage_id(found, KNOWN)


def test_what_is_no_passage_is_named():
    found = FoundPassage(own={"document id": "f3a"}, metadata={"file": "a.pdf"}, text="Die Pumpe")
    with pytest.raises(InvalidInput) as raised:
        passage_id(found, KNOWN)
    for word in ("document id = 'f3a'", "'file'", "'Die Pumpe'", "such as '1'", "--id-key"):
        assert word in str(raised.value)
    with pytest.raises(InvalidInput, match="it gives ids and no documents"):
        passage_id(FoundPassage(own={"id": "1"}), KNOWN, "id")


class Scripted:
    """Gives for a question what is written for it; an exception is raised."""

    name = "scripted"

    def __init__(self, **written):
        self.written = written

    def ask(self, question, k):
        answer = self.written[question]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def read(self, returned):
        return [FoundPassage(own={"id": each}) for each in returned]


SET = TestSet(
    name="two",
    corpus=tuple(Document(id=each, text="x") for each in KNOWN),
    questions=(TestQuestion("q1", "one", "de"), TestQuestion("q2", "two", "fr")),
    qrels={"q1": {"1": 1, "2": 1}, "q2": {"3": 1}},
    languages={"1": "de", "2": "fr", "3": "fr"},
)


def test_a_passage_that_comes_again_counts_where_it_came_first():
    found = audit(SET, Scripted(one=["2", "1", "2"], two=[]), k=10)
    assert found.run == {"q1": ["2", "1"], "q2": []}
    assert (found.repeated, found.most_hits, dict(found.hits)) == (1, 2, {2: 1, 0: 1})
    assert found.told_by == {"id": 3}
    assert audit(SET, Scripted(one=["2", "1", "2"], two=[]), k=1).run["q1"] == ["2"]


def test_a_failure_is_named_with_its_question_and_stops_nothing():
    found = audit(SET, Scripted(one=ValueError("no connection"), two=["3"]), k=10)
    assert found.run == {"q1": [], "q2": ["3"]}
    [problem] = found.failures
    assert (problem.source, problem.reason) == ("q1", "ValueError: no connection; asked 'one'")


def test_a_retriever_that_fails_on_all_is_not_measured():
    with pytest.raises(InvalidInput, match=r"failed on each question \(2\); on q1: OSError: x"):
        audit(SET, Scripted(one=OSError("x"), two=OSError("y")), k=10)


def test_what_can_not_be_told_ends_it_with_the_question():
    with pytest.raises(InvalidInput, match="scripted, question 'q2' of two: what came back is no"):
        audit(SET, Scripted(one=["1"], two=["nobody"]), k=10)


def test_home_bias_by_hand():
    """Of q1's two right passages one is at home, of q2's one it is."""
    bias = home_bias(SET, {"q1": ["1"], "q2": ["1"]})
    assert (bias.questions, bias.first_hits, bias.right_passages) == (2, 0.5, 0.75)
    assert home_bias(SET, {"q1": [], "q2": []}) is None
    many = TestSet(
        name="many",
        corpus=SET.corpus,
        questions=tuple(TestQuestion(f"q{n}", "?", "de") for n in range(40)),
        qrels={f"q{n}": {"2": 1} for n in range(40)},
        languages=SET.languages,
    )
    always_home = home_bias(many, {f"q{n}": ["1"] for n in range(40)})
    assert always_home.difference.standing == "above"
    assert always_home.line.endswith("it favours the question's language")
