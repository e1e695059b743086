"""A long text file line by line, without ever holding more than one line of it."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing.decoding import detect_stream_encoding
from rag_engine.connectors.loaders.parsing.parsed import MAX_LINE_CHARACTERS

__all__ = ["TextLine", "read_lines"]

_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line without its end. ``text`` is None if the line is longer than is allowed."""

    number: int
    text: str | None


def read_lines(file: BinaryIO, *, max_characters: int = MAX_LINE_CHARACTERS) -> Iterator[TextLine]:
    r"""Yield the lines of a file, counted from 1; lines end with ``\n``, ``\r\n`` or ``\r``.

    The file is read twice: once to learn its encoding, once for its lines.

    >>> [line.text for line in read_lines(io.BytesIO(b"one\r\ntwo"))]
    ['one', 'two']
    """
    encoding = detect_stream_encoding(_pieces(file))
    file.seek(0)
    yield from _split(_decoded(file, encoding), max_characters)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder(encoding)(errors="replace"), translate=True
    )
    first = True
    for piece in _pieces(file):
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
