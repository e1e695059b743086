"""Filters that one statement of SQLite would refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import InvalidFilter
from rag_engine.filters import MOST_IN_LIST, And, Equals, Filter, In, Not, Or
from rag_engine.store import filter_parts
from tests.contracts.filters import matches, trees

DOCUMENTS = [
    Document(id="a", text="one", title="x", metadata={"alpha": "1", "beta": 2}),
    Document(id="b", text="two", title="y", metadata={"alpha": 1, "beta": True}),
    Document(id="c", text="three", metadata={"beta": 0.5}),
    Document(id="d", text="four", metadata={"alpha": "%"}),
]


@pytest.fixture(scope="module")
def kb(tmp_path_factory, quick_components):
    path = tmp_path_factory.mktemp("filters") / "kb"
    with KnowledgeBase.open(path, components=quick_components) as opened:
        opened.add(DOCUMENTS)
        yield opened


def found(kb: KnowledgeBase, where: Filter) -> set[str]:
    return {hit.chunk.document_id for hit in kb.search("one two three four", k=50, where=where)}


def expected(where: Filter) -> set[str]:
    return {
        each.id
        for each in DOCUMENTS
        if matches(
            where,
            {**each.metadata, "document_id": each.id, "title": each.title, "source": each.source},
        )
    }


@pytest.mark.parametrize("branch", [And, Or])
def test_thousands_of_parts_are_answered(kb: KnowledgeBase, branch: type[And | Or]):
    where = branch(*(Not(Equals("alpha", f"no {n}")) for n in range(3_000)), Equals("beta", 2))
    assert found(kb, where) == expected(where)
    assert found(kb, Not(where)) == expected(Not(where))


@pytest.mark.parametrize("branch", [And, Or])
def test_thousands_of_empty_branches_are_answered(kb: KnowledgeBase, branch: type[And | Or]):
    assert found(kb, branch(*[And()] * 3_000)) == expected(And())
    assert found(kb, branch(*[Or()] * 3_000)) == expected(Or())


def test_longer_lists_are_refused_by_name():
    with pytest.raises(InvalidFilter, match=r"at most 10,000 parts, got 10,001"):
        Or(*[And()] * (MOST_IN_LIST + 1))
    with pytest.raises(InvalidFilter, match=r"at most 10,000, got 10,001"):
        In("alpha", tuple(range(MOST_IN_LIST + 1)))


def test_the_deepest_filter_is_answered(kb: KnowledgeBase):
    where: Filter = Equals("alpha", "1")
    for level in range(31):
        where = (Or, And)[level % 2](Equals("beta", (2, 0.5)[level % 2]), where)
    assert found(kb, where) == expected(where)
    nots: Filter = Equals("alpha", "1")
    for _ in range(31):
        nots = Not(nots)
    assert found(kb, nots) == expected(nots) == {"b", "c", "d"}


def test_more_values_than_a_statement_takes_are_refused_by_name(kb: KnowledgeBase):
    where = Or(*(In(f"key{n}", tuple(range(10_000))) for n in range(4)))
    with pytest.raises(InvalidFilter, match=r"at most 30,000 conditions and values, got 40,008"):
        kb.search("one", where=where)


@given(where=trees)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_parts_say_what_the_whole_says(kb: KnowledgeBase, monkeypatch, where: Filter):
    catalogue = kb._catalogue
    whole = catalogue._matching(where)
    monkeypatch.setattr(filter_parts, "_MOST_CONDITIONS", 1)
    monkeypatch.setattr(filter_parts, "_DEEPEST", 1)
    asked: list[Filter] = []

    def ask(node: Filter):
        asked.append(node)
        return catalogue._matching(node)

    assert np.array_equal(filter_parts.matching_ids(where, ask), whole)
    assert all(filter_parts._conditions(node) <= 1 for node in asked)


def test_many_names_in_each_of_their_forms_are_asked_in_parts():
    names = tuple(f"é{number}/é" for number in range(7_000))
    asked: list[Filter] = []

    def ask(node: Filter):
        asked.append(node)
        return np.array([len(asked)], np.int64)

    where = And(In("source", names), In("document_id", names))
    filter_parts.matching_ids(where, ask)
    assert len(asked) > 1
    assert all(filter_parts._values(node) <= 30_000 for node in asked)
    assert sum(map(filter_parts._values, asked)) > 8 * 7_000
