"""ZIP: the files in an archive, unpacked within limits.

Limits hold for what is unpacked; what an archive says of its own sizes is not believed. A member
that is damaged, has a password or grows too large is a problem, and the next one is unpacked.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing.members import MemberOptions, Piece, pieces_of
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.zip_names import names_of

__all__ = ["members"]

_MOST_MEMBERS = 10_000
_MAX_RATIO = 250
_RATIO_MATTERS_FROM = 10_000_000
_ENCRYPTED = 1
_HIDDEN = re.compile(r"(?:^|/)(?:\.|__MACOSX/)")
"""Such files are passed over in folders, too; those of macOS beside each other file are no text."""
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What reading a damaged or foreign archive raises; of lzma and bz2, the first and ``OSError``."""


def members(file: BinaryIO, options: MemberOptions) -> Iterator[Piece | str]:
    """Yield the files of an archive, in the order of their names; and what a reader should know.

    Raises:
        Refused: it is no archive, or is damaged.
        RefusedByLimit: it holds too many files.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise Refused(f"it is no ZIP archive, or is damaged ({error!s:.200})") from error
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > _MOST_MEMBERS:
        raise RefusedByLimit(f"it holds {len(entries):,} files; at most {_MOST_MEMBERS:,} are read")
    names, doubt = names_of(entries)
    if doubt:
        yield doubt
    named = zip(names, entries, strict=True)
    latest = {name: entry for name, entry in named if not _HIDDEN.search(name)}  # the last counts
    for name, entry in sorted(latest.items()):
        yield from _unpacked(archive, entry, name, options.most_bytes)


def _unpacked(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, most: int
) -> Iterator[Piece]:
    if entry.flag_bits & _ENCRYPTED:
        reason = "it has a password; pack it without one, or unpack the archive and index its files"
        yield Piece(name, problem=reason)
        return
    most_by_ratio = max(_RATIO_MATTERS_FROM, entry.compress_size * _MAX_RATIO)
    size = 0
    try:
        with archive.open(entry) as member:
            for piece in pieces_of(name, member):  # type: ignore[arg-type]
                size += len(piece.data)
                if size > most:
                    yield Piece(name, problem=f"it unpacks to more than {most:,} bytes")
                    return
                if size > most_by_ratio:
                    reason = f"it unpacks to more than {_MAX_RATIO} times its size, as no text does"
                    yield Piece(name, problem=reason)
                    return
                yield piece
    except NotImplementedError:
        kind = zipfile.compressor_names.get(entry.compress_type, "unknown")  # type: ignore[attr-defined]
        reason = f"it is packed by a method that is not read ({kind}); pack it by Deflate"
        yield Piece(name, problem=reason)
    except _DAMAGED as error:
        yield Piece(name, problem=f"it is damaged ({error!s:.200})")
