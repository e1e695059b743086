"""MBOX (RFC 4155): the mails of a folder, one after the other in one file."""

from __future__ import annotations

import email
import io
import re
from collections.abc import Iterator
from email.message import Message
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.members import MemberOptions, Piece, pieces_of
from rag_engine.connectors.loaders.parsing.parsed import Refused

__all__ = ["members"]

_LONGEST_LINE = 1 << 20
_LONGEST_HEAD = 1 << 18
_TIME = rb"(?=[^\r\n]*\b\d\d?:\d\d:\d\d\b)"
_YEAR = rb"(?=[^\r\n]*(?<![+-])\b(?:19|20)\d\d\b)"
_FIRST_LINE = re.compile(rb"From " + _TIME + _YEAR + rb"[^\r\n]*\r?\n")
"""With a time to the second and a year, as in ``Mon Jan  1 10:30:00 2024``."""
_HEADER_LINE = re.compile(rb"[!-9;-~]+:")
_ESCAPED = re.compile(rb">+From ")
_DELETED = 0x0008
"""Of Thunderbird's ``X-Mozilla-Status``: the mail is gone, and will be cut out one day."""


def members(file: BinaryIO, options: MemberOptions) -> Iterator[Piece]:
    """Yield the mails; each is named by its ``Message-ID``, or else by its number, from 1.

    So a mail keeps its name when others before it are gone. Those that a program marked as deleted
    are left out.

    Raises:
        Refused: it is no mailbox.
    """
    names: set[str] = set()
    for number, mail in enumerate(_mails(file, options.most_bytes), start=1):
        head = email.message_from_bytes(mail[:_LONGEST_HEAD].partition(b"\n\n")[0])
        if _is_deleted(head):
            continue
        name = _own_name(head) or str(number)
        while name in names:  # a copy: sent, and received
            name = f"{name}-{number}"
        names.add(name)
        if len(mail) > options.most_bytes:
            yield Piece(name, problem=f"it has more than {options.most_bytes:,} bytes")
        else:
            yield from pieces_of(name, io.BytesIO(mail))


def _mails(file: BinaryIO, most: int) -> Iterator[bytes]:
    """Yield each mail as its bytes; of one that is too long, a little more than ``most``.

    A mail begins with a line that says ``From``, a sender, a time and a year, and goes on with
    headers: a line of a letter hardly does. Not all programs leave a line empty before it.
    """
    mail = bytearray()
    begun = False
    line = file.readline(_LONGEST_LINE)
    while line:
        following = file.readline(_LONGEST_LINE)
        if _FIRST_LINE.fullmatch(line) and _HEADER_LINE.match(following):
            if begun:
                yield bytes(mail)
            mail, begun = bytearray(), True
        elif not begun:
            if line.strip():
                raise Refused(
                    "it is no mailbox: it does not begin with a line such as "
                    "From x@y Mon Jan  1 10:30:00 2024"
                )
        elif len(mail) <= most:
            plain = line.replace(b"\r\n", b"\n")
            mail += plain[1:] if _ESCAPED.match(plain) else plain
        line = following
    if begun:
        yield bytes(mail)


def _is_deleted(head: Message) -> bool:
    try:
        return bool(int(str(head.get("X-Mozilla-Status", "0")), 16) & _DELETED)
    except ValueError:
        return False


def _own_name(head: Message) -> str:
    return one_line(str(head.get("Message-ID", "")).strip().strip("<>"))
