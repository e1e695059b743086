"""Chinese characters that only Japanese, or only Chinese, is written with.

A character set was made for one country's own forms: JIS X 0208 has 険, GB 2312 has 险, Big5 has
險. What one side's sets have and the other's lack is read off Python's codecs, without a table to
keep.
"""

from __future__ import annotations

__all__ = ["han_evidence"]

_JAPANESE = ("shift_jis",)
_CHINESE = ("gb2312", "big5")


class _Evidence(dict[str, int]):
    """Character to 1 (only Japanese), -1 (only Chinese) or 0, filled as characters come."""

    def __missing__(self, character: str) -> int:
        japanese = any(_has(standard, character) for standard in _JAPANESE)
        chinese = any(_has(standard, character) for standard in _CHINESE)
        self[character] = evidence = int(japanese) - int(chinese)
        return evidence


def _has(standard: str, character: str) -> bool:
    try:
        character.encode(standard)
    except UnicodeEncodeError:
        return False
    return True


_TABLE = _Evidence()


def han_evidence(text: str) -> int:
    """Return how many more characters are only Japanese than only Chinese.

    >>> [han_evidence(text) for text in ("保険", "保险", "東京")]
    [1, -1, 0]
    """
    return sum(map(_TABLE.__getitem__, filter(str.isalpha, text)))
