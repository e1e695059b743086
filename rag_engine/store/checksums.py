"""The checksum of a row: SQLite does not notice a flipped bit inside a value."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

__all__ = ["row_checksum"]


def row_checksum(values: Sequence[object]) -> int:
    """Return the CRC-32 of a row's values, with their kinds and lengths.

    CRC-32 sees every burst of up to 32 bits, and misses other damage once in four billion times;
    of zlib it costs a passage with its vector two microseconds. It is no guard against malice:
    who can write the file can write the checksum too.

    >>> row_checksum((1, 23)) == row_checksum((12, 3)), row_checksum(("",)) == row_checksum((b"",))
    (False, False)
    """
    parts = []
    for value in values:
        if type(value) is str:
            data = value.encode("utf-8", "surrogatepass")
            parts.append(b"t%d:" % len(data))
        elif type(value) is bytes:
            data = value
            parts.append(b"b%d:" % len(data))
        else:
            data = b"n%r;" % (value,)
        parts.append(data)
    return zlib.crc32(b"".join(parts))
