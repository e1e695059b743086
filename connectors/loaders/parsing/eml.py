"""EML by the standard library: a mail as servers pass it on."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from mimetypes import guess_extension

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.decoding import Decoded, decode
from rag_engine.connectors.loaders.parsing.events import event_texts
from rag_engine.connectors.loaders.parsing.mail import Attachment, Body, Mail, as_parsed
from rag_engine.connectors.loaders.parsing.nesting import DEEPEST, Nesting
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, RefusedByLimit

__all__ = ["decoded_header", "parse"]

_HEADERS = ("From", "To", "Subject", "Date", "Received", "MIME-Version", "Message-ID")
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature"})
_SIGNATURES |= {"application/x-pkcs7-signature", "application/pgp-keys"}
_ENCRYPTED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SEVEN_BITS = frozenset({"hz", "hz-gb-2312", "iso-2022-kr", "utf-7"})
"""Their bytes look like plain ASCII: only who declares them knows."""
_OTHER_FORMS = _SIGNATURES | {"text/enriched", "text/richtext", "text/x-amp-html"}
_OTHER_FORMS |= {"text/rfc822-headers", "text/watch-html"}
"""Parts that say again what another part says."""
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ENDINGS = {
    f"{_OFFICE}presentationml.presentation": ".pptx",
    f"{_OFFICE}spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}wordprocessingml.document": ".docx",
    **{
        f"application/vnd.oasis.opendocument.{kind}": ending
        for kind, ending in (("presentation", ".odp"), ("spreadsheet", ".ods"), ("text", ".odt"))
    },
    "application/epub+zip": ".epub",
    "application/msword": ".doc",
    "application/rtf": ".rtf",
    "text/markdown": ".md",
    "text/plain": ".txt",
}
"""The usual ending of a kind of file; systems know different ones."""
_MOST_PARTS = 2_000
_BOX_LINE = re.compile(rb"From [^\n]*\n")


def parse(data: bytes, name: str, within: Nesting | None = None) -> Parsed:
    """Read a mail; ``within`` tells of the mails and archives that it stands in.

    Raises:
        Refused: it is no mail, or its text is encrypted.
        RefusedByLimit: it has too many parts.
    """
    if not data.strip():
        raise Refused("it is empty")
    message = email.message_from_bytes(
        _BOX_LINE.sub(b"", data, count=1) if data.startswith(b"From ") else data
    )
    if not any(header in message for header in _HEADERS):
        raise Refused("it is no mail: it has no line such as From:, Subject: or Date:")
    return as_parsed(_Reader().mail(message, 0), within)


class _Reader:
    def __init__(self) -> None:
        self._parts = 0

    def mail(self, message: Message, depth: int) -> Mail:
        """Return what a message holds."""
        mail = Mail(
            subject=one_line(_header(message, "Subject")),
            sender=one_line(_header(message, "From")),
            to=one_line(_header(message, "To"), limit=1_000),
            cc=one_line(_header(message, "Cc"), limit=1_000),
            date=_date(_header(message, "Date")),
            language=one_line(_header(message, "Content-Language")).partition(",")[0] or None,
        )
        self._take(message, mail, depth)
        return mail

    def _take(self, part: Message, mail: Mail, depth: int) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise RefusedByLimit(f"it has more than {_MOST_PARTS:,} parts")
        kind = part.get_content_type()
        if kind in _ENCRYPTED and "sign" not in str(part.get_param("smime-type", "")).lower():
            raise Refused("its text is encrypted (S/MIME); store it decrypted")
        if kind == "multipart/encrypted":
            raise Refused("its text is encrypted (PGP); store it decrypted")
        payload = part.get_payload() if part.is_multipart() else None
        if kind == "message/rfc822" and isinstance(payload, list):
            for inner in map(_decoded_mail, [part] * len(payload), payload):
                if depth < DEEPEST and isinstance(inner, Message):
                    mail.inner.append(self.mail(inner, depth + 1))
                else:
                    mail.problems.append("mails are nested too deeply; those inside are left out")
        elif isinstance(payload, list):
            holder = Mail() if kind == "multipart/alternative" else mail
            for child in payload:
                if isinstance(child, Message):
                    self._take(child, holder, depth)
            if holder is not mail:
                _add_alternative(holder, mail)
        elif kind not in _SIGNATURES:
            self._take_leaf(part, kind, mail)

    def _take_leaf(self, part: Message, kind: str, mail: Mail) -> None:
        name = _file_name(part)
        carried = part.get_content_disposition() == "attachment"
        if not carried and not name and kind in {"text/plain", "text/html"}:
            text = _text(part, mail)
            if kind == "text/html":
                mail.bodies.append(Body(html=text))
            else:
                mail.bodies.append(Body(_unflowed(text, part) if _is_flowed(part) else text))
        elif kind in {"application/ics", "text/calendar"}:
            mail.events += event_texts(_text(part, mail))
        elif kind not in _OTHER_FORMS:
            if kind.startswith("image/") and not carried:
                return  # drawn in the text, a logo for one
            if "." not in name:
                name = f"{name or 'unnamed'}{_ENDINGS.get(kind) or guess_extension(kind) or ''}"
            mail.attachments.append(Attachment(name, _payload_of(part)))


def _add_alternative(found: Mail, mail: Mail) -> None:
    """Add several forms of one text, and whatever came with them."""
    plain = "\n\n".join(body.plain for body in found.bodies if body.plain)
    mail.bodies.append(Body(plain, "".join(body.html for body in found.bodies)))
    mail.events += found.events
    mail.attachments += found.attachments
    mail.inner += found.inner
    mail.problems += found.problems


def _payload_of(part: Message) -> Callable[[], bytes]:
    return lambda: _payload(part)


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message, mail: Mail) -> str:
    decoded = _decoded(_payload(part), part.get_content_charset())
    # Without the advice to name the encoding of the file: each part has one of its own.
    mail.problems += [problem.partition(";")[0] for problem in decoded.problems]
    return decoded.text


def _decoded(data: bytes, charset: str | None) -> Decoded:
    if charset is not None and charset.lower() in _SEVEN_BITS and data.isascii():
        text = data.decode(charset, "replace")
        return Decoded(text, charset, text.count("\ufffd"))
    return decode(data, declared=charset)


def _decoded_mail(part: Message, inner: object) -> object:
    """Return a mail inside of one, which some programs write in Base64 against the standard."""
    coding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if coding not in {"base64", "quoted-printable"} or not isinstance(inner, Message):
        return inner
    if any(header in inner for header in _HEADERS):
        return inner
    coded = Message()
    coded["Content-Transfer-Encoding"] = coding
    coded.set_payload(inner.get_payload())
    return email.message_from_bytes(_payload(coded))


def _is_flowed(part: Message) -> bool:
    return str(part.get_param("format", "")).lower() == "flowed"


def _unflowed(text: str, part: Message) -> str:
    """Join the lines that end with a blank to those after them (RFC 3676).

    Only lines that are quoted as often belong together. With ``delsp`` the blank is no part of
    the text: so write languages without blanks.
    """
    without_blank = str(part.get_param("delsp", "")).lower() == "yes"
    lines: list[str] = []
    depth_before = -1  # of a line that goes on
    for line in text.replace("\r\n", "\n").split("\n"):
        rest = line.lstrip(">")
        depth = len(line) - len(rest)
        rest = rest.removeprefix(" ")  # what stuffs a line, or parts it from its signs
        flows = rest.endswith(" ") and rest != "-- "
        shown = rest[:-1] if flows and without_blank else rest
        if depth == depth_before and rest != "-- ":
            lines[-1] += shown
        else:
            lines.append(f"{'>' * depth} {shown}" if depth else shown)
        depth_before = depth if flows else -1
    return "\n".join(lines)


def _header(message: Message, name: str) -> str:
    """Return a header's text, in whatever way it was written."""
    for known, value in message.raw_items():
        if known.lower() == name.lower():
            return decoded_header(str(value))
    return ""


def decoded_header(value: str) -> str:
    r"""Decode a header: encoded words (RFC 2047), or bytes that nobody declared.

    >>> decoded_header("=?iso-2022-jp?b?GyRCNVlGfBsoQg==?="), decoded_header("Gru\udcc3\udc9f")
    ('休日', 'Gruß')
    """
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape")).text
    try:
        pieces = decode_header(value)
    except (ValueError, LookupError, MessageError):
        return value
    found = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            found.append(piece)
        elif charset is None:
            found.append(piece.decode("latin-1"))
        else:
            found.append(_decoded(piece, charset).text)
    return "".join(found)


def _file_name(part: Message) -> str:
    """Return the name that a part carries, without any folder."""
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError):
        name = ""
    return one_line(decoded_header(name)).replace("\\", "/").rpartition("/")[2]


def _date(value: str) -> str:
    try:
        return parsedate_to_datetime(value).isoformat() if value else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return one_line(value)
