"""Small raised characters within a PDF line: marks of notes, powers, units.

PDFium ends a line where the next character stands higher and is smaller, and begins another; what
follows at the old height may be a third. Here they are one line again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from rag_engine.connectors.loaders.parsing.pdf_page_text import Box, PageText, Run

__all__ = ["join_raised"]

_SIZES = (0.4, 0.9)
"""Of the height of the character before: so high is one that is raised."""
_RAISED = (0.1, 0.7)
"""Of that height too: so much higher it begins."""
_ATTACHED = 0.2
_NEXT_WORD = 0.6
_OVERLAP = -0.15
_MOST_RAISED = 4
"""Characters: a longer stretch is a line of its own."""
_BLANK = 0.12
_NOTHING = "\x00"
_BEHIND = re.compile(r"(?<=\S)[0-9]{1,6}(?!\w)")
_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def join_raised(written: PageText, runs: Sequence[Run]) -> list[Run]:
    """Return a page's runs, with what is raised, and what follows, in the run that it belongs to.

    Raised digits become such of Unicode's: 10⁶ is not 106.
    """
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last is None or last.divided or not (last.text.strip() and run.text.strip()):
            joined.append(run)
            continue
        before, after = written.end_boxes(last)[1], written.end_boxes(run)[0]
        if _is_raised(after, before) and _follows(before, after, _ATTACHED):
            raised = _with_raised_digits(written, run, before, run.characters())
            joined[-1] = _one(last, raised, before, after)
        elif _is_raised(before, after) and _follows(before, after, _NEXT_WORD):
            tail = list(takewhile(_raised_over(written, after), reversed([*last.characters()])))
            if 0 < len(tail) <= _MOST_RAISED and tail[-1][0] > last.ends[0]:
                last = _with_raised_digits(written, last, after, tail)
                joined[-1] = _one(last, run, before, after)
            else:
                joined.append(run)
        else:
            joined.append(run)
    return [_with_raised_numbers(written, run) for run in joined]


def _with_raised_numbers(written: PageText, run: Run) -> Run:
    """Return a run with Unicode's raised digits where a small number stands high behind a word."""
    if run.units != len(run.text):
        return run
    signs: list[str] = []
    for found in _BEHIND.finditer(run.text):
        base = written.box(run.start + found.start() - 1)
        for place in range(found.end() - 1, found.start() - 1, -1):
            if not _is_raised(written.box(run.start + place), base):
                break
            signs = signs or list(run.text)
            signs[place] = signs[place].translate(_DIGITS)
    return run._replace(text="".join(signs)) if signs else run


def _is_raised(box: Box, base: Box) -> bool:
    """Tell whether a character is small and stands high beside another.

    >>> _is_raised((5, 4, 8, 12), (0, 0, 5, 10)), _is_raised((5, 0, 8, 8), (0, 0, 5, 10))
    (True, False)
    """
    height = max(base[3] - base[1], 1.0)
    if not _SIZES[0] < (box[3] - box[1]) / height < _SIZES[1]:
        return False
    return _RAISED[0] < (box[1] - base[1]) / height < _RAISED[1]


def _raised_over(written: PageText, base: Box) -> Callable[[tuple[int, str]], bool]:
    return lambda each: _is_raised(written.box(each[0]), base)


def _follows(before: Box, after: Box, farthest: float) -> bool:
    height = max(before[3] - before[1], after[3] - after[1])
    return _OVERLAP * height < after[0] - before[2] < farthest * height


def _one(run: Run, following: Run, before: Box, after: Box) -> Run:
    height = max(before[3] - before[1], after[3] - after[1])
    blank = " " if after[0] - before[2] > _BLANK * height else ""
    between = following.start - run.start - run.units  # PDFium's line end
    filling = (blank + _NOTHING * between)[:between]
    units = following.start + following.units - run.start
    return following._replace(
        text=f"{run.text}{filling}{following.text}", start=run.start, units=units
    )


def _with_raised_digits(
    written: PageText, run: Run, base: Box, characters: Iterable[tuple[int, str]]
) -> Run:
    """Return a run with Unicode's raised digits in place of those that come first in a stretch."""
    if run.units != len(run.text):
        return run
    signs = list(run.text)
    for place, sign in takewhile(_raised_over(written, base), characters):
        signs[place - run.start] = sign.translate(_DIGITS)
    return run._replace(text="".join(signs))
