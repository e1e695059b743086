"""Which language a file says most of a text to be in."""

from __future__ import annotations

__all__ = ["Spoken"]


class Spoken:
    """Counts the characters that are said to be in each language, or of which nothing is said.

    >>> spoken = Spoken()
    >>> spoken.add(None, 3)
    >>> spoken.add("da", 8)
    >>> spoken.taken(), spoken.taken()
    ('da', None)
    """

    def __init__(self) -> None:
        self._characters: dict[str | None, int] = {}

    def add(self, language: str | None, characters: int) -> None:
        """Count some characters."""
        self._characters[language] = self._characters.get(language, 0) + characters

    def taken(self) -> str | None:
        """Return the language of most, the first of several; begin anew."""
        counted, self._characters = self._characters, {}
        return max(counted, key=counted.__getitem__, default=None)
