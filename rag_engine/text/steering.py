"""Characters that steer what shows a text: a terminal, a page, a reader's eye.

Control characters begin the commands of a terminal (ECMA-48), line separators forge lines, and
embeddings, overrides and isolates of the bidirectional algorithm (Unicode Annex 9) make a text read
as it is not written ("Trojan Source", Boucher and Anderson, USENIX Security 2023). Marks of
direction and joiners stay: letters of Arabic, Hebrew, Persian and Indic texts need them.
"""

from __future__ import annotations

import re

__all__ = ["escaped", "on_one_line", "steers", "without_steering"]

_BIDI = "\u202a-\u202e\u2066-\u2069"
_STEERING = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNESCAPED = re.compile(rf"[\x7f-\x9f\u2028\u2029{_BIDI}]")


def steers(text: str) -> bool:
    r"""Tell whether a text of lines holds a character that steers what shows it.

    >>> steers("a\n\tb"), steers("a\x1b[31m"), steers("\u202egnp.exe"), steers("क्‍ष")
    (False, True, True, False)
    """
    return _STEERING.search(text) is not None


def without_steering(text: str) -> str:
    r"""Return a text of lines without what steers; every end of a line becomes ``\n``.

    >>> without_steering("a\r\nb\u2028c\x1b[31m\u202ed")
    'a\nb\nc[31md'
    """
    if not steers(text):
        return text
    return _STEERING.sub("", _LINE_END.sub("\n", text))


def on_one_line(text: str) -> str:
    r"""Return a text for one line of a terminal: control characters become blanks.

    >>> on_one_line("a\x1b[31mb\nc\u202ed")
    'a [31mb cd'
    """
    return _STEERING.sub("", _BREAK.sub(" ", text))


def escaped(json_text: str) -> str:
    r"""Return JSON in which what steers is written as ``\uXXXX``; its meaning stays the same.

    JSON itself escapes only the first 32 control characters.

    >>> escaped('{"a": "\x9b31m\u202e"}')
    '{"a": "\\u009b31m\\u202e"}'
    """
    return _UNESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)
