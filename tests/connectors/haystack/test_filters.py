"""Haystack's filters, beside what Haystack itself takes them to mean."""

from __future__ import annotations

import pytest
from haystack import Document
from haystack.utils.filters import document_matches_filter

from rag_engine.connectors.haystack.filters import as_filter
from rag_engine.errors import InvalidFilter
from tests.contracts.filters import matches

ROWS = [
    {"year": 2022, "kind": "rule"},
    {"year": 2023, "kind": "part"},
    {"year": 2024.5, "kind": "note"},
    {"kind": "rule"},
]
RULE = {"field": "meta.kind", "operator": "==", "value": "rule"}


def year(operator, value=2023):
    return {"field": "meta.year", "operator": operator, "value": value}


def joined(operator, *conditions):
    return {"operator": operator, "conditions": list(conditions)}


@pytest.mark.parametrize(
    "condition",
    [
        *(year(operator) for operator in ("==", "!=", ">", ">=", "<", "<=")),
        year("in", [2022, 2023]),
        year("not in", [2022, 2023]),
        *(joined(operator, RULE, year(">=")) for operator in ("AND", "OR", "NOT")),
        joined("NOT", joined("OR", RULE, year("<", 2023))),
        {"field": "kind", "operator": "==", "value": "rule"},
    ],
)
def test_they_mean_what_they_do_in_haystack(condition):
    ours = as_filter(condition)
    assert [matches(ours, row) for row in ROWS] == [
        document_matches_filter(condition, Document(content="x", meta=row)) for row in ROWS
    ]


def test_no_filter_is_none():
    assert as_filter(None) is None
    assert as_filter({}) is None


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (year("like", "A%"), "'like' is not known; there are ==, !=, >"),
        (joined("XOR", RULE), "'XOR' is not known; there are AND, OR, NOT"),
        (year(3), "operator 3"),
        (year(">", "2024-01-01"), "a bound is a number"),
        (year("<=", None), "a bound is a number"),
        (year("==", None), "NoneType"),
        (year("in", 2023), "a list of values"),
        ({"field": "content", "operator": "==", "value": "x"}, "'meta.NAME', got 'content'"),
        ({"field": "meta.bad key", "operator": "==", "value": "x"}, "a filter key"),
        ({"field": "meta.year", "operator": "=="}, "a filter has field, operator, value"),
        ({"year": 2024}, "a filter has conditions, operator, got year"),
        ({"operator": "AND", "conditions": RULE}, "'conditions' is a list, got dict"),
        (joined("AND", "year"), "got str"),
        ("year", "got str"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(condition, told):
    with pytest.raises(InvalidFilter, match=told):
        as_filter(condition)


def test_what_is_too_deep_is_refused():
    condition = RULE
    for _ in range(2_000):
        condition = joined("NOT", condition)
    with pytest.raises(InvalidFilter, match="32 levels"):
        as_filter(condition)
