"""What a parser gives back, and how it travels from the child process to the parent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "MAX_CHARACTERS",
    "MAX_LINE_CHARACTERS",
    "Parsed",
    "Refused",
    "RefusedByLimit",
    "Stretch",
]

MAX_CHARACTERS = 50_000_000
"""Most characters that one file may turn into; some hundred long books."""

MAX_LINE_CHARACTERS = 10_000_000
"""Longest line of plain text, of a table or of JSON Lines."""


class Refused(Exception):
    """A file can not be read; the message is the reason that a person is given."""


class RefusedByLimit(Refused):
    """A file asks for more than it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the text under one heading, on one page, in one language: ``text[start:end]``.

    ``language`` is what the file says of it where that is another one than the whole file's.
    """

    start: int
    end: int
    section: tuple[str, ...] = ()
    page: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One file's text.

    ``problems`` are the reasons why parts of the file are missing. ``scans`` are the numbers of the
    pages whose text is to be had by OCR alone; some may hold a little text all the same. Those
    among them that hold no pictures but signs that are no text are ``illegible``, each with why.
    """

    text: str
    title: str = ""
    language: str | None = None
    stretches: tuple[Stretch, ...] = ()
    metadata: dict[str, str | int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    scans: tuple[int, ...] = ()
    illegible: dict[int, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON data.

        Raises:
            RefusedByLimit: the text is longer than ``MAX_CHARACTERS``.
        """
        if len(self.text) > MAX_CHARACTERS:
            raise RefusedByLimit(
                f"its text has {len(self.text):,} characters, and a file's may have "
                f"{MAX_CHARACTERS:,}; nothing of it was read; split it"
            )
        return {
            "text": self.text,
            "title": self.title,
            "language": self.language,
            "stretches": [[s.start, s.end, s.section, s.page, s.language] for s in self.stretches],
            "metadata": self.metadata,
            "problems": self.problems,
            "scans": self.scans,
            "illegible": list(self.illegible.items()),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Parsed:
        """Rebuild what ``as_json`` gave.

        >>> page = Stretch(start=0, end=5, page=1)
        >>> Parsed.from_json(Parsed(text="Hello", stretches=(page,)).as_json()).stretches[0].page
        1
        """
        return cls(
            text=data["text"],
            title=data["title"],
            language=data["language"],
            stretches=tuple(
                Stretch(start=start, end=end, section=tuple(section), page=page, language=language)
                for start, end, section, page, language in data["stretches"]
            ),
            metadata=data["metadata"],
            problems=tuple(data["problems"]),
            scans=tuple(data["scans"]),
            illegible=dict(data["illegible"]),
        )
