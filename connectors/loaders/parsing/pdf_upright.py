"""Pages whose lines run down and follow each other from the right, as in Japanese books."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag_engine.connectors.loaders.parsing.pdf_page_text import Box, PageText, Run

__all__ = ["is_upright_page", "turned", "without_breaks"]

_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]")
_FEWEST_SIGNS = 3
_IN_LINE = 0.6
_WIDE_SIGN = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uff60]"
_BREAK = re.compile(rf"(?<={_WIDE_SIGN})\s+(?={_WIDE_SIGN})")


def is_upright_page(written: PageText, runs: Sequence[Run]) -> bool:
    """Tell whether most lines of a page in Chinese characters, kana or Hangul run down."""
    if written.text.isascii() or _WIDE.search(written.text) is None:
        return False
    long = [run for run in runs if len(run.text.strip()) >= _FEWEST_SIGNS]
    return 2 * sum(_runs_down(written, run) for run in long) > len(long)


def _runs_down(written: PageText, run: Run) -> bool:
    first, last = written.end_boxes(run)
    width = max(first[2] - first[0], last[2] - last[0])
    across = abs((first[0] + first[2]) - (last[0] + last[2])) / 2
    return first[3] - last[3] > max(across, width) and across < _IN_LINE * width * len(run.text)


def turned(box: Box) -> Box:
    """Return a box as it stands with the page turned so that its lines run from the left.

    >>> turned((10, 700, 22, 712))
    (-712, 10, -700, 22)
    """
    left, bottom, right, top = box
    return -top, left, -bottom, right


def without_breaks(text: str) -> str:
    """Leave out blanks that PDFium sets between two lines that run down.

    >>> without_breaks("「フロ ート」と A B")
    '「フロート」と A B'
    """
    return _BREAK.sub("", text)
