"""The rules by which ways to romanise agree, by groups of writing systems: data, in their order."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "ALTERNATIVES",
    "ARABIZI",
    "NAME",
    "SKELETON",
    "VOWELS",
    "VOWEL_ALTERNATIVES",
    "Rules",
    "applied",
    "style_of",
]

_BEGINNING = re.compile(r"\^?([a-zA-Z0-9']*)")
_PLAIN = re.compile(r"[a-zA-Z0-9']+")
_REPEATS = ("?", "*", "{")


class Rule(NamedTuple):
    """A ``pattern`` and what takes its place.

    ``letters`` are in every spelling that it matches, which most do not: they are looked for first.
    If ``plain``, they are the whole pattern.
    """

    pattern: re.Pattern[str]
    replacement: str
    letters: str
    plain: bool


Rules = tuple[Rule, ...]


def _rules(*lines: str) -> Rules:
    """Read lines of ``pattern>replacement`` pairs between blanks."""
    pairs = (pair.split(">") for line in lines for pair in line.split())
    return tuple(
        Rule(
            re.compile(pattern),
            replacement,
            _letters_of(pattern),
            plain=_PLAIN.fullmatch(pattern) is not None,
        )
        for pattern, replacement in pairs
    )


def _letters_of(pattern: str) -> str:
    """Return the letters that a pattern begins with.

    >>> [_letters_of(pattern) for pattern in ("sch", "c(?=[eiy])", "chh?", "^y", "[bw]", "i+e")]
    ['sch', 'c', 'ch', 'y', '', 'i']
    """
    if "|" in pattern:
        return ""
    match = _BEGINNING.match(pattern)
    assert match is not None  # it may be empty
    letters = match.group(1)
    return letters[:-1] if pattern.startswith(_REPEATS, match.end()) else letters


def applied(spelled: str, rules: Rules) -> str:
    """Return a spelling after every rule in its turn.

    >>> applied("wuxi", VOWELS["cyrillic"])
    'vuksi'
    """
    for pattern, replacement, letters, plain in rules:
        if letters in spelled:
            spelled = (
                spelled.replace(letters, replacement)
                if plain
                else pattern.sub(replacement, spelled)
            )
    return spelled


ARABIZI = (("3'", "gh"), ("7'", "kh"), ("2", ""), ("3", ""), ("5", "kh"), ("6", "t"), ("7", "h"))
"""Digits that stand for the letters they look like."""

_STYLES = {
    **dict.fromkeys(("arabic", "syriac", "thaana"), "arabic"),
    **dict.fromkeys(("tamil",), "tamil"),
    **dict.fromkeys(("thai", "lao", "khmer", "myanmar", "tibetan"), "thai"),
    "hebrew": "hebrew",
    "ethiopic": "ethiopic",
    "katakana": "katakana",
}


def style_of(script: str, language: str) -> str:
    """Return the group of rules for skeletons in a script.

    >>> style_of("arabic", "fa"), style_of("gujarati", "gu"), style_of("bengali", "bn")
    ('persian', 'indic', 'bengali')
    """
    if script == "arabic" and language != "ar":
        return "persian"
    if script in {"bengali", "oriya"} or language == "ne":  # one sound for b and v
        return "bengali"
    return _STYLES.get(script, "indic")


_C = "c(?=[eiy])>s ck>k c>k"

SKELETON: dict[str, Rules] = {
    # z, s and their emphatic twins stay apart where people keep them apart.
    "arabic": _rules("kh>k gh>g tsh>C ch>C sh>s th>t dh>d zh>j ph>f", _C, "q>k x>ks p>b v>f C>s"),
    "persian": _rules("sch>sk kh>k gh>g ch>C sh>s th>s dh>z zh>j ph>f", _C, "q>k x>ks v>w C>c"),
    "hebrew": _rules(
        "kh>k ch>k sh>s th>t t[sz]>C ph>f", "c(?=[eiy])>s c>k", "q>k x>k p>f [bw]>v C>c"
    ),
    "ethiopic": _rules("kh>h ch>C sh>s ts>C zh>j ny>n ph>p", _C, "q>k x>ks v>b C>c"),
    "indic": _rules("ksh>ks sch>sk chh?>C sh>s ph>f zh>j", "c>C q>k x>ks w>v z>j C>c"),
    "bengali": _rules("ksh>ks chh?>C sh>s ph>f zh>j ^y>j", "c>C q>k x>ks w>b v>b z>j C>c"),
    "tamil": _rules("zh>l ksh>ks ch>s sh>s th>t dh>t", "x>ks [gqh]>k [bf]>p d>t [cjz]>s w>v"),
    "thai": _rules("ng>N kh>k th>t ph>p ch>C sh>s", "[gq]>k [cj]>C z>s x>ks r>l v>w C>c N>g"),
    "katakana": _rules(
        "th>s sh>s tch>C ch>C t[sz]>C ph>f", _C, "q>k x>ks l>r v>b z>j m(?=[pb])>n C>c"
    ),
}
"""From a spelling to its consonants; vowels and inner glides go afterwards."""

ALTERNATIVES: dict[str, Rules] = {
    "arabic": _rules(
        "ng(?![aeiou])>n (?<=..)an$>",
        r"^w?[aei]l-?(?=[a-z]{3})> ^a(sh|[tdrzsn])-?\1>\1 ^w> g(?!h)>j g(?!h)>k (?<=a)t$>",
        "^[ie](?=[a-z]{2})>y z>d",
    ),
    "persian": _rules("gh>k ^[ie](?=[a-z]{2})>y (?<=[aeiou])n$> zh>z"),
    "hebrew": _rules("^ha(?=[a-z]{4})> ^[ie](?=[a-z]{2})>y (?<![ksct])h(?!$)>k"),
    "ethiopic": _rules("ph>f ch>t gn>n"),
    "indic": _rules("c(?!h)>k c(?=[eiy])>s (?<!^)r>d (?<=[aeiou])n$> gy>jn"),
    "bengali": _rules("c(?!h)>k c(?=[eiy])>s (?<!^)r>d (?<=[aeiou])n$>"),
    "tamil": _rules("^h>"),
    "thai": _rules("^h>"),
    "katakana": _rules("r(?![aeiouy])> ti>chi ^w> dge?>j"),
}
"""What the letters of a question may have been meant for as well."""

NAME = _rules(
    "shch>s sch>s dzh>g zh>g tch>k tsh>k ch>k ck>k sh>s kh>k gh>g ph>f th>t dh>d t[sz]>s",
    "c(?=[eiy])>s c>k q>k x>ks p>b (?<!^)w(?![aeiou])> [vw]>f j>g z>s ng(?![aeiou])>n",
)
"""From a name in Latin letters, or in those of an alphabet, to what an abjad can tell of it."""

_PLACED = "C>q S>x"  # one letter each for two sounds, when q and x have been resolved

VOWELS: dict[str, Rules] = {
    "cyrillic": _rules(
        "shch>S sch>S sh>S ch>C kh>h zh>j t[sz]>c ph>f ck>k w>v x>ks q>k '> y>i i+e>e i+>i",
        _PLACED,
    ),
    "greek": _rules(
        "8>th 3>x th>T ph>f ch>h kh>h ks>x mp>b nt>d gg>g gk>g o[uy]>U e[uyv]>ef a[uyv]>af",
        "ai>e ei>i oi>i y>i w>o gi(?=[aeou])>i U>u T>t",
    ),
    "georgian": _rules("'> kh>h gh>g ts>c dz>z zh>j ch>C sh>S x>h w>c q>k", _PLACED),
    "armenian": _rules(
        "'> ow>u ew>ev kh>h gh>g ts>c dz>z zh>j ch>C sh>S x>h q>k y>i ie>e w>v", _PLACED
    ),
    "hangul": _rules(
        "sh>s eo>o eu>u ae>e oe>e oo>u ee>i ch>c j>c g>k d>t b>p r>l y>i [vf]>p w>u x>ks q>k z>c"
    ),
}
"""From a spelling to consonants and vowels that everybody would write."""

VOWEL_ALTERNATIVES: dict[str, Rules] = {
    "cyrillic": _rules("j(?=[aeou])>y (?<=[aeiou])j>y [yj]o>e yo>o (?<![cksz])h>g x>h c(?!h)>ch"),
    "greek": _rules("b>v x>h (?<![tckp])h>i u>y th(?=[^aeiouyw])>ti"),
    "georgian": _rules("c(?!h)>ts y>k"),
    "armenian": _rules("^vo>o j>z"),
    "hangul": (),
}
