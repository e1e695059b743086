"""Compiles the typed filter tree to an expression of Milvus.

Keys were checked when the tree was made, and values are written by one function: nothing that a
caller gave is ever pasted in as it is. What comes back is checked against the catalogue's answer
to the same filter: an expression chooses where to look, it does not decide what is returned.
"""

from __future__ import annotations

import json
import re

from rag_engine.filters import CHUNK_KEYS, And, Equals, Filter, In, Not, Range
from rag_engine.records import MetadataValue

__all__ = ["compile_expression"]

_ALL, _NOTHING = "id >= 0", "id < 0"
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Servers do not agree how these are written in a text."""
_EXACT = 2**53
"""From here on two numbers that differ may be one as a double, as which servers compare."""


def compile_expression(node: Filter) -> str:
    r"""Return a filter as an expression over the fields of a collection.

    >>> compile_expression(And(Equals("language", "de"), Not(Equals("year", 2020))))
    '(language == "de" and (not (exists metadata["year"]) or (metadata["year"] != 2020)))'
    >>> compile_expression(Equals("title", 'a" or id > 0 or "'))
    'document["title"] == "a\\" or id > 0 or \\""'
    """
    return _compile(node, wanted=True)


def _compile(node: Filter, *, wanted: bool) -> str:
    """Compile a node or its opposite; ``Not`` is moved down to the fields.

    A field that is missing fulfils no condition, and so fulfils its opposite: servers do not agree
    on that.
    """
    if isinstance(node, Not):
        return _compile(node.part, wanted=not wanted)
    if isinstance(node, Equals):
        return _one_of(node.key, (node.value,), wanted=wanted)
    if isinstance(node, In):
        return _one_of(node.key, node.values, wanted=wanted)
    if isinstance(node, Range):
        return _range(node, wanted=wanted)
    every = isinstance(node, And) == wanted
    parts = [_compile(part, wanted=wanted) for part in node.parts]
    if not parts:
        return _ALL if every else _NOTHING
    return "(" + (" and " if every else " or ").join(parts) + ")"


def _one_of(key: str, values: tuple[MetadataValue, ...], *, wanted: bool) -> str:
    if key in CHUNK_KEYS:
        values = tuple(value for value in values if isinstance(value, str) == (key != "page"))
    if not values:
        return _NOTHING if wanted else _ALL
    field = _field(key)
    if wanted:
        if not all(map(_is_writable, values)):
            return _ALL
        return _either([f"{field} == {_literal(value)}" for value in values])
    # Milvus Lite takes 1 for true: what is not 1 may still be true.
    sure = [value for value in values if _is_sure(value)]
    if not sure:
        return _ALL
    return _missing_or(field, " and ".join(f"{field} != {_literal(value)}" for value in sure))


def _is_writable(value: MetadataValue) -> bool:
    return not isinstance(value, str) or _UNWRITABLE.search(value) is None


def _is_sure(value: MetadataValue) -> bool:
    if isinstance(value, str):
        return _is_writable(value)
    return value not in {0, 1} and abs(value) < _EXACT


def _range(node: Range, *, wanted: bool) -> str:
    field = _field(node.key)
    if node.key in CHUNK_KEYS and node.key != "page":
        return _NOTHING if wanted else _ALL
    bounds = [(">=", "<", node.minimum), ("<=", ">", node.maximum)]
    stated = [(inside, outside, bound) for inside, outside, bound in bounds if bound is not None]
    if not stated:  # any number: which of them are numbers, the catalogue knows
        return _ALL
    if wanted:
        return " and ".join(f"{field} {inside} {_literal(bound)}" for inside, _, bound in stated)
    # A text is in no range; comparing it with a number is true nowhere.
    return _ALL


def _either(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + " or ".join(parts) + ")"


def _missing_or(field: str, condition: str) -> str:
    return f"({condition})" if field == "language" else f"(not (exists {field}) or ({condition}))"


def _field(key: str) -> str:
    if key == "language":
        return key
    column = "document" if key in CHUNK_KEYS else "metadata"
    return f"{column}[{_literal(key)}]"


def _literal(value: MetadataValue) -> str:
    """Write a value: a text in double quotes, its quotes and backslashes escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    # Subclasses (an IntEnum, a float64 of NumPy) have a repr of their own.
    return int.__repr__(value) if isinstance(value, int) else float.__repr__(value)
