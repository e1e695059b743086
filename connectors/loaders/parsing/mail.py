"""What a mail is, whichever program stored it, and how it is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rag_engine.connectors.loaders.parsing.blocks import write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.endings import Unread, parse_by_ending
from rag_engine.connectors.loaders.parsing.html import shown_blocks
from rag_engine.connectors.loaders.parsing.mail_quotes import Piece, html_pieces, plain_pieces
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, Stretch

__all__ = ["DEEPEST", "Attachment", "Body", "Mail", "as_parsed"]

DEEPEST = 3
"""Mails are read inside of mails down to here."""

_MOST_ATTACHMENTS = 100
_PLAIN_SHARE = 0.5


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


def as_parsed(mail: Mail, depth: int = 0) -> Parsed:
    """Write a mail down: who wrote it and when, its text, what it quotes, what it carries.

    A quotation, a mail inside of it and an attachment each are a section of their own.
    """
    outline = Outline()
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
        if depth >= DEEPEST:
            problems.append("mails are nested too deeply; those inside are left out")
            break
        parsed = as_parsed(inner, depth + 1)
        text = "\n\n".join(filter(None, (inner.subject, parsed.text)))
        moved = len(text) - len(parsed.text)
        outline.insert(text, _moved(parsed, moved), inner.subject or "✉")
        problems += parsed.problems
    unread = _write_attachments(mail, outline, problems, depth)
    if unread:
        metadata["unread_attachments"] = ", ".join(unread)
    return Parsed(
        text=outline.text,
        title=mail.subject,
        language=mail.language,
        stretches=outline.stretches(),
        metadata=dict(metadata),
        problems=tuple(dict.fromkeys(problems)),
    )


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


def _write_attachments(mail: Mail, outline: Outline, problems: list[str], depth: int) -> list[str]:
    """Write down what is attached; return the names of what no parser reads."""
    unread: list[str] = []
    for attachment in mail.attachments[:_MOST_ATTACHMENTS]:
        name = one_line(attachment.name)
        try:
            if depth >= DEEPEST:
                raise Refused("mails are nested too deeply")
            parsed = parse_by_ending(attachment.read(), name, depth=depth)
        except Unread:  # as a file with such an ending is skipped in a folder
            unread.append(name)
            continue
        except Refused as error:
            problems.append(f"attachment {name!r} is left out: {error}")
            continue
        except (MemoryError, RecursionError):
            raise
        except Exception as error:  # whatever a parser's library raises
            problems.append(
                f"attachment {name!r} is left out: its parser failed: {type(error).__name__}"
            )
            continue
        outline.insert(parsed.text, parsed.stretches, name)
        problems += [f"attachment {name!r}: {problem}" for problem in parsed.problems]
    if len(mail.attachments) > _MOST_ATTACHMENTS:
        problems.append(
            f"it has {len(mail.attachments)} attachments; the first {_MOST_ATTACHMENTS} are read"
        )
    return unread


def _moved(parsed: Parsed, by: int) -> list[Stretch]:
    return [replace(each, start=each.start + by, end=each.end + by) for each in parsed.stretches]
