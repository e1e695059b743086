"""Words of scripts that are written without blanks between them, and of Korean."""

from __future__ import annotations

import regex
from icu4py.breakers import WordBreaker

__all__ = ["UNSPACED", "pairs", "unspaced_words"]

UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]&&[\p{L}\p{M}]"
"""The letters and marks of these scripts, as the inside of a ``regex`` set (version 1)."""

_CHINESE_OR_JAPANESE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+")
_HAN = regex.compile(r"\p{Han}")


def pairs(run: str) -> list[str]:
    """Return the pairs of neighbouring characters, or the run itself if it is one character.

    No dictionary is needed, endings and particles can not hide a word, and a question always
    divides a name as a passage does, whatever stands beside it.

    >>> pairs("보증기간을")
    ['보증', '증기', '기간', '간을']
    """
    return [run[index : index + 2] for index in range(len(run) - 1)] or [run]


def unspaced_words(run: str) -> list[str]:
    """Divide a run of ``UNSPACED`` characters.

    Chinese and Japanese give pairs of characters, and each Chinese character by itself as well:
    that found more than pairs or dictionary words alone. Thai, Lao, Khmer and Burmese give the
    words of ICU's dictionaries.

    >>> unspaced_words("保修期"), unspaced_words("เครื่องสูบน้ำ")
    (['保', '修', '期', '保修', '修期'], ['เครื่อง', 'สูบ', 'น้ำ'])
    """
    words: list[str] = []
    end = 0
    for match in _CHINESE_OR_JAPANESE.finditer(run):
        words.extend(_dictionary_words(run[end : match.start()]))
        words.extend(_chinese_or_japanese(match.group()))
        end = match.end()
    words.extend(_dictionary_words(run[end:]))
    return words


def _chinese_or_japanese(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    return [*_HAN.findall(run), *pairs(run)]


def _dictionary_words(run: str) -> list[str]:
    return list(WordBreaker(run, "th")) if run else []
