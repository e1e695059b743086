"""Names of files in one Unicode form.

macOS writes an accented letter or a Korean syllable as several characters (NFD), other systems and
keyboards as one (NFC). Both are shown alike and name the same file, so names are kept in NFC, and
what was kept otherwise by an earlier version is found by either form.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

from rag_engine.filters import And, Equals, Filter, In, Not, Or

__all__ = ["any_spelling", "one_form", "spellings"]

_BETWEEN_PARTS = re.compile("([/#])")
_MOST_SPELLINGS = 16
_MOST_VALUES = 10_000
"""Of one ``In``."""
_KEYS = frozenset({"document_id", "source"})


def one_form(name: str) -> str:
    r"""Return a name in NFC.

    >>> one_form("cafe\u0301.txt") == "caf\u00e9.txt"
    True
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def spellings(name: str) -> tuple[str, ...]:
    r"""Return how a name may have been written down: as it is given, then in other forms.

    Each part between slashes (and a row's key, after ``#``) may have a form of its own: the prefix
    was typed, the rest read from a disk. Of a name with many such parts, only those with all parts
    in one form.

    >>> [ascii(name) for name in spellings("é/a.txt")]
    ["'\\xe9/a.txt'", "'e\\u0301/a.txt'"]
    >>> spellings("a/b.csv#7")
    ('a/b.csv#7',)
    """
    if name.isascii():
        return (name,)
    forms = [
        tuple(dict.fromkeys(unicodedata.normalize(form, part) for form in ("NFC", "NFD")))
        for part in _BETWEEN_PARTS.split(name)
    ]
    uneven = sum(len(of_part) > 1 for of_part in forms)
    if 2**uneven > _MOST_SPELLINGS:
        whole = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
        return tuple(dict.fromkeys((name, *whole)))
    return tuple(dict.fromkeys((name, *map("".join, itertools.product(*forms)))))


def any_spelling(node: Filter) -> Filter:
    r"""Return a filter whose ids of documents and names of sources match in each of their forms.

    >>> len(any_spelling(Equals("source", "é.txt")).values)
    2
    >>> any_spelling(Equals("title", "é"))
    Equals(key='title', value='é')
    """
    if isinstance(node, Not):
        return Not(any_spelling(node.part))
    if isinstance(node, And | Or):
        return type(node)(*map(any_spelling, node.parts))
    if not isinstance(node, Equals | In) or node.key not in _KEYS:
        return node
    values = (node.value,) if isinstance(node, Equals) else node.values
    found = {
        form: None
        for value in values
        for form in (spellings(value) if isinstance(value, str) else (value,))
    }
    if len(found) == len(set(values)):
        return node
    every = tuple(found)
    starts = range(0, len(every), _MOST_VALUES)
    listed = [In(node.key, every[start : start + _MOST_VALUES]) for start in starts]
    return listed[0] if len(listed) == 1 else Or(*listed)
