"""How words sound, so that a word meets itself across scripts: ``pani`` and पानी, Тесла and Tesla.

A passage stores the sounds of its words in other scripts than Latin, and of its names; a question
looks for those of its words that are not in the passages' own script. Both are spelled in Latin
letters by ``anyascii`` and then brought to a *key*, of which there are four families:

- ``skeleton``: consonants only, for scripts that do not write all vowels, or whose vowels people
  romanise in many ways (Arabic, Hebrew, the scripts of India, Ethiopic, Thai), and katakana;
- ``vowels``: consonants and folded vowels, for alphabets (Cyrillic, Greek, Georgian, Armenian)
  and Hangul;
- ``pinyin``: two neighbouring Chinese characters;
- ``name``: a coarser skeleton, for names in Latin letters and in alphabets.

Readings of Japanese kanji would need a dictionary of words; they have no key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import regex

from rag_engine.records import UNDETERMINED
from rag_engine.text.folding import folded, tidied
from rag_engine.text.pinyin import pinyin_pairs, readings
from rag_engine.text.scripts import home_script, script_of
from rag_engine.text.sound_keys import latin_spelling, name_key, skeleton_keys, vowel_keys
from rag_engine.text.sound_stops import is_stop_sound
from rag_engine.text.sound_syllables import hangul_pairs

__all__ = [
    "WrittenWord",
    "joined_sounds",
    "katakana_sounds",
    "passage_sounds",
    "question_sounds",
    "sound_family",
    "sound_term",
    "sounds_of",
    "words_of",
]

_FAMILIES = {
    **dict.fromkeys(("arabic", "hebrew", "syriac", "thaana", "ethiopic", "tibetan"), "skeleton"),
    **dict.fromkeys(("devanagari", "bengali", "gurmukhi", "gujarati", "oriya"), "skeleton"),
    **dict.fromkeys(("tamil", "telugu", "kannada", "malayalam", "sinhala"), "skeleton"),
    **dict.fromkeys(("thai", "lao", "khmer", "myanmar", "katakana"), "skeleton"),
    **dict.fromkeys(("cyrillic", "greek", "georgian", "armenian", "hangul"), "vowels"),
    "han": "pinyin",
    "latin": "name",
}
# Looked for once in a run of digits, not at each: a question may hold thousands of them.
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}']*|(?<!\p{N})\p{N}++\p{L}[\p{L}\p{M}\p{N}']*")
_KATAKANA = regex.compile(r"[\p{Katakana}ー]{2,}")
_JAPANESE = frozenset({"han", "hiragana", "katakana"})
_ALPHABETS = frozenset({"cyrillic", "greek", "armenian"})
_LONGEST = 40
_LONGEST_HEARD = 64
"""So much of a word of a question is folded: marks go, and 40 letters are left."""


def sound_term(language: str, key: str) -> str:
    """Return the index term of a sound in passages of a language: ``hi~pn``."""
    return f"{language}~{key}"


def sound_family(script: str) -> str:
    """Return the family of keys that words of a script have, or "" where they have none.

    >>> [sound_family(script) for script in ("devanagari", "greek", "han", "latin", "hiragana")]
    ['skeleton', 'vowels', 'pinyin', 'name', '']
    """
    return _FAMILIES.get(script, "")


def passage_sounds(surface: str, language: str, *, named: bool) -> tuple[str, ...]:
    """Return the keys that a passage stores for a folded word; ``named``: the word is a name.

    >>> passage_sounds("पानी", "hi", named=False), passage_sounds("tesla", "en", named=True)
    (('pn',), ('tsl',))
    >>> passage_sounds("水费", "zh", named=False), passage_sounds("pump", "en", named=False)
    (('shuifei',), ())
    """
    surface = surface[:_LONGEST]
    script = script_of(surface[0])
    family = _FAMILIES.get(script, "")
    if family == "pinyin":
        return readings(surface) if language != "ja" and len(surface) == 2 else ()
    if script == "katakana" or not family:
        return ()  # katakana is cut in pairs here; `katakana_sounds` sees whole words
    if family == "name":
        return name_key(surface) if named and surface.isalpha() else ()
    spelled = latin_spelling(surface, script, language)
    if family == "skeleton":
        return skeleton_keys(spelled, script, language)[:1]
    keys = vowel_keys(spelled, script, language)[:1]
    return (*keys, *name_key(spelled)) if named else keys


def katakana_sounds(text: str) -> list[str]:
    """Return the keys of the words in katakana of a tidied text.

    >>> katakana_sounds("テスラのコンピューター")
    ['tsr', 'knpt']
    """
    keys: list[str] = []
    for match in _KATAKANA.finditer(text):
        run = match.group()[:_LONGEST]
        keys.extend(skeleton_keys(latin_spelling(run, "katakana", "ja"), "katakana", "ja")[:1])
    return keys


def joined_sounds(surfaces: Sequence[str], language: str) -> list[str]:
    """Return the keys of neighbouring words together, for Thai and Lao.

    Nobody knows where their words end, least of all in Latin letters: โรง and พยาบาล are
    typed as rongphayaban, ค่า and น้ำ as khanam or kha nam.

    >>> joined_sounds(["ค่า", "น้ำ"], "th"), joined_sounds(["fee", "water"], "en")
    (['knm'], [])
    """
    script = home_script(language)
    if script not in {"thai", "lao"}:
        return []
    keys: list[str] = []
    for first, second in pairwise(surfaces):
        if script_of(first[0]) == script == script_of(second[0]):
            keys.extend(_joined_sound(first + second, language))
    return keys


@lru_cache(maxsize=40_000)
def _joined_sound(surface: str, language: str) -> tuple[str, ...]:
    return passage_sounds(surface, language, named=False)


class WrittenWord(NamedTuple):
    """A word as it is written, its beginning without capitals, and the script of its letters."""

    as_written: str
    lower: str
    script: str


def question_sounds(question: str, language: str) -> tuple[tuple[str, ...], ...]:
    """Return the keys to look for in passages of a language: for each word, the ways to hear it.

    A word in the passages' own script gives none, since its letters say more; but a name in an
    alphabet gives the key under which passages keep names in Latin letters. Nor do words that
    sound like stop words of the language. For Chinese, a word is two neighbouring syllables,
    whether or not there was a blank between them; for Korean, two neighbouring syllables of one
    word.

    >>> question_sounds("pani ka bill", "hi"), question_sounds("shui fei", "zh")
    ((('pn',), (), ('bl',)), (('shuifei',),))
    >>> question_sounds("Теслa", "en"), question_sounds("Tesla price", "en")
    ((('tsl',),), ((), ()))
    """
    return sounds_of(words_of(question), language)


def words_of(question: str) -> list[WrittenWord]:
    """Return the words of a question, to be listened to for one language after the other.

    >>> [word.script for word in words_of("Цена iPhone")]
    ['cyrillic', 'latin']
    """
    return [
        WrittenWord(
            word,
            word.casefold()[:_LONGEST_HEARD],
            script_of(next(filter(str.isalpha, word), word[0])),
        )
        for word in _WORD.findall(tidied(question))
    ]


def sounds_of(words: Sequence[WrittenWord], language: str) -> tuple[tuple[str, ...], ...]:
    """Return the keys to look for in passages of a language, as ``question_sounds`` does."""
    home = home_script(language)
    own = _JAPANESE if language == "ja" else frozenset({home})
    if language == "zh":
        latin = [word if script == "latin" else "" for _, word, script in words]
        others = [
            _keys(word, script, "", language) for _, word, script in words if script != "latin"
        ]
        return (*pinyin_pairs(latin), *(keys for keys in others if keys))
    if home == "hangul":
        groups: list[tuple[str, ...]] = []
        for _, word, script in words:
            if script != home:
                groups.extend(hangul_pairs(latin_spelling(folded(word), script, language)))
        return tuple(groups)
    return tuple(
        (_own_name(as_written, script) if script in own else _keys(word, script, home, language))
        for as_written, word, script in words
    )


def _own_name(word: str, script: str) -> tuple[str, ...]:
    """Return the key of a capitalised word: the name may stand in Latin letters in a passage."""
    if script not in _ALPHABETS or not word[0].isupper():
        return ()
    return name_key(latin_spelling(folded(word)[:_LONGEST], script, UNDETERMINED))


@lru_cache(maxsize=40_000)
def _keys(word: str, script: str, home: str, language: str) -> tuple[str, ...]:
    """Return the variants of one word of a question for passages in the script ``home``."""
    spelled = latin_spelling(folded(word)[:_LONGEST], script, UNDETERMINED)
    if home in {"hiragana", "katakana"} or language == "ja":
        return skeleton_keys(spelled, "katakana", language, spoken=True)
    family = _FAMILIES.get(home, "")
    if script == "latin" and is_stop_sound(spelled, home, language):
        return ()
    names = name_key(spelled)
    if family == "skeleton":
        keys = skeleton_keys(spelled, home, language, spoken=True)
        return keys if script == "latin" else tuple(dict.fromkeys((*keys, *names)))
    if script == "katakana":  # which writes l and r alike
        names = tuple(dict.fromkeys((*names, *(key.replace("r", "l") for key in names))))
    if family == "vowels":
        keys = vowel_keys(spelled, home, language, spoken=True)
        if script == "latin":
            return keys  # a few consonants of a common word ("der": dr) are those of many names
    elif home == "":  # Latin or Cyrillic (sr, kk), or anything
        keys = vowel_keys(spelled, "cyrillic", language, spoken=True)
    else:
        return names if family == "name" and script != "latin" else ()
    return tuple(dict.fromkeys((*keys, *names)))
