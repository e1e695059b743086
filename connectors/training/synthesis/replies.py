"""From what a language model replies to one clean question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from types import GeneratorType

from rag_engine.ports import Generator, Prompt
from rag_engine.text.scripts import main_script

__all__ = ["clean_question", "has_question_mark", "read_reply"]

_ENOUGH = 1_000
"""Characters without a question after which none is waited for."""
_MARKS = "?？؟⸮፧"
_ARMENIAN = "՞"
"""Stands over a vowel of the word that is asked for, not at the question's end."""
_GREEK = ";\u037e"
_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL)
_FENCE = re.compile(r"^\s*(?:```|~~~).*$", re.MULTILINE)
_LIST_MARK = re.compile(r"^(?:[#>*•–—-]+\s+|\(?\d{1,2}[.)]\s+)+")
_EMPHASIS = re.compile(r"\*\*|__|`")
_LABEL = re.compile(r"^(\w{1,20})(?:[ \u00a0](?:in|auf|en|на)[ \u00a0][^:：]{1,40})?[:：]\s*(?=\S)")
_INTRODUCES = (":", "：")
_QUOTES = "\"'“”„«»‹›「」『』‘’ "


def read_reply(
    generator: Generator, prompt: Prompt, *, stopped: Callable[[], bool] = lambda: False
) -> str:
    """Return what a generator writes, until a line with a question is whole, or ``stopped``.

    Raises:
        ServiceError: a remote model failed.
    """
    text = ""
    pieces = generator.generate(prompt)
    try:
        for piece in pieces:
            text += piece
            seen = _without_thoughts(text)
            whole = (line for line in seen.split("\n")[:-1] if has_question_mark(line))
            if len(seen) > _ENOUGH or any(whole) or stopped():
                break
    finally:  # ends the request too
        if isinstance(pieces, GeneratorType):
            pieces.close()
    return text


def clean_question(reply: str, passage: str) -> str:
    r"""Return the question in a reply, or "" if nothing is left of it.

    It is the first line with a question mark, else the first line that does not introduce another,
    without list marks, quotation marks, emphasis, what a model thought before it and what follows
    the question mark. A word with a colon before it goes too, unless ``passage`` holds that word.

    >>> clean_question('Here:\n\n**Frage:** "Wie hoch ist der Druck?" (How high?)', "8 bar.")
    'Wie hoch ist der Druck?'
    >>> clean_question("Pumpe: Wie hoch ist der Druck?", "Die Pumpe hat 8 bar.")
    'Pumpe: Wie hoch ist der Druck?'
    """
    lines = list(_lines(_FENCE.sub("", _without_thoughts(reply)), passage))
    for line in lines:
        if has_question_mark(line):
            return _to_mark(line)
    sayings = [line for line in lines if not line.endswith(_INTRODUCES)]
    return sayings[0] if sayings else ""


def has_question_mark(text: str) -> bool:
    """Tell whether a text asks, as far as a mark says so.

    >>> has_question_mark("Πόσο κοστίζει;"), has_question_mark("a; b")
    (True, False)
    """
    marks = _MARKS + _ARMENIAN
    if any(mark in text for mark in marks):
        return True
    return any(mark in text for mark in _GREEK) and main_script(text) == "greek"


def _without_thoughts(text: str) -> str:
    return _THOUGHT.sub("", text)


def _lines(text: str, passage: str) -> Iterator[str]:
    """Yield the lines that say something, without what surrounds them."""
    for raw in text.splitlines():
        shown = "".join(c if _is_text(c) else " " for c in raw)
        line = _EMPHASIS.sub("", _LIST_MARK.sub("", " ".join(shown.split())))
        label = _LABEL.match(line)
        if label and label[1].casefold() not in passage.casefold():
            line = line[label.end() :]
        line = line.strip(_QUOTES)
        if any(c.isalnum() for c in line):
            yield line


def _is_text(character: str) -> bool:
    """Tell a character that is read from controls and lone surrogates; joiners are read."""
    return unicodedata.category(character) not in {"Cc", "Cs", "Co", "Cn"}


def _to_mark(line: str) -> str:
    """Return a line up to its first question mark, if one stands at an end."""
    marks = _MARKS + (_GREEK if main_script(line) == "greek" else "")
    places = [line.find(mark) for mark in marks if mark in line]
    if not places:
        return line
    end = min(places) + 1
    while end < len(line) and line[end] in marks + "!":
        end += 1
    return line[:end].strip(_QUOTES)
