"""Whether what stands for a page's text is text, or the codes of a font that nobody can read.

A PDF may draw letters without telling which they are. What comes out then are the numbers of
glyphs, taken for characters: controls and private signs, letters of many scripts in one word, signs
where letters should be, or letters that no language sets beside each other. Each sign of that is
measured over all of a text, against what any language, listing, table or formula has of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from rag_engine.text.scripts import script_of

__all__ = ["illegible"]

_FEWEST_SIGNS = 12
"""So few tell nothing."""
_MOST_CONTROLS = 0.05
_MOST_UNKNOWN = 0.2
"""Of the signs: pictures of a font of symbols are fewer, in a text that has words."""
_FEW_SIGNS = 150
_FEWEST_LETTERS = 40
_OTHER_SCRIPT = 0.03
_MOST_MIXED = 0.15
"""Of neighbours in words: units and formulas (``μm``, ``Δx``) have fewer letters of two scripts."""
_FEWEST_STRANGERS = 8
"""Letters: orthographies borrow fewer from another script, or are typed so (``ԑ``, ``ͻ``)."""
_FEWEST_OF_LETTERS = 0.35
_MOST_SYMBOLS = 0.33
_FEWEST_SYMBOLS = 10
_CHIEF = 3
_MOST_CHIEF = 0.5
"""Of the symbols: in listings of numbers, commas and brackets are more."""
_MOST_ACCENTED = 0.6
"""Of the Latin letters: Vietnamese and Yoruba have fewer."""
_VOWELS = frozenset("aeiouyæœøəɛɔıɩʊɪɑʌɐɒɜʉɨɯɤɵ")
_FREQUENT = frozenset("aeionrstluəɛɔıøæ")
_FEWEST = 0.25, 0.48
_FEWEST_IN_SMALL = 0.22, 0.4
"""Vowels and frequent letters, of all."""
_MOSTLY = 0.85
_RARE = 0.005
_FEWEST_DIFFERENT = 7
"""Letters: fewer are an alphabet of their own, such as that of genes."""
_SHORTEST_WORD = 4

_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u02af\u1e00-\u1eff]+")
_ONE_LENGTH, _FEWEST_CODES = 0.7, 6
"""Of the words: codes in groups of so many letters have one length, words of no language have."""
_SCHOLARLY = 0.04
"""Of the letters: transliterations have more that no code page has."""
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
_FEWEST_BRACKETS, _FEWEST_KINDS = 4, 2
_MATCHED = 0.9
"""Of the brackets: in source code and formulas each has its other."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_PRINTED = re.compile(r"(.)\1{3,}")
_OF_CODES = frozenset("€‚ƒ„…†‡ˆ‰‹‘’“”•–—˜™›")
"""Signs beyond Latin-1 that code pages have."""
_AYIN = "\u02be\u02bf\ua723\ua725"
"""Letters that stand for those of Semitic scripts and Egyptian; no code page has them."""
_AROUND = "".join(sign for sign in map(chr, range(256)) if not sign.isalpha())
_UNSPACED = frozenset({"han", "hiragana", "katakana", "hangul", "bopomofo", "fullwidth"})
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lo"})
_UNKNOWN = frozenset({"Cc", "Co", "Cn", "Cs"})


def illegible(text: str) -> str | None:
    r"""Return why a text is none, or None where it is one, or too short to tell.

    >>> illegible("The pump delivers three hundred litres of water each minute.")
    >>> illegible("7KH\x03SXPS\x03GHOLYHUV\x03WKUHH\x03KXQGUHG\x03OLWUHV")
    'its signs are controls or private ones'
    >>> moved = "WKH SXPS GHOLYHUV WKUHH KXQGUHG OLWUHV RI ZDWHU HYHUB PLQXWH IRU BHDUV "
    >>> illegible(2 * moved)
    'its letters make no words of any language'
    """
    signs = _count({sign for sign in set(text) if not sign.isspace()}, text)
    total = signs.total()
    if total < _FEWEST_SIGNS:
        return None
    kinds = {sign: unicodedata.category(sign) for sign in signs}
    controls = sum(signs[sign] for sign, kind in kinds.items() if kind == "Cc")
    unknown = sum(signs[sign] for sign, kind in kinds.items() if _is_unknown(sign, kind))
    if unknown > _MOST_UNKNOWN * total or controls > _MOST_CONTROLS * total:
        return "its signs are controls or private ones"
    letters = {sign: signs[sign] for sign, kind in kinds.items() if kind in _LETTERS}
    if _is_salad(text, kinds):
        return "signs stand where letters should"
    if sum(letters.values()) < _FEWEST_LETTERS:
        return None
    if _mixes_scripts(text, letters):
        return "letters of several scripts stand in one word"
    if _is_no_latin(text, letters):
        return "its letters make no words of any language"
    return None


def _count(signs: set[str], text: str) -> Counter[str]:
    """Count some signs of a text."""
    if len(signs) < _FEW_SIGNS:  # one by one is faster
        return Counter({sign: text.count(sign) for sign in signs})
    every = Counter(text)
    return Counter({sign: every[sign] for sign in signs})


def _is_unknown(sign: str, kind: str) -> bool:
    return kind in _UNKNOWN or sign == "\ufffd"


