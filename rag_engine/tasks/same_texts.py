"""Whether two texts are the same, or nearly so, and what that makes of many: groups."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Hashable, Iterable
from typing import TypeVar

__all__ = ["SAME", "grouped", "nearly_same", "overlap", "text_key"]

SAME = 0.8
"""The least share of their shingles that near duplicates have in common."""
_SHINGLE = 5
"""Characters."""

Member = TypeVar("Member", bound=Hashable)


def text_key(text: str) -> int:
    """Return 64 bits that are the same for texts that differ in blanks alone.

    >>> text_key("Guten Tag") == text_key(" Guten  Tag") != text_key("Guten tag")
    True
    """
    digest = hashlib.blake2b(" ".join(text.split()).encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def overlap(one: str, other: str) -> float:
    """Return the share of five-letter shingles that two texts have in common.

    Broder 1997, "On the resemblance and containment of documents", section 2 (the resemblance).

    >>> overlap("abcdef", "abcdef"), overlap("abcdef", "uvwxyz")
    (1.0, 0.0)
    """
    first, second = (
        {text[start : start + _SHINGLE] for start in range(max(1, len(text) - _SHINGLE + 1))}
        for text in (one, other)
    )
    return len(first & second) / len(first | second)


def nearly_same(one: str, other: str) -> bool:
    """Tell whether two texts share most of what they say, but not all; blanks do not count.

    Their numbers in digits are to be the same, in the same order: records differ in nothing else.

    >>> nearly_same("The seal lasts one year, or ten.", "The seal lasts one year, or two.")
    True
    >>> nearly_same("Fines of up to 120 euros are due.", "Fines of up to 980 euros are due.")
    False
    >>> nearly_same("The seal", "The  seal"), nearly_same("The seal", "A museum")
    (False, False)
    """
    first, second = (" ".join(text.split()) for text in (one, other))
    if first == second or _numbers(first) != _numbers(second):
        return False
    return overlap(first, second) >= SAME


def _numbers(text: str) -> list[str]:
    """Return what is written in digits, of any script.

    >>> _numbers("1.5 m², ٣ ½")
    ['1', '5', '2', '3', '1', '2']
    """
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else " " for c in plain).split()


def grouped(pairs: Iterable[tuple[Member, Member]]) -> list[list[Member]]:
    """Return all that are linked by pairs, directly or by others, as they come.

    >>> grouped([(3, 5), (6, 7), (5, 9)])
    [[3, 5, 9], [6, 7]]
    """
    lead: dict[Member, Member] = {}

    def found(member: Member) -> Member:
        while lead.setdefault(member, member) != member:
            lead[member] = lead[lead[member]]
            member = lead[member]
        return member

    for one, other in pairs:
        lead[found(other)] = found(one)
    groups: dict[Member, list[Member]] = {}
    for member in list(lead):
        groups.setdefault(found(member), []).append(member)
    return list(groups.values())
