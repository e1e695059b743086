"""The way back: does a question find the passage that it was written for, and what else?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag_engine.passages import Passage
from rag_engine.records import Chunk, Hit

__all__ = ["HardNegative", "RoundTrip", "nearly_alike", "return_trip"]

_LESS_LIKELY = 0.5
_NEAR = 0.5
"""The least cosine of twins (see ``rag_engine/calibration/twins.py``)."""
_SHINGLE = 5
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class HardNegative:
    """A passage that looks right and is not, and its document's title."""

    chunk: Chunk
    title: str


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Where the passage stands among the hits (from 1), and passages found below it."""

    rank: int
    negatives: tuple[HardNegative, ...]


def return_trip(
    passage: Passage,
    hits: Sequence[Hit],
    *,
    within: int,
    min_score: float,
    negatives: int,
    likeness: Callable[[Sequence[int]], Mapping[int, float]],
) -> RoundTrip | None:
    """Look for ``passage`` among the hits of a question that was written for it.

    It is found if it, a twin of it, or a passage with the very same text is one of the first
    ``within`` hits and has at least ``min_score``; None if it is not.

    Up to ``negatives`` hits are taken for hard negatives: passages that look right and are not.
    Nobody has said that they are not, so all that may well be right are passed over: hits above
    the passage; those more than half as likely to be right as it is, by their scores (after the
    bound relative to the positive's score of Moreira et al. 2024, "NV-Retriever", section 4);
    passages that share its section, or stand right before or after it; copies and near copies
    (see ``nearly_alike``); its twins, and what is as near as twins are, by ``likeness``, which
    tells the cosines of some ids. Passages in its own language come first, in the place of a twin
    too, so that a model can not tell what is wrong by the language.
    """
    same = {passage.id, *passage.twins}
    own = next((hit for hit in hits[:within] if _says(hit, passage, same)), None)
    if own is None or own.score < min_score:
        return None
    below = [
        hit
        for hit in hits
        if hit.rank > own.rank
        and hit.score <= _LESS_LIKELY * own.score
        and not _says(hit, passage, same)
    ]
    alike = likeness([chunk_id for hit in below for chunk_id in _ids(hit)])
    wrong = [
        _in_language(hit, passage.chunk.language)
        for hit in below
        if max(alike.get(chunk_id, 0.0) for chunk_id in _ids(hit)) < _NEAR
        and not _beside(hit.chunk, passage.chunk)
        and not nearly_alike(hit.chunk.text, passage.chunk.text)
    ]
    wrong.sort(key=lambda negative: negative.chunk.language != passage.chunk.language)  # stable
    return RoundTrip(own.rank, tuple(wrong[:negatives]))


def nearly_alike(one: str, other: str) -> bool:
    """Tell whether half of what the shorter of two texts says stands in the other one as well.

    That is the share of its runs of 5 characters that the other has, without regard to case and
    the width of blanks: containment of shingles (Broder 1997, "On the Resemblance and Containment
    of Documents", section 2), on characters, so that it holds for languages without blanks.

    >>> nearly_alike("The seal of the pump lasts a year.", "the seal of the  pump is red.")
    True
    >>> nearly_alike("The seal of the pump lasts a year.", "The filter lasts a spring.")
    False
    """
    few, many = sorted((_shingles(one), _shingles(other)), key=len)
    return len(few & many) >= _ALIKE * len(few) if few else False


def _ids(hit: Hit) -> list[int]:
    return [hit.chunk_id, *(twin.chunk_id for twin in hit.twins)]


def _says(hit: Hit, passage: Passage, same: set[int]) -> bool:
    return not same.isdisjoint(_ids(hit)) or hit.chunk.text == passage.chunk.text


def _in_language(hit: Hit, language: str) -> HardNegative:
    """Return a hit's passage, or the twin of it in that language."""
    shown = HardNegative(hit.chunk, hit.title)
    twins = (HardNegative(twin.chunk, twin.title) for twin in hit.twins)
    return next(
        (negative for negative in (shown, *twins) if negative.chunk.language == language), shown
    )


def _beside(hit: Chunk, own: Chunk) -> bool:
    if hit.document_id != own.document_id:
        return False
    return abs(hit.ordinal - own.ordinal) <= 1 or (own.section != () and hit.section == own.section)


def _shingles(text: str) -> set[str]:
    plain = " ".join(text.casefold().split())
    return {plain[start : start + _SHINGLE] for start in range(len(plain) - _SHINGLE + 1)}
