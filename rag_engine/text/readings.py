"""How words are read, where a document says so beside them (ruby): searchable, and never quoted.

A document carries its readings as metadata, ``readings``: ``word=reading`` pairs between blanks. A
passage stores the terms of the readings of those words that stand in it, so that a question in
kana finds the kanji.
"""

from __future__ import annotations

from collections.abc import Mapping

from rag_engine.records import MetadataValue

__all__ = ["KEY", "readings_in"]

KEY = "readings"


def readings_in(text: str, metadata: Mapping[str, MetadataValue]) -> str:
    """Return the readings of the words that a text holds, each once, between blanks.

    >>> readings_in("消火器を使う。", {"readings": "消火=しょうか 水=みず"})
    'しょうか'
    >>> readings_in("Kein Wort.", {"readings": 3})
    ''
    """
    pairs = metadata.get(KEY)
    if not isinstance(pairs, str):
        return ""
    parts = (pair.partition("=") for pair in pairs.split())
    found = (reading for word, _, reading in parts if word and reading and word in text)
    return " ".join(dict.fromkeys(found))
