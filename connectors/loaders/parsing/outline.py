"""Text that grows block by block, and remembers which heading each block stands under."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.parsed import Stretch

__all__ = ["Outline"]

_MAX_HEADING = 300


class Outline:
    r"""Collects blocks and headings in reading order.

    >>> outline = Outline()
    >>> outline.heading(1, "Pump")
    >>> outline.heading(2, "Care")
    >>> outline.add("Rinse it.")
    >>> outline.text
    'Pump\n\nCare\n\nRinse it.'
    >>> [stretch.section for stretch in outline.stretches()]
    [('Pump',), ('Pump', 'Care')]
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._path: list[tuple[int, str]] = []
        self._marks: list[tuple[int, tuple[str, ...]]] = []
        self._leaving = False
        self._place = ""
        self._placed = True

    def add(self, text: str, *, separator: str = "\n\n") -> None:
        """Append a block; ``separator`` stands between it and what came before."""
        text = clean(text).strip("\n")
        if text.strip():
            self._append(text.rstrip(), separator)

    def heading(self, level: int, text: str) -> None:
        """Append a heading; ``level`` 1 is the outermost."""
        text = one_line(text, limit=10 * _MAX_HEADING)
        if not text:
            return
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text[:_MAX_HEADING]))
        self._append(text, "\n\n", tuple(name for _, name in self._path))

    def place(self, name: str) -> None:
        r"""Say where in the file lies what follows: the last part of its section path.

        A heading keeps a path without it, since it is the path of what stands below.

        >>> outline = Outline()
        >>> outline.place("#1")
        >>> outline.heading(1, "Pump")
        >>> outline.add("Rinse it.")
        >>> [stretch.section for stretch in outline.stretches()]
        [('Pump',), ('Pump', '#1')]
        """
        self._place, self._placed = name, False

    def leave_sections(self) -> None:
        """Say that what follows (notes, page headers) stands under none of the headings so far."""
        self._path = []
        self._leaving = bool(self._marks)

    def _append(self, text: str, separator: str, section: tuple[str, ...] | None = None) -> None:
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        if section is not None:
            self._placed = not self._place
        elif self._leaving or not self._placed:
            section = (*(name for _, name in self._path), *filter(None, [self._place]))
            self._placed = True
        self._leaving = False
        if section is not None:
            self._marks.append((self._length, section))
        self._parts.append(text)
        self._length += len(text)

    def __len__(self) -> int:
        return self._length

    @property
    def text(self) -> str:
        """Everything so far."""
        return "".join(self._parts)

    def stretches(self) -> tuple[Stretch, ...]:
        """Return a stretch for each heading, from it to the next one."""
        ends = [*(start for start, _ in self._marks), self._length][1:]
        return tuple(
            Stretch(start=start, end=end, section=section)
            for (start, section), end in zip(self._marks, ends, strict=True)
        )
