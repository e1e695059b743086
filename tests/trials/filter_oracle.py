"""Filters as plain data, what is allowed of them, and what they mean, without the engine's code.

A node is what JSON holds: ``{"op": "equals", "key": "year", "value": 2024}``. ``engine_filter``
makes the engine's tree of one; ``fault`` and ``passes`` know nothing of it.

>>> passes({"op": "range", "key": "n", "minimum": 2**53 + 1}, {"n": float(2**53)})
False
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from rag_engine.filters import And, Equals, Filter, In, Not, Or, Range

__all__ = ["MOST_CONDITIONS", "MOST_IN_LIST", "engine_filter", "fault", "passes", "same", "size"]

Node = Any
"""A filter as plain data; of wrong ones, anything."""

MOST_LEVELS = 32
MOST_IN_LIST = 10_000
MOST_CONDITIONS = 30_000
_OF_CHUNK = {"document_id", "language", "page", "source", "title"}
_FIELDS = {
    "equals": ({"key", "value"}, set()),
    "in": ({"key", "values"}, set()),
    "range": ({"key"}, {"minimum", "maximum"}),
    "and": ({"parts"}, set()),
    "or": ({"parts"}, set()),
    "not": ({"part"}, set()),
}


def fault(node: Node) -> str | None:
    """Tell what is wrong with a node, or None."""
    found = _fault(node)
    if found is None and _levels(node) > MOST_LEVELS:
        return "too deep"
    if found is None and size(node) > MOST_CONDITIONS:
        return "too large"
    return found


def _fault(node: Node) -> str | None:
    if not isinstance(node, dict) or node.get("op") not in _FIELDS:
        return f"no node: {node!r:.60}"
    required, optional = _FIELDS[node["op"]]
    there = set(node) - {"op"}
    if not required <= there <= required | optional:
        return f"other fields: {sorted(map(str, there))}"
    if "part" in node:
        return _fault(node["part"])
    if "parts" in node:
        return _faulty_list(node["parts"]) or next(filter(None, map(_fault, node["parts"])), None)
    if not _is_key(node["key"]):
        return f"no key: {node['key']!r:.60}"
    if node["op"] == "equals":
        return _faulty_value(node["value"])
    if node["op"] == "in":
        values = node["values"]
        return _faulty_list(values) or next(filter(None, map(_faulty_value, values)), None)
    bounds = [node[name] for name in ("minimum", "maximum") if node.get(name) is not None]
    if any(isinstance(bound, bool | str) for bound in bounds):
        return f"no bound: {bounds!r:.60}"
    return next(filter(None, map(_faulty_value, bounds)), None)


def _faulty_list(values: Node) -> str | None:
    if not isinstance(values, list):
        return f"no list: {values!r:.60}"
    return "too long a list" if len(values) > MOST_IN_LIST else None


def _faulty_value(value: Node) -> str | None:
    if type(value) not in {str, int, float, bool}:
        return f"no value: {value!r:.60}"
    if isinstance(value, str):
        return "a surrogate" if any("\ud800" <= c <= "\udfff" for c in value) else None
    if isinstance(value, float):
        return None if math.isfinite(value) else "not finite"
    return None if -(2**63) <= value < 2**63 else "too large a number"


def _is_key(key: Node) -> bool:
    if not isinstance(key, str) or not 1 <= len(key) <= 64:
        return False
    first = key[0] == "_" or (key[0].isalnum() and not key[0].isdecimal())
    return first and all(c.isalnum() or c in "_.-" for c in key)


def _levels(node: Node) -> int:
    parts = node.get("parts", [node["part"]] if "part" in node else None)
    return 1 if parts is None else 1 + max(map(_levels, parts), default=0)


def size(node: Node) -> int:
    """Count what the engine's message counts: a condition as two, and each of its values.

    A branch without parts counts one.
    """
    if "parts" in node:
        return sum(map(size, node["parts"])) or 1
    if "part" in node:
        return size(node["part"])
    return 2 + (len(node["values"]) if node["op"] == "in" else 1)


def passes(node: Node, fields: Mapping[str, object]) -> bool:
    """Tell whether a passage with these fields is let through; a field that is not there is not."""
    match node["op"]:
        case "and":
            return all(passes(part, fields) for part in node["parts"])
        case "or":
            return any(passes(part, fields) for part in node["parts"])
        case "not":
            return not passes(node["part"], fields)
    value = fields.get(node["key"])
    if value is None:
        return False
    if node["op"] == "range":
        if _kind(value) != "number":
            return False
        low, high = node.get("minimum"), node.get("maximum")
        return (low is None or low <= value) and (high is None or value <= high)
    wanted = node["values"] if node["op"] == "in" else [node["value"]]
    return any(_kind(each) == _kind(value) and same(node["key"], each, value) for each in wanted)


def same(key: str, one: object, other: object) -> bool:
    """Tell whether two values of a field are one; names of files are, in any Unicode form."""
    if key in {"document_id", "source"} and isinstance(one, str) and isinstance(other, str):
        return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    return one == other


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"


def engine_filter(node: Node) -> Filter:
    """Make the engine's filter of a node, wrong as it may be; the engine refuses what is wrong."""
    if not isinstance(node, dict):
        return node  # type: ignore[no-any-return]
    match node.get("op"):
        case "and" | "or" as op:
            parts = node["parts"]
            made = [engine_filter(each) for each in parts] if isinstance(parts, list) else [parts]
            return (And if op == "and" else Or)(*made)
        case "not":
            return Not(engine_filter(node["part"]))
        case "equals":
            return Equals(node["key"], node["value"])
        case "in":
            values = node["values"]
            return In(node["key"], tuple(values) if isinstance(values, list) else values)
        case "range":
            return Range(key=node["key"], minimum=node.get("minimum"), maximum=node.get("maximum"))
    return node  # type: ignore[return-value]
