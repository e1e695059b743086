"""What Tesseract prints of a page: its lines, and how sure it is of each word."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PageText", "page_text"]

_ROW = re.compile(r"[1-5](?:\t\d+){9}\t-?\d+(?:\.\d+)?\t.*")
_HEADER = "level\tpage_num\t"
_LINE_LEVEL, _WORD_LEVEL = "4", "5"
_SARA_AM = re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32")
_MANY_BREAKS = re.compile(r"\n{3,}")
_DIVIDED = re.compile(r"([^\W\d_])-\n(\S+)( |$)", re.MULTILINE)
_LEFT_OUT = frozenset({"and", "bis", "en", "et", "o", "oder", "of", "or", "ou", "u", "und", "y"})
"""After these a hyphen at the end of a line stands for what the next word ends in."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """A page's text in reading order, and how sure Tesseract is of it, 0 to 1.

    ``confidence`` is the mean of its words' own, each word counted by its characters, and
    ``characters`` are those of its words. ``boxes`` are the left, top, width and height of its
    lines, in dots.
    """

    text: str
    confidence: float
    characters: int = 0
    boxes: tuple[Box, ...] = ()

    @property
    def sure_characters(self) -> float:
        """So many characters were read, each counted by how sure it is."""
        return self.characters * self.confidence


def page_text(printed: str) -> PageText:
    r"""Read what ``tesseract ... tsv txt`` prints: rows of boxes, and the text among them.

    The text is taken as Tesseract wrote it, for the rows of some languages (Thai, Chinese) hold
    single characters, and do not tell where blanks stand. A line of the page stays a line, with a
    word that is divided at its end put together. The confidence is in per cent in the rows.

    >>> row = "5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t%d\t%s"
    >>> page_text("\n".join(["level\tpage_num\t...", row % (90, "Hi"), row % (60, "x"), "Hi x\f"]))
    PageText(text='Hi x', confidence=0.8, characters=3, boxes=())
    """
    lines: list[str] = []
    boxes: list[Box] = []
    total, weights = 0.0, 0
    for line in printed.replace("\f", "").split("\n"):
        if _ROW.fullmatch(line):
            level, *numbers, confidence, word = line.split("\t", 11)
            if level == _LINE_LEVEL:
                left, top, width, height = map(int, numbers[-4:])
                boxes.append((left, top, width, height))
            elif level == _WORD_LEVEL and word.strip():
                total += float(confidence) / 100 * len(word)
                weights += len(word)
        elif not line.startswith(_HEADER):
            lines.append(" ".join(line.split()))
    text = _DIVIDED.sub(_put_together, _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip())
    text = _SARA_AM.sub("\\1\u0e33", text)  # Thai models write it in its two parts
    return PageText(
        text=text,
        confidence=round(total / weights, 4) if weights else 0.0,
        characters=weights,
        boxes=tuple(boxes),
    )


def _put_together(match: re.Match[str]) -> str:
    start, end, blank = match.groups()
    if not end[0].islower() or end in _LEFT_OUT:
        return match.group()
    return f"{start}{end}\n" if blank else f"{start}{end}"
