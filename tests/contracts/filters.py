"""Filters and what they mean, in plain Python: the oracle of everything that compiles them."""

from __future__ import annotations

from hypothesis import strategies as st

from rag_engine.filters import And, Equals, Filter, In, Not, Or, Range
from rag_engine.records import MetadataValue

VALUES: list[MetadataValue] = ["1", "x", "x' OR '1'='1", "%", "é", 1, 2, 0.5, True, False]
KEYS = ["alpha", "beta", "language", "page", "title", "document_id", "source"]


def same(one: MetadataValue, other: MetadataValue) -> bool:
    kinds = [isinstance(each, bool) or (isinstance(each, str) and "s") for each in (one, other)]
    return kinds[0] == kinds[1] and one == other


def matches(condition: Filter, fields: dict[str, MetadataValue]) -> bool:
    if isinstance(condition, Equals):
        return condition.key in fields and same(fields[condition.key], condition.value)
    if isinstance(condition, In):
        return any(matches(Equals(condition.key, value), fields) for value in condition.values)
    if isinstance(condition, Range):
        value = fields.get(condition.key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        low, high = condition.minimum, condition.maximum
        return (low is None or value >= low) and (high is None or value <= high)
    if isinstance(condition, Not):
        return not matches(condition.part, fields)
    combine = all if isinstance(condition, And) else any
    return combine(matches(part, fields) for part in condition.parts)


leaves = st.one_of(
    st.builds(Equals, st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.builds(In, st.sampled_from(KEYS), st.lists(st.sampled_from(VALUES), max_size=3).map(tuple)),
    st.builds(
        Range,
        key=st.sampled_from(KEYS),
        minimum=st.none() | st.sampled_from([0, 1, 1.5]),
        maximum=st.none() | st.sampled_from([0.7, 1, 2]),
    ),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, max_size=3).map(lambda parts: And(*parts)),
        st.lists(inner, max_size=3).map(lambda parts: Or(*parts)),
    ),
    max_leaves=6,
)
