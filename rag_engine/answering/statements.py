"""Which sentences of a passage state something, and below which heading or question they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_engine.text.sentences import sentences

__all__ = ["Statement", "statements"]

_CLOSING = r"[\s\"'»”’)\]）」』】]*$"
_QUESTION_END = re.compile(rf"[?？؟՞\u037e⸮፧]{_CLOSING}")
_GREEK_QUESTION_END = re.compile(rf";{_CLOSING}")
"""Elsewhere it ends an item of a list."""
_STOP = re.compile(rf"[.!。！．…؟?？।॥։።។៕၊။།]{_CLOSING}")
_LIST_ITEM = re.compile(r"(?:[-*+•‣·–—]|\(?\w{1,3}[.)])\s|.*\|")
_FEWEST_LETTERS = 8
"""A shorter piece is a label or a number, not a statement; ideographs count double."""
_LONGEST_HEADING = 60
"""Letters of a line without a stop that may be a heading; Thai and Lao text has no stops."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that may be quoted; ``below`` is the last heading or question before it, or ""."""

    text: str
    below: str


def statements(passage: str, language: str) -> list[Statement]:
    r"""Return what a passage states, in its order.

    A sentence that only asks (an FAQ's question) states nothing, nor does a label or a number. A
    heading does where there is nothing else.

    >>> [one.below for one in statements("The pump drips. What now?\nPress the red key.", "en")]
    ['', 'What now?']
    """
    stated: list[Statement] = []
    headings: list[Statement] = []
    below = ""
    for start, end in sentences(passage, language):
        text = " ".join(passage[start:end].split())
        heading = _is_heading(passage, start, end)
        enough = _letters(text) >= _FEWEST_LETTERS
        if heading or _asks(text, language):
            below = text
        elif enough:
            stated.append(Statement(text, below))
        if heading and enough:
            headings.append(Statement(text, ""))
    return stated or headings


def _asks(text: str, language: str) -> bool:
    """Tell a question by its mark.

    >>> _asks("Πότε;", "el"), _asks("a) das Filter reinigen;", "de")
    (True, False)
    """
    greek = language == "el" and _GREEK_QUESTION_END.search(text) is not None
    return greek or _QUESTION_END.search(text) is not None


def _is_heading(passage: str, start: int, end: int) -> bool:
    """Tell whether a sentence is a short line of its own, without a stop, and no list item."""
    before, text, after = passage[:start], passage[start:end], passage[end:]
    alone = not before.rpartition("\n")[2].strip() and not after.partition("\n")[0].strip()
    return (
        alone
        and not _STOP.search(text)
        and not _LIST_ITEM.match(text)
        and _letters(text) <= _LONGEST_HEADING
    )


def _letters(text: str) -> int:
    """Count letters and digits, ideographs, kana and hangul double."""
    return sum(
        2 if "\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" else 1
        for c in text
        if c.isalnum()
    )
