"""Text that grows block by block, and remembers which heading each block stands under."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.parsed import Stretch
from rag_engine.text.stated_languages import part_language

__all__ = ["Outline"]

_MAX_HEADING = 300


class _Mark(NamedTuple):
    """Where a stretch begins, and what it is of.

    ``before`` is where one of the same section and page ends that stands before it: where this one
    begins, if only their languages part them, or else where its text ends, so that they are told.
    """

    start: int
    before: int
    section: tuple[str, ...]
    page: int | None
    language: str | None

    def at(self, start: int) -> _Mark:
        """Return where what this one is of goes on."""
        return self._replace(start=start, before=start)


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

    ``language`` is what the file says of all its text: what it says of a part is kept where that is
    another one.
    """

    def __init__(self, language: str | None = None) -> None:
        self._whole = part_language(language)
        self._language: str | None = None
        self._parts: list[str] = []
        self._length = 0
        self._path: list[tuple[int, str]] = []
        self._marks: list[_Mark] = []
        self._next: tuple[str, ...] | None = None
        """The section of a stretch that begins with the next block."""
        self._parted = False
        """Whether anything but a language parted the text so far."""
        self._page: int | None = None
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

    def speak(self, code: str | None) -> None:
        """Say which language the file claims of what follows; None: that of the whole.

        >>> outline = Outline("de-AT")
        >>> for code in ("de", "en-GB", None):
        ...     outline.speak(code)
        ...     outline.add("Samsung")
        >>> [(stretch.start, stretch.language) for stretch in outline.stretches()]
        [(0, None), (9, 'en'), (18, None)]
        """
        language = part_language(code)
        self._language = None if language == self._whole else language

    def leave_sections(self) -> None:
        """Say that what follows (notes, page headers) stands under none of the headings so far."""
        self._path = []
        self._page = None
        self._next = () if self._parted else None

    def begin_page(self, number: int) -> None:
        """Say that what follows stands on a page, a slide for one, under no heading so far."""
        self._path = []
        self._page = number
        self._next = ()

    def begin_section(self, *names: str) -> None:
        """Say that what follows stands under headings that are not in the text themselves."""
        shown = [one_line(name) for name in names]
        self._path = [(level, name) for level, name in enumerate(shown, start=1) if name]
        self._next = tuple(name for _, name in self._path)

    def insert(self, text: str, stretches: Iterable[Stretch], *names: str) -> None:
        """Append another document's text; its sections and pages stand under these headings.

        What it says of the language of a part counts before what ``speak`` said of all of it.
        """
        if not text.strip():
            return
        self.begin_section(*names)
        above = self._next or ()
        self._append(text, "\n\n")
        start, mark = self._length - len(text), self._marks.pop()
        position, before = 0, mark.before
        last: _Mark | None = None
        claimed: str | None = None
        for stretch in stretches:
            begin = start + stretch.start
            if between := text[position : stretch.start].rstrip():
                last = mark._replace(start=start + position, before=before)
                self._marks.append(last)
                before = last.start + len(between)
            language = part_language(stretch.language) or self._language
            language = None if language == self._whole else language
            page = mark.page if stretch.page is None else stretch.page
            this = _Mark(begin, before, above + stretch.section, page, language)
            # two languages there may be one here: that of the whole, which there was none
            if stretch.language == claimed or last is None or this != last.at(begin):
                self._marks.append(this)
                last = this
            position, before, claimed = stretch.end, start + stretch.end, stretch.language
        if text[position:].strip():
            self._marks.append(mark._replace(start=start + position, before=before))
        self._next = above

    def _append(self, text: str, separator: str, section: tuple[str, ...] | None = None) -> None:
        before = self._length
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        if section is not None:
            self._placed = not self._place
        elif self._next is not None or not self._placed:
            names = [name for _, name in self._path] if self._next is None else self._next
            section = (*names, *filter(None, [self._place]))
            self._placed = True
        self._next = None
        if section is not None:
            self._parted = True
            self._marks.append(_Mark(self._length, before, section, self._page, self._language))
        elif self._language != self._marked.language:
            if self._parts and not self._marks:  # or the stretch before would be none
                self._marks.append(self._marked)
            self._marks.append(self._marked.at(self._length)._replace(language=self._language))
        self._parts.append(text)
        self._length += len(text)

    @property
    def _marked(self) -> _Mark:
        """Where the stretch begins that a next block would belong to."""
        return self._marks[-1] if self._marks else _Mark(0, 0, (), None, None)

    def __len__(self) -> int:
        return self._length

    @property
    def text(self) -> str:
        """Everything so far."""
        return "".join(self._parts)

    def stretches(self) -> tuple[Stretch, ...]:
        """Return a stretch for each heading, page and language, from it to the next one.

        Those of one section and page touch where only their languages part them.
        """
        ends = [
            after.before
            if (after.section, after.page) == (mark.section, mark.page)
            else after.start
            for mark, after in pairwise(self._marks)
        ]
        ends += [self._length][: len(self._marks)]
        return tuple(
            Stretch(
                start=mark.start,
                end=end,
                section=mark.section,
                page=mark.page,
                language=mark.language,
            )
            for mark, end in zip(self._marks, ends, strict=True)
        )
