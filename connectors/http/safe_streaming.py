"""What of an answer may be shown while it is written, before its citations are checked."""

from __future__ import annotations

import re

from rag_engine.answering.links import may_hold_link
from rag_engine.text.steering import steers

__all__ = ["Draft"]

_WORD = re.compile(r"(\s*)(\S+)(?=\s)")
_MARKS = re.compile(r"(?:\[[1-9]\d?\])+")
_LINE_END_BLANKS = re.compile(r"\A[ \t]{1,8}(?=\n)")
"""As the check takes them away: behind a word, not on a line of their own."""


class Draft:
    """Lets whole words of an answer through until one could be a link, a tag or a false mark.

    A word that steers what shows it (``rag_engine.text.steering``) waits as well.

    From there on everything waits for the check, so that nothing is ever shown that the check
    would take away, but for the number of a source that does not exist.

    >>> draft = Draft()
    >>> draft.add("Every year [1]. See [he"), draft.add("re](https://evil.example)")
    ('Every year [1]. See', '')
    >>> draft.rest("Every year [1]. See here.")
    ' here.'
    """

    def __init__(self) -> None:
        self.shown = ""
        self._waiting = ""
        self._held = False

    def add(self, piece: str) -> str:
        """Take the next piece; return what of the answer may be shown now."""
        self._waiting += piece
        new = ""
        while not self._held and (match := _WORD.match(self._waiting)):
            blanks, word = match[1], match[2]
            if steers(match[0]) or may_hold_link(_MARKS.sub("", word)):
                self._held = True
                break
            first = not self.shown and not new
            new += ("" if first else _LINE_END_BLANKS.sub("", blanks)) + word
            self._waiting = self._waiting[match.end() :]
        self.shown += new
        return new

    def rest(self, checked: str) -> str:
        """Return what of the checked answer is still to be shown.

        Where the check changed what was shown already, that is the whole answer once more.
        """
        if checked.startswith(self.shown):
            return checked[len(self.shown) :]
        return f"\n\n{checked}"
