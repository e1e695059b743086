"""Draws documents with odd metadata, and filters over them, some of them wrong."""

from __future__ import annotations

import datetime
import decimal
import math
import random
from typing import Any

from rag_engine.records import Document, MetadataValue, Span

__all__ = ["NO_METADATA", "drawn_document", "drawn_node", "drawn_value", "spoilt"]

_KEYS = (
    *("alpha", "beta", "_x", "a.b-c", "größe", "год", "页数", "سنة", "वर्ष1", "DROP", "kind"),
    *("tenant", "value", "op", "x" * 64),
)
"""Keys that documents have and filters may name."""
_UNNAMED = ("", "a b", "e\u0301", "x' OR '1'='1", 'a"] or id > 0 //', "a\x00", "x" * 65, "١")
"""Keys that documents have and no filter may name."""
_OF_CHUNK = ("document_id", "language", "page", "source", "title")
_TEXTS = (
    *("", " ", "1", "1.0", "true", "True", "nan", "inf", "null", "None", "2024-01-31", "9" * 30),
    *("é", "e\u0301", "Å", "Å", "ß", "ss", "Straße", "İ", "i", "ı", "I", "ﬁ", "fi", "x", "X"),
    *("Größe", "Москва", "日本", "한국", "한국", "مرحبا", "नमस्ते", "שלום", "ไทย", "👩‍👩‍👧", "١٢"),
    *("x' OR '1'='1", '"', "\\", "%", "_", "a\x00b", "a", "a\nb", "\u202ex", "\u2028", "{}", "id"),
    *('a" or id > 0 or "', "'; DROP TABLE chunk; --", "${x}", "de", "en", "und", "north"),
)
_NUMBERS: tuple[int | float, ...] = (
    *(0, 1, -1, 2, 3, 12, 1.0, 0.5, -0.0, 0.0, 0.1, 0.1 + 0.2, 0.3, 1e308, -1e308, 5e-324),
    *(2**53, 2**53 + 1, 2**53 - 1, float(2**53), -(2**53) - 1, 2**60 + 1, float(2**60)),
    *(2**63 - 1, -(2**63), float(2**63), -float(2**63), 1e20, 2**31, 2**31 - 1),
)
NO_METADATA: tuple[Any, ...] = (
    *(None, [], ["a"], {"a": 1}, (1,), b"a", math.nan, math.inf, -math.inf, 2**63, -(2**63) - 1),
    *(datetime.date(2024, 1, 31), decimal.Decimal(1), 1j, "\ud800", object),
)
"""What no field of a document, and no filter, may hold."""
_NO_KEYS: tuple[Any, ...] = (
    *(*_UNNAMED, "1a", "a'--", "alpha\n", " alpha", "$x", "a;b", "-a", ".a", "\ud800"),
    *(None, 1, True, ["alpha"]),
)
_WORDS = ("Pumpe", "filtre", "насос", "阀门", "מנוע", "وقود", "पंप", "valve", "válvula", "น้ำ")


def drawn_value(drawn: random.Random) -> MetadataValue:
    """Draw what a field may hold."""
    kind = drawn.random()
    if kind < 0.5:
        return drawn.choice(_TEXTS)
    if kind < 0.6:
        return drawn.random() < 0.5
    if kind < 0.7:
        return drawn.randrange(-(2**63), 2**63)
    return drawn.choice(_NUMBERS)


def drawn_document(number: int, drawn: random.Random) -> Document:
    """Draw a document of one to three passages, some with pages, whose texts are its own."""
    pieces = [
        " ".join([*drawn.choices(_WORDS, k=6), f"{number}-{piece}."])
        for piece in range(drawn.randint(1, 3))
    ]
    spans = []
    at = 0
    for piece in pieces:
        page = drawn.choice([None, 1, 2, 3])
        spans.append(Span(start=at, end=at + len(piece), section=(f"s{at}",), page=page))
        at += len(piece) + 1
    keys = drawn.sample(_KEYS, drawn.randint(0, 6)) + drawn.sample(_UNNAMED, drawn.randint(0, 2))
    return Document(
        id=drawn.choice(["", "x' OR 1=1 --/", "é/", "e\u0301/", "Größe/"]) + f"d{number}",
        text="\n".join(pieces),
        title=drawn.choice(_TEXTS),
        source=drawn.choice(_TEXTS),
        spans=tuple(spans),
        metadata={key: drawn_value(drawn) for key in keys},
    )


