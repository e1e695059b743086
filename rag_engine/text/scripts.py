"""Writing systems: which script a letter belongs to, and which languages a script can write.

The script of a letter is read off its Unicode name ("CYRILLIC SMALL LETTER A"), so that every
script that Python knows is known here too, without a table to keep.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

__all__ = [
    "LATIN_LANGUAGES_EXCLUDED",
    "LONE_LANGUAGE",
    "SHARED_SCRIPTS",
    "home_script",
    "main_script",
    "script_counts",
    "script_of",
]

LONE_LANGUAGE: dict[str, str] = {
    "armenian": "hy",
    "cherokee": "chr",
    "georgian": "ka",
    "greek": "el",
    "gujarati": "gu",
    "gurmukhi": "pa",
    "hangul": "ko",
    "hiragana": "ja",
    "kannada": "kn",
    "katakana": "ja",
    "khmer": "km",
    "lao": "lo",
    "malayalam": "ml",
    "mongolian": "mn",
    "myanmar": "my",
    "oriya": "or",
    "sinhala": "si",
    "syriac": "syr",
    "tamil": "ta",
    "telugu": "te",
    "thaana": "dv",
    "thai": "th",
    "tibetan": "bo",
    "tifinagh": "zgh",
}
"""Scripts that write one language only, as far as documents of today go."""

SHARED_SCRIPTS: dict[str, tuple[str, ...]] = {
    "arabic": ("ar", "fa", "ur", "ps", "ckb", "ug", "sd", "pnb", "az", "ku", "ks", "mzn"),
    "bengali": ("bn", "as"),
    "cyrillic": (
        *("ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "mn", "tg", "tt", "ba", "cv", "ce"),
        *("os", "av", "sah", "tyv", "xal", "kv", "krc", "lez", "mhr", "mrj", "myv", "rue"),
    ),
    "devanagari": ("hi", "mr", "ne", "sa", "bho", "mai"),
    "ethiopic": ("am", "ti"),
    "han": ("zh", "ja"),
    "hebrew": ("he", "yi"),
}
"""Scripts that write several languages; the first is meant where nothing else can be told."""

_SEVERAL_SCRIPTS = frozenset({"az", "kk", "ku", "mn", "sr", "tt", "uz", "und"})

LATIN_LANGUAGES_EXCLUDED = (
    frozenset(LONE_LANGUAGE.values())
    | frozenset(code for codes in SHARED_SCRIPTS.values() for code in codes)
) - (_SEVERAL_SCRIPTS - {"mn"})
"""Languages that a text in Latin letters is not taken for."""

_HOME_SCRIPTS = {
    **{code: script for script, codes in SHARED_SCRIPTS.items() for code in codes},
    **{code: script for script, code in LONE_LANGUAGE.items()},
}

# A Latin word inside Chinese or Russian is a name or a technical term, and its letters carry
# less each than a Chinese character does.
_LATIN_WEIGHT = 0.25
# One kana letter in ten is enough for Japanese; Chinese has none but in a brand name.
_KANA_SHARE = 0.1
_SAMPLE = 2_000


class _ScriptTable(dict[str, str]):
    """Character to script, filled as characters come."""

    def __missing__(self, character: str) -> str:
        script = _look_up(character)
        self[character] = script
        return script


def _look_up(character: str) -> str:
    if not character.isalpha():
        return ""
    words = unicodedata.name(character, "").split()
    while words and words[0] in {"MODIFIER", "HALFWIDTH", "FULLWIDTH", "LETTER"}:
        words = words[1:]
    first = words[0].lower() if words else ""
    return {"cjk": "han", "ideographic": "han", "katakana-hiragana": "katakana"}.get(first, first)


_TABLE = _ScriptTable()


def script_of(character: str) -> str:
    """Return the script of one letter in lower case, or "" for anything but a letter.

    >>> [script_of(c) for c in "aяあ漢3 "]
    ['latin', 'cyrillic', 'hiragana', 'han', '', '']
    """
    return _TABLE[character]


def script_counts(text: Iterable[str]) -> Counter[str]:
    """Count the letters of each script.

    >>> sorted(script_counts("Tesla и 3").items())
    [('cyrillic', 1), ('latin', 5)]
    """
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():  # of a text, few characters differ
        if script := _TABLE[character]:
            counts[script] += count
    return counts


def home_script(language: str) -> str:
    """Return the script that a language is written in, or "" where it may be one of several.

    >>> home_script("ru"), home_script("de"), home_script("sr")
    ('cyrillic', 'latin', '')
    """
    return "" if language in _SEVERAL_SCRIPTS else _HOME_SCRIPTS.get(language, "latin")


def main_script(text: str) -> str:
    """Return the script that says most about a text's language, or "" without letters.

    Latin letters count a quarter beside others. Han with kana is ``hiragana``, Han with more
    Hangul than Han is ``hangul``. Only the first 2,000 characters are looked at.

    >>> main_script("iPhone の充電器"), main_script("iPhone 充电器"), main_script("42")
    ('hiragana', 'han', '')
    """
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else ""
    counts = script_counts(text[:_SAMPLE])
    if not counts:
        return ""
    kana = counts.pop("hiragana", 0) + counts.pop("katakana", 0)
    if kana:
        japanese = kana >= _KANA_SHARE * (kana + counts["han"])
        counts["hiragana" if japanese else "han"] = kana + counts.pop("han", 0)
    return max(
        sorted(counts),
        key=lambda script: counts[script] * (_LATIN_WEIGHT if script == "latin" else 1.0),
    )
