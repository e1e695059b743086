"""MSG by olefile: a mail as Outlook stores it (MS-OXMSG, MS-OXPROPS).

python-oxmsg reads the same properties; it knows no mails inside of mails and no text in RTF, and
extract-msg is under the GPL.
"""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import olefile

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.mail import Attachment, Body, Mail, as_parsed
from rag_engine.connectors.loaders.parsing.nesting import DEEPEST, Nesting
from rag_engine.connectors.loaders.parsing.ole import check_ole
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["parse"]

_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC, _SENT, _RECEIVED = 0x0E04, 0x0E03, 0x0039, 0x0E06
_CODE_PAGE, _INTERNET_CODE_PAGE = 0x3FFD, 0x3FDE
_NAME, _SHORT_NAME, _DATA, _DISPLAY_NAME, _CONTENT_ID = 0x3707, 0x3704, 0x3701, 0x3001, 0x3712
_UNICODE, _BYTES, _BINARY, _OBJECT = "001F", "001E", "0102", "000D"
_PROPERTIES = "__properties_version1.0"
_ATTACHMENT = "__attach_version1.0_"
_BEGINNING_OF_TIME = datetime(1601, 1, 1, tzinfo=UTC)


def parse(data: bytes, name: str, within: Nesting | None = None) -> Parsed:
    """Read a mail of Outlook; ``within`` tells of the mails and archives that it stands in.

    Raises:
        Refused: it is no MSG, or damaged.
    """
    check_ole(data, kind="MSG", streams=(_PROPERTIES,), new=".eml")
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            mail = _Storage(file, ()).mail(0)
    except (MemoryError, RecursionError, Refused):
        raise
    except Exception as error:
        # olefile raises whatever a damaged directory makes it raise.
        raise Refused(f"it is damaged ({type(error).__name__}: {error!s:.150})") from error
    parsed = as_parsed(mail, within)
    if not (parsed.title or parsed.text or mail.attachments):
        raise Refused("it is damaged: it holds no subject, text or attachment")
    return parsed


class _Storage:
    """The properties of a mail or an attachment: streams of one folder of the file."""

    def __init__(self, file: Any, path: tuple[str, ...], page: str = "cp1252") -> None:
        self._file = file
        self._path = path
        self._fixed = self._read_fixed()
        self._page = page
        number = self._fixed.get(_CODE_PAGE)
        if number is not None:
            self._page = f"cp{int.from_bytes(number[:4], 'little')}"

    def _stream(self, name: str) -> bytes | None:
        path = [*self._path, name]
        if not self._file.exists(path) or self._file.get_type(path) != olefile.STGTY_STREAM:
            return None
        with self._file.openstream(path) as stream:
            found: bytes = stream.read()
            return found

    def _read_fixed(self) -> dict[int, bytes]:
        """Return the values of eight bytes; what stands before them depends on the folder."""
        data = self._stream(_PROPERTIES) or b""
        if not self._path:
            head = 32
        else:
            head = 24 if self._path[-1].endswith(_OBJECT) else 8
        return {
            struct.unpack_from("<H", data, place + 2)[0]: data[place + 8 : place + 16]
            for place in range(head, len(data) - 15, 16)
        }

    def bytes(self, number: int, kind: str = _BINARY) -> bytes | None:
        """Return a property of bytes."""
        return self._stream(f"__substg1.0_{number:04X}{kind}")

    def text(self, number: int) -> str:
        """Return a property of text, in Unicode or in the mail's code page."""
        found = self.bytes(number, _UNICODE)
        if found is not None:
            return found.decode("utf-16-le", "replace").rstrip("\0")
        found = self.bytes(number, _BYTES)
        return "" if found is None else decode(found, declared=self._page).text.rstrip("\0")

    def mail(self, depth: int) -> Mail:
        """Return the mail that is stored here."""
        address = self.text(_SENDER_SMTP) or self.text(_SENDER_ADDRESS)
        sender = self.text(_SENDER)
        if "@" in address and address != sender:
            sender = f"{sender} <{address}>".strip()
        mail = Mail(
            subject=one_line(self.text(_SUBJECT)),
            sender=one_line(sender),
            to=one_line(self.text(_TO), limit=1_000),
            cc=one_line(self.text(_CC), limit=1_000),
            date=self._date(),
            bodies=[self._body()],
        )
        folders = sorted(
            {
                entry[len(self._path)]
                for entry in self._file.listdir(streams=True, storages=True)
                if tuple(entry[: len(self._path)]) == self._path and len(entry) > len(self._path)
            }
        )
        for folder in folders:
            if folder.startswith(_ATTACHMENT):
                self._attach(folder, mail, depth)
        return mail

    def _date(self) -> str:
        for number in (_SENT, _RECEIVED):
            ticks = int.from_bytes(self._fixed.get(number, b""), "little")
            if 0 < ticks < 1 << 62:
                try:
                    moment = _BEGINNING_OF_TIME + timedelta(microseconds=ticks // 10)
                except OverflowError:
                    continue
                return moment.replace(microsecond=0).isoformat()
        return ""

    def _body(self) -> Body:
        plain = self.text(_BODY)
        html = self.bytes(_HTML)
        if html is None:
            page = self.text(_HTML)
        else:
            number = int.from_bytes(self._fixed.get(_INTERNET_CODE_PAGE, b"")[:4], "little")
            declared = {0: self._page, 65001: "utf-8", 50220: "iso-2022-jp"}.get(number)
            page = decode(html, declared=declared or f"cp{number}").text
        if not plain.strip() and not page.strip():
            plain = self._rich_text()
        return Body(plain.replace("\r\n", "\n"), page)

    def _rich_text(self) -> str:
        """Return the text of a mail that has it in RTF only."""
        packed = self.bytes(_RTF)
        if packed is None:
            return ""
        from compressed_rtf import decompress

        from rag_engine.connectors.loaders.parsing.rtf import parse as parse_rtf

        return parse_rtf(decompress(packed), "body.rtf").text

    def _attach(self, folder: str, mail: Mail, depth: int) -> None:
        path = (*self._path, folder)
        inner = f"__substg1.0_{_DATA:04X}{_OBJECT}"
        attachment = _Storage(self._file, path, self._page)
        if self._file.exists([*path, inner, _PROPERTIES]):
            if depth < DEEPEST:
                mail.inner.append(_Storage(self._file, (*path, inner), self._page).mail(depth + 1))
            else:
                mail.problems.append("mails are nested too deeply; those inside are left out")
            return
        data = attachment.bytes(_DATA)
        name = attachment.text(_NAME) or attachment.text(_SHORT_NAME)
        name = one_line(name or attachment.text(_DISPLAY_NAME) or "unnamed")
        name = name.replace("\\", "/").rpartition("/")[2]
        drawn = attachment.text(_CONTENT_ID) and _is_picture(name)
        if data is not None and not drawn:
            mail.attachments.append(Attachment(name, lambda: data))


def _is_picture(name: str) -> bool:
    return name.lower().endswith((".bmp", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".emf", ".wmf"))
