"""Whether a text is made of Vietnamese syllables, each of which is a word of its own in writing.

The old encodings of Vietnamese have a letter for nearly every byte, so whatever other text is read
in one comes out as letters of Vietnamese; hardly any of it as syllables.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["is_of_syllables"]

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_NUCLEI = (
    "uyê uya uyu uôi uây oai oao oay oeo iêu yêu ươi ươu "
    "ai ao au ay âu ây eo êu ia iê iu oa oă oe oi oo ôi ơi ua uâ uê ui uô uơ uy ưa ưi ươ ưu yê "
    "a ă â e ê i o ô ơ u ư y"
)
_SYLLABLE = re.compile(
    r"(?:ngh?|nh|n|ch|c|gh?|gi|kh?|ph|p|qu|th|tr|t|[bdđhlmrsvx])?"
    rf"(?:{'|'.join(_NUCLEI.split())})(?:ch|c|ng|nh|n|m|p|t)?"
)
_WORD = re.compile(r"[^\W\d_]+")
_MOSTLY = 0.85
"""Names and words of other languages are the rest."""


def is_of_syllables(text: str) -> bool:
    """Tell whether most of the words of a text with a letter outside ASCII are such syllables.

    >>> is_of_syllables("Thư viện đóng cửa vào thứ ba."), is_of_syllables("Gỉoòế fürÂ")
    (True, False)
    """
    words = _WORD.findall(unicodedata.normalize("NFC", text))
    telling = [word for word in words if not word.isascii()]
    right = sum(map(_is_syllable, telling))
    return right > 0 and right >= _MOSTLY * len(telling)


def _is_syllable(word: str) -> bool:
    if not (word.isupper() or word[1:].islower() or len(word) == 1):
        return False
    parts = unicodedata.normalize("NFD", word.lower())
    tones = sum(parts.count(tone) for tone in _TONES)
    plain = "".join(sign for sign in parts if sign not in _TONES)
    return tones <= 1 and bool(_SYLLABLE.fullmatch(unicodedata.normalize("NFC", plain)))
