"""Text files in an encoding that somebody named: their bytes are made UTF-8 before they are parsed.

A parser then knows them by their mark, and a page's own claim does not count.
"""

from __future__ import annotations

import codecs
import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader
from rag_engine.errors import LoadError

__all__ = ["EncodedFileLoader", "NamedEncoding", "utf8_copy"]

_PIECE = 1 << 20


class NamedEncoding:
    """What loaders of text share: the encoding that they were told, if any."""

    encoding: str | None = None
    version: str = ""
    """Files are read again when this changes."""

    def in_encoding(self, name: str) -> Self:
        """Return a loader for files that are in this encoding, whatever their bytes look like."""
        told = copy.copy(self)
        told.encoding = name
        told.version = f"{self.version} encoding {name}".strip()
        return told


class EncodedFileLoader(NamedEncoding, ParsedFileLoader):
    """Reads a file of text, which may be in any encoding."""

    def _bytes(self, path: Path, source: str) -> bytes:
        data = super()._bytes(path, source)
        if self.encoding is None:
            return data
        try:
            text = data.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise _not_in(self.encoding, source, error.start) from error
        return codecs.BOM_UTF8 + text.removeprefix("\ufeff").encode("utf-8", "replace")

    def _facts(self) -> dict[str, str | int]:
        return {} if self.encoding is None else {"encoding": self.encoding}


@contextmanager
def utf8_copy(file: BinaryIO, encoding: str, source: str) -> Iterator[BinaryIO]:
    """Give a copy of an open file in UTF-8, however long it is; it is gone afterwards.

    Raises:
        LoadError: the file is not in this encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with tempfile.TemporaryFile() as target:
        target.write(codecs.BOM_UTF8)
        while True:
            piece = file.read(_PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                raise _not_in(encoding, source, done + error.start) from error
            target.write(text.removeprefix("" if done else "\ufeff").encode("utf-8", "replace"))
            done += len(piece)
            if not piece:
                break
        target.flush()
        yield target


def _not_in(encoding: str, source: str, position: int) -> LoadError:
    return LoadError(
        f"{source}: it is not in {encoding}: byte {position:,} begins no character of it; name "
        "another encoding (--encoding), or none"
    )
