"""Stems and stop words, language by language, where libraries know them."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

from rag_engine.text.codes import code_table
from rag_engine.text.folding import folded, lowered, tidied

__all__ = [
    "has_stemmer",
    "is_stop_word",
    "plain_stems",
    "stem_of",
    "stop_words",
    "without_arabic_prefixes",
]

_STEMMERS = code_table(
    "ar:arabic bs:serbian ca:catalan cs:czech da:danish de:german el:greek en:english",
    "eo:esperanto es:spanish et:estonian eu:basque fa:persian fi:finnish fr:french ga:irish",
    "hi:hindi hr:serbian hu:hungarian hy:armenian id:indonesian it:italian lt:lithuanian",
    "ms:indonesian ne:nepali nl:dutch no:norwegian pl:polish pt:portuguese ro:romanian",
    "ru:russian sr:serbian st:sesotho sv:swedish ta:tamil tr:turkish yi:yiddish",
)
# Their letters with marks are letters of their own, found on every keyboard; without the marks
# other words would come out (Swedish "för" and "for", every syllable of Vietnamese).
_KEEP_ACCENTS = frozenset({"az", "da", "et", "fi", "fo", "is", "no", "sv", "vi"})
# How such letters are typed by those who do not have them; other marks are just left out. On a
# Russian keyboard the letters of its neighbours become the nearest that it has.
_TYPED_AS = {
    **dict.fromkeys(
        ("da", "fo", "is", "no", "sv"),
        str.maketrans({"å": "aa", "ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe"}),
    ),
    "az": str.maketrans("ə", "e"),
    "uk": str.maketrans("їґ", "іг"),
    **dict.fromkeys(
        ("ba", "kk", "ky", "mn", "tg", "tt"),
        str.maketrans("әғқңөұүһіҗҙҫҡғӣӯҳҷ", "агкноуухижзскгиухч"),
    ),
}
# "And", "so", "in", "like" and the article, which Arabic writes without a blank; Snowball takes
# off only some of them.
_ARABIC_PREFIXES = re.compile(r"[وفبك]{0,2}(?:ال|لل)(?=..)|و(?=....)")

# The published English list is a union of many and takes order, parts, number, computer or
# microsoft for stop words; these are the function words.
_ENGLISH = """
a about above after again against all also am an and any are as at be because been before being
below between both but by can could did do does doing down during each few for from further had
has have having he her here hers herself him himself his how i if in into is it its itself just
me more most my myself no nor not now of off on once only or other our ours ourselves out over own
same she should so some such than that the their theirs them themselves then there these they this
those through to too under until up very was we were what when where which while who whom why will
with would you your yours yourself yourselves may might must shall upon whose within without
"""

_of_thread = threading.local()


def _stemmer(name: str) -> Any:
    """Return this thread's own stemmer: two threads must not use one at once."""
    import Stemmer

    stemmers: dict[str, Any] = _of_thread.__dict__.setdefault("stemmers", {})
    if name not in stemmers:
        # No cache of its own: the analyser keeps its results for all threads.
        stemmers[name] = Stemmer.Stemmer(name, 0)
    return stemmers[name]


def has_stemmer(language: str) -> bool:
    """Tell whether a stemmer knows a language.

    >>> has_stemmer("de"), has_stemmer("th")
    (True, False)
    """
    return language in _STEMMERS


def plain_stems(surface: str, stem: str, language: str, *, typed: bool = True) -> tuple[str, ...]:
    """Return the other stems that a word has when it is typed without its marks.

    ``surface`` is the folded word, ``stem`` its stem as it is written. Where a language keeps
    its letters in stems, they are typed as two letters as well. A word that is not ``typed``
    otherwise than its surface is, has no other stem for that.

    >>> plain_stems("giay", "giấy", "vi"), plain_stems("pump", "pump", "de")
    (('giay',), ())
    >>> plain_stems("kob", "køb", "da"), plain_stems("ridicsky", "řidičsk", "cs")
    (('kob', 'koeb'), ('ridicsk',))
    """
    stems = [stem_of(surface, language)] if typed else []
    if language in _TYPED_AS:
        stems.append(folded(stem.translate(_TYPED_AS[language])))
    return tuple(dict.fromkeys(word for word in stems if word != stem))


def without_arabic_prefixes(word: str) -> str:
    """Return an Arabic word without its article and what else is written before it.

    >>> without_arabic_prefixes("والماء")
    'ماء'
    """
    match = _ARABIC_PREFIXES.match(word)
    return word[match.end() :] if match else word


def stem_of(word: str, language: str) -> str:
    """Return the stem of a tidied word: what its forms in a language have in common.

    Without a stemmer for the language it is the word itself, in lower case and, where people
    type without accents, without them.

    >>> [stem_of(*word) for word in [("Pumpen", "de"), ("насосов", "ru"), ("för", "sv")]]
    ['pump', 'насос', 'för']
    """
    word = lowered(word, language)
    if language == "ar":
        word = without_arabic_prefixes(word)
    name = _STEMMERS.get(language)
    if name is not None:
        word = _stemmer(name).stemWord(word) or word
    return word.casefold() if language in _KEEP_ACCENTS else folded(word)


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the folded words that only hold sentences of a language together, where known."""
    if language == "en":
        return frozenset(_ENGLISH.split())
    if language == "vi":
        return frozenset()  # the list has words of several syllables, our tokens are syllables
    import stopwordsiso

    # The Malay list is a list of words from business news; Indonesian shares its real ones.
    listed = stopwordsiso.stopwords("id" if language == "ms" else language)
    return frozenset(folded(tidied(word)) for word in listed)


def is_stop_word(surface: str, language: str) -> bool:
    """Tell whether a folded word only holds sentences of its language together.

    >>> is_stop_word("und", "de"), is_stop_word("pumpe", "de"), is_stop_word("und", "xx")
    (True, False, False)
    """
    return surface in stop_words(language)
