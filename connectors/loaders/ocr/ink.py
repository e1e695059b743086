"""How much of what is printed on a page lies outside of the lines that were found on it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["ink_outside"]

_EVERY = 2
"""Every second dot of every second row tells as much as all."""


def ink_outside(grey: NDArray[np.uint8], boxes: Iterable[tuple[int, int, int, int]]) -> float:
    """Return the share of a page's dark dots outside of some boxes, 0 to 1; 0 on a blank page.

    Args:
        grey: ``(height, width)``, 0 black to 255 white.
        boxes: left, top, width and height of each, in dots.

    Dark is what is nearer to the darkest hundredth of the page's own range than to its paper, the
    median.

    >>> page = np.full((40, 40), 255, np.uint8)
    >>> page[4:8, 0:40] = page[20:24, 0:40] = 0
    >>> ink_outside(page, [(0, 0, 40, 10)])
    0.5
    """
    some = grey[::_EVERY, ::_EVERY]
    paper, ink = float(np.median(some)), float(np.percentile(some, 1))
    dark = some < (paper + ink) / 2
    total = int(dark.sum())
    if not total:
        return 0.0
    for left, top, width, height in boxes:
        dark[top // _EVERY : -(-(top + height) // _EVERY), :][
            :, left // _EVERY : -(-(left + width) // _EVERY)
        ] = False
    return float(dark.sum() / total)