def _is_salad(text: str, kinds: Mapping[str, str]) -> bool:
    """Tell whether signs of many kinds take the place of letters: ``!"# $%&' #(!)``.

    Rows of one sign, as they lead to a page's number or rule off a table, count once.
    """
    symbols = {
        s for s, kind in kinds.items() if kind[0] in "PS" and (s < "\u0100" or s in _OF_CODES)
    }
    if len(symbols) < _FEWEST_SYMBOLS or _is_bracketed(text):
        return False
    shown = Counter("".join(_PRINTED.sub(r"\1", text).split()))
    total = shown.total()
    lettered = sum(n for sign, n in shown.items() if kinds.get(sign, "L")[0] in "LM")
    counts = sorted((n for sign, n in shown.items() if sign in symbols), reverse=True)
    signed = sum(counts)
    return (
        lettered < _FEWEST_OF_LETTERS * total
        and signed > _MOST_SYMBOLS * total
        and sum(counts[:_CHIEF]) < _MOST_CHIEF * signed
    )


def _is_bracketed(text: str) -> bool:
    """Tell whether brackets of several kinds each have their other one behind them, as in code."""
    kinds = 0
    for opening, closing in _BRACKETS:
        depth = matched = 0
        for sign in re.findall(f"[{re.escape(opening + closing)}]", text):
            if sign == opening:
                depth += 1
            elif depth:
                depth -= 1
                matched += 2
        every = text.count(opening) + text.count(closing)
        kinds += every >= _FEWEST_BRACKETS and matched >= _MATCHED * every
    return kinds >= _FEWEST_KINDS


def _mixes_scripts(text: str, letters: Mapping[str, int]) -> bool:
    """Tell whether letters of different scripts stand side by side again and again."""
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[_script(letter)] += count
    least = _OTHER_SCRIPT * scripts.total()
    if scripts.total() - max(scripts.values()) < least:
        return False
    main = scripts.most_common(1)[0][0]
    pairs = mixed = 0
    strangers: set[str] = set()
    for one, other in (pair for word in _WORD.findall(text) for pair in pairwise(word)):
        pairs += 1
        if _script(one) != _script(other) and _script(one) and _script(other):
            mixed += 1
            strangers.update(letter for letter in (one, other) if _script(letter) != main)
    many = len(strangers) >= _FEWEST_STRANGERS or len(set(map(_script, strangers))) > 2
    return mixed > _MOST_MIXED * pairs and many


@cache
def _script(letter: str) -> str:
    """Return the script of a letter; those that one language writes together are one.

    Modifiers, such as the stress of phonetic script, have none.
    """
    name = script_of(letter) if unicodedata.category(letter) in _LETTERS else ""
    return "han" if name in _UNSPACED else name


def _is_no_latin(text: str, letters: Mapping[str, int]) -> bool:
    """Tell whether Latin letters are accented, or rare, as in no language."""
    latin = {letter: count for letter, count in letters.items() if _is_latin(letter)}
    total = sum(latin.values())
    if total < _FEWEST_LETTERS:
        return False
    accented = sum(count for letter, count in latin.items() if "\u00c0" <= letter <= "\u024f")
    if accented > _MOST_ACCENTED * total:
        return True
    if not _is_improbable(latin) or sum(map(text.count, _AYIN)) > _SCHOLARLY * total:
        return False
    # Formulas and numbers of articles have letters one by one, or beside digits.
    words = [
        word
        for word in (each.strip(_AROUND) for each in text.split())
        if len(word) >= _SHORTEST_WORD and _LATIN_WORD.fullmatch(word)
    ]
    lengths = Counter(map(len, words))
    if len(words) >= _FEWEST_CODES and max(lengths.values()) > _ONE_LENGTH * len(words):
        return False
    found = Counter("".join(words))
    return found.total() >= _FEWEST_LETTERS and _is_improbable(found)


def _is_improbable(letters: Mapping[str, int]) -> bool:
    """Tell whether both vowels and the letters that are frequent everywhere are few.

    The fewest in one sentence of 128 languages in Latin letters: 26% vowels, and 38% of the ten
    most frequent, but never both; a shift by three letters leaves 15 to 21%, and 35 to 45%.
    """
    total = sum(letters.values())
    vowels = sum(count for letter, count in letters.items() if _base(letter) in _VOWELS)
    frequent = sum(count for letter, count in letters.items() if _base(letter) in _FREQUENT)
    different = sum(count > _RARE * total for count in letters.values())
    capitals = sum(count for letter, count in letters.items() if letter.isupper())
    # Numbers of glyphs make capitals of small letters; names in a listing have both.
    least = _FEWEST if capitals > _MOSTLY * total else _FEWEST_IN_SMALL
    few = vowels < least[0] * total and frequent < least[1] * total
    return few and different >= _FEWEST_DIFFERENT


def _is_latin(letter: str) -> bool:
    return (
        "a" <= letter <= "z"
        or "A" <= letter <= "Z"
        or "\u00c0" <= letter <= "\u02af"
        or "\u1e00" <= letter <= "\u1eff"
    )


@cache
def _base(letter: str) -> str:
    return unicodedata.normalize("NFD", letter.lower())[0]