def drawn_node(drawn: random.Random, known: list[tuple[str, Any]], depth: int = 0) -> Any:
    """Draw a valid filter; ``known`` are fields and values that passages have."""
    shape = drawn.random()
    if depth < 5 and shape < 0.45:
        if shape < 0.12:
            return {"op": "not", "part": drawn_node(drawn, known, depth + 1)}
        parts = [drawn_node(drawn, known, depth + 1) for _ in range(drawn.choice([0, 1, 2, 2, 3]))]
        return {"op": drawn.choice(["and", "or"]), "parts": parts}
    key, value = drawn.choice(known)
    if drawn.random() < 0.3:
        value = drawn_value(drawn)
    if drawn.random() < 0.2:
        key = drawn.choice(_KEYS + _OF_CHUNK)
    if shape < 0.7:
        return {"op": "equals", "key": key, "value": value}
    if shape < 0.85:
        more = [drawn_value(drawn) for _ in range(drawn.choice([0, 1, 2, 5, 40]))]
        return {"op": "in", "key": key, "values": [value, *more] if drawn.random() < 0.8 else []}
    node: dict[str, Any] = {"op": "range", "key": key}
    for name in ("minimum", "maximum"):
        if drawn.random() < 0.7:
            near = value if isinstance(value, int | float) else drawn.choice(_NUMBERS)
            node[name] = drawn.choice([_beside(near, drawn), drawn.choice(_NUMBERS), None])
    return node


def _beside(number: float, drawn: random.Random) -> int | float:
    """Return a number or a neighbour of it, as an int or a float."""
    if isinstance(number, float):
        return drawn.choice([number, math.nextafter(number, 0), int(number) % 2**63])
    number = int(number)
    return drawn.choice([number, min(number + 1, 2**63 - 1), float(number)])


def spoilt(node: Any, drawn: random.Random, most: int) -> Any:
    """Return a filter with one thing wrong, or perhaps wrong, somewhere in it.

    ``most`` is how much a list may hold.
    """
    if isinstance(node, dict) and node.get("op") in {"and", "or", "not"} and drawn.random() < 0.5:
        if node["op"] == "not":
            return {**node, "part": spoilt(node["part"], drawn, most)}
        if node["parts"]:
            place = drawn.randrange(len(node["parts"]))
            parts = list(node["parts"])
            parts[place] = spoilt(parts[place], drawn, most)
            return {**node, "parts": parts}
    wrong = drawn.choice(NO_METADATA)
    key, bad_key = drawn.choice(_KEYS), drawn.choice(_NO_KEYS)
    kinds: list[Any] = [
        wrong,
        {"op": "equals", "key": key, "value": wrong},
        {"op": "in", "key": key, "values": [1, wrong]},
        {"op": "in", "key": key, "values": drawn.choice(["abc", None, 1, {"a": 1}])},
        {"op": "range", "key": key, "minimum": drawn.choice([*NO_METADATA[1:], "1", True])},
        {"op": "equals", "key": bad_key, "value": 1},
        {"op": "in", "key": bad_key, "values": []},
        {"op": "range", "key": bad_key},
        {"op": "and", "parts": drawn.choice([None, "ab", 1, {"a": 1}, [node, wrong], [[node]]])},
        {"op": drawn.choice(["EQUALS", "like", "", None, "$in", "nor"]), "key": key, "value": 1},
        {"op": "equals", "key": key, "value": 1, "extra": drawn.choice(["x", None])},
        {"op": "equals", "key": key, "values": [1]},
        {"op": "not", "part": drawn.choice([None, [node], "x"])},
        {"op": "not"},
    ]
    if drawn.random() < 0.1:
        kinds = _large(node, key, drawn, most)
    return drawn.choice(kinds)


def _large(node: Any, key: str, drawn: random.Random, most: int) -> list[Any]:
    """Return filters that are as large as they may be, or a little larger."""
    count = drawn.choice([most, most + 1])
    deep = node
    for _ in range(drawn.choice([20, 31, 32, 40])):
        deep = {"op": "not", "part": deep}
    part: Any = drawn.choice([{"op": "and", "parts": []}, {"op": "equals", "key": key, "value": 1}])
    return [
        {"op": "in", "key": key, "values": list(range(count))},
        {"op": drawn.choice(["and", "or"]), "parts": [part] * count},
        deep,
        {"op": "or", "parts": [{"op": "in", "key": key, "values": list(range(most))}] * 3},
        {"op": "and", "parts": [{"op": "or", "parts": [part] * 400}] * 26},
    ]
