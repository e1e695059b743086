"""Text that grows block by block, and remembers which heading each block stands under."""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.parsed import Stretch

__all__ = ["Outline", "table_lines"]

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

    def _append(self, text: str, separator: str, section: tuple[str, ...] | None = None) -> None:
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
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


def table_lines(rows: Sequence[Sequence[str]], header: Sequence[str] | None) -> list[str]:
    """Write each row of a table as one line, so that a row is understood without its table.

    >>> table_lines([["P-300", "12 kg"], ["P-500", ""]], ["Model", "Weight"])
    ['Model: P-300 | Weight: 12 kg', 'Model: P-500']
    >>> table_lines([["Voltage", "230 V"]], None)
    ['Voltage | 230 V']
    """
    if header is not None and not rows:
        rows, header = [header], None
    names = [one_line(name) for name in header or ()]
    lines = []
    for row in rows:
        cells = [" ".join(clean(cell).split()) for cell in row]
        labels = names + [""] * (len(cells) - len(names))
        shown = [
            f"{label}: {cell}" if label else cell
            for label, cell in zip(labels, cells, strict=False)
            if cell
        ]
        if shown:
            lines.append(" | ".join(shown))
    return lines
