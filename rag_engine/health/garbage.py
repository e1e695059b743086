"""Passages that look like no text: codes of a font, a wrong encoding, signs without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from rag_engine.health.findings import Finding, first_of
from rag_engine.health.sample import Sample
from rag_engine.text.legible import illegible

__all__ = ["find_garbage", "garbage_findings", "why_garbage"]

_LOST = 0.01
"""The share of replacement characters."""
_FEWEST_SIGNS = 40
_FEWEST_LETTERS = 0.05
_BRAILLE = frozenset(map(chr, range(0x2801, 0x2900)))
"""Letters, though Unicode has them among the symbols."""
_UNBROKEN = re.compile(r"[A-Za-z0-9+/_=-]{40,}")
_MOST_ENCODED = 0.75
"""Of the signs: a key or a signature within a text is less."""
_CHANGES = 0.45
"""Of neighbours that differ, those of two kinds: in addresses and names fewer are."""


def why_garbage(text: str) -> str | None:
    r"""Return why a text looks like none, or None.

    >>> why_garbage("Die Pumpe f\ufffdrdert 300 Liter."), why_garbage("Die Pumpe fördert Wasser.")
    ('1 of its characters were lost in decoding', None)
    >>> why_garbage("---- ==== ---- ==== ---- ==== ---- ==== ---- ====")
    'it has no words'
    >>> why_garbage("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk")
    'it is encoded data, such as base64'
    """
    lost = text.count("\ufffd")
    if lost > _LOST * len(text):
        return f"{lost} of its characters were lost in decoding"
    if (reason := illegible(text)) is not None:
        return reason
    signs = [sign for sign in text if not sign.isspace()]
    words = sum(sign.isalnum() or sign in _BRAILLE for sign in signs)
    if len(signs) >= _FEWEST_SIGNS and words < _FEWEST_LETTERS * len(signs):
        return "it has no words"
    if _is_encoded(text, len(signs)):
        return "it is encoded data, such as base64"
    return None


def _is_encoded(text: str, signs: int) -> bool:
    """Tell whether most of a text are long runs in which capitals, small letters, digits mix."""
    runs = [run for run in _UNBROKEN.findall(text) if _is_mixed(run)]
    return sum(map(len, runs)) > _MOST_ENCODED * signs


def _is_mixed(run: str) -> bool:
    kinds = {sign: _kind(sign) for sign in run.rstrip("=")}
    changes = [
        kinds[one] != kinds[other] for one, other in pairwise(run.rstrip("=")) if one != other
    ]
    return {"upper", "lower", "digit"} <= {*kinds.values()} and (
        sum(changes) >= _CHANGES * len(changes)
    )


def _kind(sign: str) -> str:
    if sign.isdigit():
        return "digit"
    if sign.isalpha():
        return "upper" if sign.isupper() else "lower"
    return "sign"


def find_garbage(sample: Sample) -> dict[int, str]:
    """Return the passages that look like no text: their places, and why."""
    found = {place: why_garbage(each.chunk.text) for place, each in enumerate(sample.chunks)}
    return {place: reason for place, reason in found.items() if reason is not None}


def garbage_findings(sample: Sample, garbage: dict[int, str]) -> Iterator[Finding]:
    """Say which passages nobody can read."""
    yield Finding(
        check="garbage",
        fine=not garbage,
        says=f"passages that look like no text: {len(garbage):,}",
        advice=(
            "nothing to do"
            if not garbage
            else "look at the files: state their encoding (rag-engine index --encoding), read them "
            "by OCR (ocr.enabled = 'always'), or leave them out (encoded data: always)"
        ),
        count=len(garbage),
        of=len(sample),
        examples=first_of(sample, garbage, list(garbage.values())),
    )
