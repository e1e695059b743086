"""ZIP: the files in an archive, unpacked within limits.

Limits hold for what is unpacked; what an archive says of its own sizes is not believed. A member
that is damaged, has a password or grows too large is a problem, and the next one is unpacked.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing.archive import DAMAGED, MAX_RATIO, most_by_ratio
from rag_engine.connectors.loaders.parsing.members import (
    MOST_MEMBERS,
    MemberOptions,
    Piece,
    pieces_of,
)
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.zip_names import names_of

__all__ = ["members"]

_ENCRYPTED = 1
_HIDDEN = re.compile(r"(?:^|/)(?:\.|__MACOSX/)")
"""Such files are passed over in folders, too; those of macOS beside each other file are no text."""


def members(file: BinaryIO, options: MemberOptions) -> Iterator[Piece | str]:
    """Yield the files of an archive, in the order of their names; and what a reader should know.

    Raises:
        Refused: it is no archive, or is damaged.
        RefusedByLimit: it holds too many files.
    """
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGED as error:
        raise Refused(f"it is no ZIP archive, or is damaged ({error!s:.200})") from error
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_MEMBERS:
        raise RefusedByLimit(f"it holds {len(entries):,} files; at most {MOST_MEMBERS:,} are read")
    names, doubt = names_of(entries)
    if doubt:
        yield doubt
    named: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for name, entry in zip(names, entries, strict=True):
        if not _HIDDEN.search(name):  # of files of the very same name the last one counts
            named.setdefault(name, {})[entry.orig_filename] = entry
    for name, (entry, *others) in sorted((name, [*each.values()]) for name, each in named.items()):
        yield from _unpacked(archive, entry, name, options.most_bytes)
        for other in others:
            reason = f"a second file, {other.orig_filename!r:.200}, has this name here; rename it"
            yield Piece(name, problem=reason)


def _unpacked(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, most: int
) -> Iterator[Piece]:
    if entry.flag_bits & _ENCRYPTED:
        reason = "it has a password; pack it without one, or unpack the archive and index its files"
        yield Piece(name, problem=reason)
        return
    size = 0
    problem = ""
    try:
        with archive.open(entry) as member:
            for piece in pieces_of(name, member):  # type: ignore[arg-type]
                size += len(piece.data)
                if size > most:
                    problem = f"it unpacks to more than {most:,} bytes"
                elif size > most_by_ratio(entry):
                    problem = f"it unpacks to more than {MAX_RATIO} times its size, as no text does"
                if problem:
                    break
                yield piece
    except NotImplementedError:
        kind = zipfile.compressor_names.get(entry.compress_type, "unknown")  # type: ignore[attr-defined]
        problem = f"it is packed by a method that is not read ({kind}); pack it by Deflate"
    except MemoryError:  # LZMA and BZIP2 are unpacked by zipfile as a whole
        problem = "unpacking it needs more memory than there is; pack it by Deflate"
    except DAMAGED as error:
        problem = f"it is damaged ({error!s:.200})"
    if problem:  # told where the memory of the file is free again
        yield Piece(name, problem=problem)
