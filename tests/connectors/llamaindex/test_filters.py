"""LlamaIndex's filters, beside what its own store takes them to mean."""

from __future__ import annotations

import pytest
from llama_index.core.vector_stores import FilterCondition, MetadataFilter, MetadataFilters
from llama_index.core.vector_stores.types import FilterOperator
from llama_index.core.vector_stores.utils import build_metadata_filter_fn

from rag_engine import And, Equals, Not
from rag_engine.connectors.llamaindex.filters import as_filter
from rag_engine.errors import InvalidFilter
from tests.contracts.filters import matches

ROWS = {
    "0": {"year": 2022, "kind": "rule"},
    "1": {"year": 2023, "kind": "part"},
    "2": {"year": 2024.5, "kind": "note"},
    "3": {"kind": "rule"},
}
YEAR = MetadataFilter(key="year", value=2023, operator=">=")
RULE = MetadataFilter(key="kind", value="rule")


@pytest.mark.parametrize("condition", [*FilterCondition, None])
@pytest.mark.parametrize(
    "part",
    [
        MetadataFilter(key="year", value=value, operator=operator)
        for operator, value in [
            ("==", 2023),
            ("!=", 2023),
            (">", 2023),
            (">=", 2023),
            ("<", 2023),
            ("<=", 2023),
            ("in", [2022, 2023]),
            ("nin", [2022, 2023]),
        ]
    ],
)
def test_they_mean_what_they_do_in_llamaindexs_own_store(part, condition):
    filters = MetadataFilters(filters=[part, RULE], condition=condition)
    theirs = build_metadata_filter_fn(ROWS.__getitem__, filters)
    assert [matches(as_filter(filters), row) for row in ROWS.values()] == [
        theirs(name) for name in ROWS
    ]


def test_filters_hold_filters():
    inner = MetadataFilters(filters=[YEAR, RULE], condition="or")
    outer = MetadataFilters(filters=[inner, MetadataFilter(key="kind", value="note")])
    kept = [name for name, row in ROWS.items() if matches(as_filter(outer), row)]
    assert kept == ["2"]


def test_typed_filters_and_none_stay():
    typed = And(Not(Equals("year", 1)))
    assert as_filter(typed) is typed
    assert as_filter(None) is None
    assert as_filter(MetadataFilters(filters=[])) == And()


@pytest.mark.parametrize(
    "operator", ["any", "all", "text_match", "text_match_insensitive", "contains", "is_empty"]
)
def test_other_operators_are_refused_by_name(operator):
    assert FilterOperator(operator).value == operator
    part = MetadataFilter(key="tags", value="x", operator=operator)
    with pytest.raises(InvalidFilter, match=f"'tags': the operator '{operator}' .* ==, !=, >"):
        as_filter(MetadataFilters(filters=[part]))


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"key": "year", "value": "x", "operator": ">"}, "a bound is a number"),
        ({"key": "year", "value": None}, "NoneType"),
        ({"key": "bad key", "value": 1}, "a filter key"),
        ({"key": "year", "value": 3, "operator": "in"}, "a list of values"),
    ],
)
def test_values_that_can_not_be_compared_are_refused(part, told):
    with pytest.raises(InvalidFilter, match=told):
        as_filter(MetadataFilters(filters=[MetadataFilter(**part)]))
    with pytest.raises(InvalidFilter, match="got dict"):
        as_filter({"year": 2024})
