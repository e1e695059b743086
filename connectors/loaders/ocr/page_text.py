"""What Tesseract prints of a page: its lines, and how sure it is of each word."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left

__all__ = ["PageText", "page_text"]

_ROW = re.compile(r"[1-5](?:\t\d+){9}\t-?\d+(?:\.\d+)?\t.*")
_HEADER = "level\tpage_num\t"
_LINE_LEVEL, _WORD_LEVEL = "4", "5"
_SARA_AM = re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32")
_DIVIDED = re.compile(r"[^\W\d_]-")
_ALIKE = (0.6, 1.7)
"""Lines of one size of letters have boxes of heights so far apart, by what stands in them."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line and its box, in dots; ``top`` and ``bottom`` grow downwards."""

    text: str
    left: int
    right: int
    top: int
    bottom: int
    last_bottom: int


def page_text(printed: str) -> PageText:
    r"""Read what ``tesseract ... tsv txt`` prints: rows of boxes, and the text among them.

    The text is taken as Tesseract wrote it, for the rows of some languages (Thai, Chinese) hold
    single characters, and do not tell where blanks stand. Lines that go on are joined, as in PDF
    files. The confidence is that of the rows, in per cent there.

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
        elif line.strip() and not line.startswith(_HEADER):
            # Thai models write SARA AM in its two parts.
            lines.append(_SARA_AM.sub("\\1\u0e33", " ".join(line.split())))
    text = "\n".join(lines)
    if lines and len(boxes) == len(lines):
        text = _joined([_placed(*line) for line in zip(lines, boxes, strict=True)])
    return PageText(
        text=text,
        confidence=round(total / weights, 4) if weights else 0.0,
        characters=weights,
        boxes=tuple(boxes),
    )


def _placed(text: str, box: Box) -> _Line:
    left, top, width, height = box
    bottom = top + height
    return _Line(
        text=text, left=left, right=left + width, top=top, bottom=bottom, last_bottom=bottom
    )


def _joined(lines: Sequence[_Line]) -> str:
    """Return the paragraphs that lines make up, one a line."""
    # Here and not above: with it comes what reads PDF files.
    from rag_engine.connectors.loaders.parsing.pdf_lines import Line, join_paragraphs

    usual = statistics.median(line.bottom - line.top for line in lines)
    placed = []
    for line in _undivided(lines):
        height = line.bottom - line.top
        backwards = is_right_to_left(line.text)
        placed.append(
            Line(
                text=line.text,
                start=line.right if backwards else line.left,
                end=line.left if backwards else line.right,
                top=-line.bottom,
                base=-line.last_bottom,
                height=usual if _ALIKE[0] < height / max(usual, 1) < _ALIKE[1] else height,
            )
        )
    return join_paragraphs(placed)


def _undivided(lines: Sequence[_Line]) -> list[_Line]:
    """Make two lines one where a word is divided: a hyphen, and a small letter after it."""
    found: list[_Line] = []
    for line in lines:
        before = found[-1] if found else None
        if before and _DIVIDED.fullmatch(before.text[-2:]) and line.text[0].islower():
            found[-1] = replace(
                before,
                text=before.text[:-1] + line.text,
                right=line.right,
                last_bottom=line.last_bottom,
            )
        else:
            found.append(line)
    return found
