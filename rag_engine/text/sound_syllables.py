"""Korean in Latin letters, divided as passages in Hangul are: into pairs of syllables."""

from __future__ import annotations

import re
from itertools import pairwise

from rag_engine.text.sound_keys import vowel_keys

__all__ = ["hangul_pairs"]

_SYLLABLE = re.compile(
    r"(?:kk|tt|pp|ss|jj|ch|sh|[b-df-hj-np-tvxz])?[wy]?[aeiou]+"
    r"(?:(?:ng|[bdgklmnpr]|[st](?!h))(?![aeiouwy]))?"
)


def hangul_pairs(word: str) -> list[tuple[str, ...]]:
    """Return the keys of neighbouring syllables of a romanised word.

    >>> hangul_pairs("hakgyo"), hangul_pairs("yogeum")
    ([('hakio',)], [('iokum',)])
    """
    parts = _SYLLABLE.findall(word)
    keys = [
        vowel_keys(first + second, "hangul", "ko", spoken=True) for first, second in pairwise(parts)
    ]
    return [each for each in keys if each]
