"""A long text file line by line, without ever holding more than one line of it."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing.decoding import (
    detect_stream_encoding,
    problems_of_encoding,
)
from rag_engine.connectors.loaders.parsing.parsed import MAX_LINE_CHARACTERS

__all__ = ["TextLine", "TextLines", "read_lines"]

_PIECE = 1 << 18
_LOST = "\ufffd".encode()


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line without its end. ``text`` is None if the line is longer than is allowed."""

    number: int
    text: str | None


class TextLines(Iterator[TextLine]):
    """The lines of a file, and what was found out about its encoding while they were read."""

    def __init__(self, file: BinaryIO, max_characters: int) -> None:
        self._verdict = detect_stream_encoding(_pieces(file))
        file.seek(0)
        self._replaced = 0
        self._tail = b""
        self._lines = _split(self._texts(file), max_characters)

    def __next__(self) -> TextLine:
        """Return the next line."""
        return next(self._lines)

    def _texts(self, file: BinaryIO) -> Iterator[str]:
        for text in _decoded(map(self._look_at, _pieces(file)), self._verdict.encoding):
            self._replaced += text.count("\ufffd")
            yield text

    def _look_at(self, piece: bytes) -> bytes:
        """Do not count the signs for lost characters that stand in the file itself."""
        seen = self._tail + piece
        if self._verdict.encoding.startswith("utf-8"):
            self._replaced -= seen.count(_LOST)
        self._tail = seen[1 - len(_LOST) :]
        return piece

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person should be told, once all lines were read."""
        return problems_of_encoding(self._verdict.encoding, self._verdict.doubt, self._replaced)


def read_lines(file: BinaryIO, *, max_characters: int = MAX_LINE_CHARACTERS) -> TextLines:
    r"""Return the lines of a file, counted from 1; lines end with ``\n``, ``\r\n`` or ``\r``.

    The file is read twice: once to learn its encoding, once for its lines.

    >>> [line.text for line in read_lines(io.BytesIO(b"one\r\ntwo"))]
    ['one', 'two']
    """
    return TextLines(file, max_characters)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder(encoding)(errors="replace"), translate=True
    )
    first = True
    for piece in pieces:
        text = decoder.decode(piece)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        yield text
    yield decoder.decode(b"", final=True)


def _split(texts: Iterator[str], most: int) -> Iterator[TextLine]:
    number = 1
    rest = ""
    too_long = False
    for text in texts:
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            yield TextLine(number, None if too_long or len(line) > most else line)
            number += 1
            too_long = False
        if len(rest) > most:
            rest, too_long = "", True
    if rest or too_long:
        yield TextLine(number, None if too_long or len(rest) > most else rest)
