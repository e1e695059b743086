"""JSON of any shape as text: a line for each value, with the path of keys that leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag_engine.connectors.loaders.parsing.cleaning import one_line, tidy
from rag_engine.connectors.loaders.parsing.parsed import MAX_CHARACTERS, RefusedByLimit

__all__ = ["key_paths"]

_LONGEST_PATH = 200


def key_paths(value: Any) -> str:
    r"""Return a line for each value that says something; members of one list share a line.

    Objects in a list are told apart by their places, counted from 1.

    Raises:
        RefusedByLimit: the text would be longer than ``MAX_CHARACTERS``.

    >>> key_paths({"menu": {"save": "Speichern", "keys": ["S", 5]}, "rooms": [{"name": "Saal"}]})
    'menu.save: Speichern\nmenu.keys: S, 5\nrooms.1.name: Saal'
    """
    lines: list[str] = []
    length = 0
    for line in _lines(value, ""):
        lines.append(line)
        length += len(line) + 1
        if length > MAX_CHARACTERS:
            raise RefusedByLimit(
                f"its values and their keys make a text of more than {MAX_CHARACTERS:,} "
                "characters; split the file"
            )
    return "\n".join(lines)


def _lines(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(inner, _joined(path, one_line(key)))
    elif isinstance(value, list):
        plain = [shown for inner in value if (shown := _shown(inner))]
        if plain:
            short = all("\n" not in shown and len(shown) <= 80 for shown in plain)
            yield _line(path, (", " if short else "\n").join(plain))
        for place, inner in enumerate(value, start=1):
            if isinstance(inner, dict | list):
                yield from _lines(inner, _joined(path, str(place)))
    elif shown := _shown(value):
        yield _line(path, shown)


def _line(path: str, shown: str) -> str:
    return f"{path}: {shown}" if path else shown


def _joined(path: str, key: str) -> str:
    """Add a key; of a path that is too long the end is kept, which says the most."""
    joined = f"{path}.{key}" if path else key
    return joined if len(joined) <= _LONGEST_PATH else "…" + joined[1 - _LONGEST_PATH :]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return tidy(value)
    return str(value) if isinstance(value, int | float) else ""
