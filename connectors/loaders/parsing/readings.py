"""The readings that stand in small type beside words (ruby), gathered from a whole file."""

from __future__ import annotations

__all__ = ["Readings"]

_MOST_CHARACTERS = 20_000


class Readings:
    """Gathers ``word=reading`` pairs, each once, up to some 20,000 characters.

    >>> readings = Readings()
    >>> for word, reading in (("東京", "とう きょう"), ("東京", "とうきょう"), ("点", "・")):
    ...     readings.add(word, reading)
    >>> readings.facts
    {'readings': '東京=とうきょう'}
    """

    def __init__(self) -> None:
        self._pairs: dict[str, None] = {}
        self._room = _MOST_CHARACTERS

    def add(self, word: str, reading: str) -> None:
        """Take a word and what stands beside it; dots for emphasis are no reading."""
        word, reading = ("".join(text.replace("=", "").split()) for text in (word, reading))
        pair = f"{word}={reading}"
        if not word or word == reading or not any(map(str.isalpha, reading)):
            return
        if pair not in self._pairs and len(pair) < self._room:
            self._pairs[pair] = None
            self._room -= len(pair) + 1

    @property
    def facts(self) -> dict[str, str | int]:
        """What a document's metadata says of this; nothing where no word has a reading."""
        return {"readings": " ".join(self._pairs)} if self._pairs else {}
