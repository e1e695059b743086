"""The language of filters that LangChain's stores share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine import Equals, Not, Or
from rag_engine.connectors.langchain.filters import as_filter
from rag_engine.errors import InvalidFilter
from tests.contracts.filters import matches

ROWS = [
    {"year": 2022, "kind": "rule"},
    {"year": 2023, "kind": "part", "draft": True},
    {"year": 2024.5, "kind": "rule"},
    {"year": "2024", "kind": "note"},
    {"kind": "rule"},
]


def rows(condition):
    return [n for n, row in enumerate(ROWS) if matches(as_filter(condition), row)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"year": {"$eq": 2023}}, [1]),
        ({"year": {"$ne": 2023}}, [0, 2, 3, 4]),
        ({"year": {"$gt": 2022}}, [1, 2]),
        ({"year": {"$gte": 2022}}, [0, 1, 2]),
        ({"year": {"$lt": 2023}}, [0]),
        ({"year": {"$lte": 2023}}, [0, 1]),
        ({"year": {"$gt": 2022, "$lt": 2024}}, [1]),
        ({"year": {"$between": [2022, 2023]}}, [0, 1]),
        ({"year": {"$in": [2022, "2024"]}}, [0, 3]),
        ({"year": {"$nin": [2022, "2024"]}}, [1, 2, 4]),
        ({"year": {"$not": {"$gte": 2023}}}, [0, 3, 4]),
        ({"kind": "rule", "year": {"$gte": 2023}}, [2]),
        ({"$or": [{"kind": "note"}, {"year": {"$lt": 2023}}]}, [0, 3]),
        ({"$and": [{"kind": "rule"}, {"$not": {"year": 2022}}]}, [2, 4]),
        ({"$not": {"kind": "rule", "year": 2022}}, [1, 2, 3, 4]),
        ({"$or": []}, []),
        ({"draft": True}, [1]),
        ({"$or": [Equals("kind", "note"), {"draft": True}]}, [1, 3]),
    ],
)
def test_what_conditions_mean(condition, expected):
    assert rows(condition) == expected


def test_a_typed_filter_stays_as_it_is():
    typed = Or(Not(Equals("year", 2024)))
    assert as_filter(typed) is typed
    assert as_filter(None) is None


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_bounds_are_exact_for_large_numbers_too(value, bound):
    fields = {"n": value}
    assert matches(as_filter({"n": {"$gt": bound}}), fields) == (value > bound)
    assert matches(as_filter({"n": {"$lt": bound}}), fields) == (value < bound)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"year": {"$exists": True}}, r"'\$exists'.*\$eq, \$ne"),
        ({"title": {"$like": "A%"}}, r"'\$like'"),
        ({"year": {"gte": 3}}, "'gte'"),
        ({"year": {3: 4}}, "operator 3"),
        ({"$nor": [{"year": 1}]}, r"'\$nor'.*\$and, \$or, \$not"),
        ({"$gte": 3}, r"'\$gte'"),
        ({"$and": {"year": 1}}, r"\$and takes a list"),
        ({"year": {}}, "comparisons such as"),
        ({"year": {"$in": 3}}, "a list of values"),
        ({"year": {"$between": [1, 2, 3]}}, "two bounds, got 3"),
        ({"year": {"$gt": "2024-01-01"}}, "a bound is a number"),
        ({"year": {"$lte": None}}, "a bound is a number"),
        ({"year": {"$eq": None}}, "NoneType"),
        ({"year": [1, 2]}, "got list"),
        ({"bad key": {"$eq": 1}}, "a filter key"),
        ({1: 2}, "a filter key"),
        ("year > 3", "got str"),
        ({"$or": ["year"]}, "got str"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(condition, told):
    with pytest.raises(InvalidFilter, match=told):
        as_filter(condition)


@pytest.mark.parametrize("nested", ["$not", "field"])
def test_what_is_too_deep_is_refused(nested):
    condition = {"year": 1} if nested == "$not" else {"$eq": 1}
    for _ in range(2_000):
        condition = {"$not": condition}
    with pytest.raises(InvalidFilter, match="32 levels"):
        as_filter(condition if nested == "$not" else {"year": condition})
