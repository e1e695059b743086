"""JSON values, read strictly: what JSON does not allow is a reason, not a guess."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from rag_engine.connectors.loaders.parsing.cleaning import clean
from rag_engine.connectors.loaders.parsing.rows import Value

__all__ = ["DECODER", "BadValue", "checked", "has_lone_surrogate"]


class BadValue(ValueError):
    """A value that is no good; the message is the reason."""


def checked(value: Any) -> dict[str, Value] | str:
    """Return the plain fields of an object, or why it is no row.

    >>> checked({"text": "A pump.", "tags": ["a"]})
    {'text': 'A pump.'}
    """
    if not isinstance(value, dict):
        return f"it is no JSON object but {type(value).__name__}: {str(value)[:60]!r}"
    row: dict[str, Value] = {}
    for key, field in value.items():
        if has_lone_surrogate(key) or (isinstance(field, str) and has_lone_surrogate(field)):
            return f"field {clean(key)!r:.80} holds a lone surrogate, which is no character"
        if field is None or isinstance(field, str | int | float | bool):
            row[key] = field
    return row


def has_lone_surrogate(text: str) -> bool:
    """Tell whether a text holds half of a character, which no encoding can store."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadValue(f"field {clean(double)!r:.80} stands there twice")
    return result


def _constant(name: str) -> NoReturn:
    raise BadValue(f"{name} is no JSON number")


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
"""Refuses a key that stands twice in an object, and numbers that are none (NaN)."""
