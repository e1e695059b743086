"""What a mail is, whichever program stored it, and how it is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from rag_engine.connectors.loaders.parsing.attached_archive import (
    ARCHIVE_ENDINGS,
    attached_files,
)
from rag_engine.connectors.loaders.parsing.blocks import write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.endings import Unread, parse_by_ending
from rag_engine.connectors.loaders.parsing.html import shown_blocks
from rag_engine.connectors.loaders.parsing.mail_quotes import Piece, html_pieces, plain_pieces
from rag_engine.connectors.loaders.parsing.nesting import Nesting
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, Stretch

__all__ = ["Attachment", "Body", "Mail", "as_parsed"]

_MOST_ATTACHMENTS = 100
_PLAIN_SHARE = 0.5
_NAMED = 10
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail; ``read`` returns its bytes."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Body:
    """A part of a mail's text in its two forms, of which one may be missing."""

    plain: str = ""
    html: str = ""


@dataclass(slots=True, kw_only=True)
class Mail:
    """A mail; ``date`` is as ISO 8601 has it."""

    subject: str = ""
    sender: str = ""
    to: str = ""
    cc: str = ""
    date: str = ""
    language: str | None = None
    bodies: list[Body] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    """What calendars in it invite to."""
    attachments: list[Attachment] = field(default_factory=list)
    inner: list[Mail] = field(default_factory=list)
    """Mails that are forwarded in it as they were."""
    problems: list[str] = field(default_factory=list)


def as_parsed(mail: Mail, within: Nesting | None = None) -> Parsed:
    """Write a mail down: who wrote it and when, its text, what it quotes, what it carries.

    A quotation, a mail inside of it and an attachment each are a section of their own, and so is
    each file in an archive.
    """
    within = within or Nesting()
    outline = Outline(mail.language)
    metadata = {
        name: value
        for name, value in (("from", mail.sender), ("to", mail.to), ("cc", mail.cc))
        if value
    }
    if mail.date:
        metadata["date"] = mail.date
    people = " → ".join(filter(None, (mail.sender, ", ".join(filter(None, (mail.to, mail.cc))))))
    outline.add(", ".join(filter(None, (people, mail.date[:10]))))
    for body in mail.bodies:
        _write_body(body, outline)
    for event in dict.fromkeys(mail.events):
        outline.add(event)
    problems = list(mail.problems)
    for inner in mail.inner:
        if within.is_full:
            problems.append("mails are nested too deeply; those inside are left out")
            break
        parsed = as_parsed(inner, within.inner())
        text = "\n\n".join(filter(None, (inner.subject, parsed.text)))
        moved = len(text) - len(parsed.text)
        outline.speak(parsed.language)
        outline.insert(text, _moved(parsed, moved), inner.subject or "✉")
        outline.speak(None)
        problems += parsed.problems
    files = _Files(outline, problems)
    for attachment in mail.attachments[:_MOST_ATTACHMENTS]:
        files.write(one_line(attachment.name), attachment.read, within)
    if len(mail.attachments) > _MOST_ATTACHMENTS:
        problems.append(
            f"it has {len(mail.attachments)} attachments; the first {_MOST_ATTACHMENTS} are read"
        )
    if files.unread:
        metadata["unread_attachments"] = _named(files.unread)
    return Parsed(
        text=outline.text,
        title=mail.subject,
        language=mail.language,
        stretches=outline.stretches(),
        metadata=dict(metadata),
        problems=tuple(dict.fromkeys(problems)),
    )


def _named(names: list[str]) -> str:
    """Return the first names, and how many there are: each hit in the mail carries them."""
    shown = ", ".join(name[:_LONGEST_NAME] for name in names[:_NAMED])
    return f"{shown} … ({len(names):,} in all)" if len(names) > _NAMED else shown


def _write_body(body: Body, outline: Outline) -> None:
    """Write the better form of a text: plain, unless HTML says much more, or has a table."""
    pieces = list(plain_pieces(body.plain))
    rich: list[Piece] = []
    for piece in html_pieces(body.html) if body.html else ():
        blocks = shown_blocks(piece.text.encode("utf-8", "replace"), "mail.html")
        text = "\n".join(block.text for block in blocks)
        rich.append(Piece(text, piece.quoted, tuple(blocks)))
    for piece in pieces if _is_better(pieces, rich) else rich:
        if piece.quoted is not None:
            outline.begin_section(piece.quoted or ">")
        else:
            outline.leave_sections()
        if piece.blocks:
            write(piece.blocks, outline)
        else:
            outline.add(piece.text)
    outline.leave_sections()


def _is_better(plain: list[Piece], rich: list[Piece]) -> bool:
    sizes = [sum(len(piece.text.split()) for piece in pieces) for pieces in (plain, rich)]
    has_table = any(
        block.kind == "table" and "\n" in block.text for piece in rich for block in piece.blocks
    )
    return sizes[0] > 0 and sizes[0] >= sizes[1] * _PLAIN_SHARE and not has_table


class _Files:
    """Writes down what is attached, and what lies in archives that are.

    ``unread`` are the names of what no parser reads, as such files are skipped in a folder.
    """

    def __init__(self, outline: Outline, problems: list[str]) -> None:
        self._outline = outline
        self._problems = problems
        self.unread: list[str] = []

    def write(self, name: str, read: Callable[[], bytes], within: Nesting, *above: str) -> None:
        """Write one file, in the section of its name; ``above`` are the archives it lies in."""
        shown = "/".join((*above, name))
        problem = ""
        try:
            self._write(name, read(), within, above)
        except Unread:
            self.unread.append(shown)
        except Refused as error:
            problem = str(error)
        except (MemoryError, RecursionError) as error:
            if not above:
                raise
            problem = f"its parser failed: {type(error).__name__}"
        except Exception as error:  # whatever a parser's library raises
            problem = f"its parser failed: {type(error).__name__}"
        if problem:  # told where the memory of the file is free again
            self._problems.append(f"attachment {shown!r:.300} is left out: {problem}")

    def _write(self, name: str, data: bytes, within: Nesting, above: tuple[str, ...]) -> None:
        ending = name.rpartition(".")[2].lower()
        if "." in name and ending in ARCHIVE_ENDINGS:
            self._write_archive(name, data, ending, within, above)
            return
        parse = partial(parse_by_ending, data, name, within=within)
        parsed = within.room.parsed(parse) if above else parse()
        self._outline.speak(parsed.language)
        self._outline.insert(parsed.text, parsed.stretches, *above, name)
        self._outline.speak(None)
        shown = "/".join((*above, name))
        self._problems += [f"attachment {shown!r}: {problem}" for problem in parsed.problems]
        inner = parsed.metadata.get("unread_attachments")
        if inner:
            self.unread.append(f"{shown} ({inner})")

    def _write_archive(
        self, name: str, data: bytes, ending: str, within: Nesting, above: tuple[str, ...]
    ) -> None:
        problems: list[str] = []
        try:
            for member, content in attached_files(data, ending, within, problems):
                self.write(member, partial(bytes, content), within.inner(), *above, name)
        finally:  # an archive may turn out to be damaged midway
            shown = "/".join((*above, name))
            self._problems += [f"attachment {shown!r}: {problem}" for problem in problems]


def _moved(parsed: Parsed, by: int) -> list[Stretch]:
    """Return the stretches behind a subject, which is of the first one if that has no heading."""
    return [
        replace(
            each,
            start=each.start + by if each.start or each.section else 0,
            end=each.end + by,
        )
        for each in parsed.stretches
    ]
