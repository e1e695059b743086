"""A file with a text a line, read without being held in memory: where each text stands.

A line ends with a line feed (a carriage return before it is no part of it), and with nothing else
that Unicode breaks lines at. Blank lines are passed over, and what came before is not read again:
both are counted. A line that is not UTF-8 is a problem and stops nothing; a file that looks like
UTF-16 is refused: some of its lines could be read as UTF-8, and mean nothing.
"""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rag_engine.errors import InvalidInput
from rag_engine.ports import Int64Array
from rag_engine.told_problems import ToldProblems

__all__ = ["TextLines", "read_utf8"]

_BOM = "\ufeff"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LOOKED_AT = 4_096
"""Bytes at the beginning of a file in which UTF-16 betrays itself by a NUL."""
_NUL = 0
_TOLD_EVERY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLines:
    """The different texts of the file at ``path``, ``n`` of them, in their order.

    ``starts`` ``(n,)`` says at which byte the line of each begins, ``lines`` ``(n,)`` the number of
    that line, from 1. ``rows`` ``(n_lines + 1,)`` has the text of each line, -1 for what is none.
    With ``named`` a line is a name, a tab and the text, and ``names`` maps names to lines.
    ``stamp`` tells by its size and time whether it is still the file that was read.
    """

    path: Path
    starts: Int64Array
    lines: Int64Array
    rows: Int64Array
    blank: int
    repeated: int
    named: bool
    names: dict[str, int]
    problems: ToldProblems
    digest: str
    stamp: tuple[int, int]

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def read(
        cls, path: Path, *, named: bool = False, on_line: Callable[[int], None] | None = None
    ) -> TextLines:
        """Walk the file once. ``on_line`` is called now and then with how many lines were read.

        Raises:
            InvalidInput: it can not be read, looks like UTF-16, or holds no text.
        """
        known: dict[bytes, int] = {}
        starts: list[int] = []
        lines: list[int] = []
        rows = [-1]
        names: dict[str, int] = {}
        problems, digest, blank, at = ToldProblems(str(path)), hashlib.sha256(), 0, 0
        with _reading(path), path.open("rb") as file:
            stamp = _stamp(file)
            _check_no_utf_16(path, file.read(_LOOKED_AT))
        for number, raw in enumerate(_raw_lines(path), start=1):
            digest.update(raw)
            start, at = at, at + len(raw)
            rows.append(-1)
            try:
                name, text = _parted(raw, number, named=named)
            except ValueError as error:
                problems.add(f"line {number:,}: {error}; it was passed over")
                continue
            if not text:
                blank += 1
                continue
            if named and name in names:
                problems.add(f"line {number:,}: the name {name!r:.80} came before; passed over")
                continue
            key = hashlib.blake2b(text.encode(), digest_size=16).digest()
            rows[number] = known.setdefault(key, len(known))
            if rows[number] == len(starts):
                starts.append(start)
                lines.append(number)
            if named:
                names[name] = number
            if on_line is not None and number % _TOLD_EVERY == 0:
                on_line(number)
        if not starts:
            raise InvalidInput(f"{path} holds no text; it has a text a line, in UTF-8")
        return cls(
            path=path,
            starts=np.array(starts, np.int64),
            lines=np.array(lines, np.int64),
            rows=np.array(rows, np.int64),
            blank=blank,
            repeated=len(rows) - 1 - blank - len(problems) - len(starts),
            named=named,
            names=names,
            problems=problems,
            digest=digest.hexdigest(),
            stamp=stamp,
        )

    @contextmanager
    def opened(self) -> Iterator[Callable[[int], tuple[str, str]]]:
        """Give what returns a text's name (the number of its line, without names) and the text.

        Raises:
            InvalidInput: the file can not be read any more, or changed since it was read.
        """
        with _reading(self.path), self.path.open("rb") as file:

            def entry(row: int) -> tuple[str, str]:
                file.seek(int(self.starts[row]))
                try:
                    found = _parted(file.readline(), int(self.lines[row]), named=self.named)
                except ValueError as error:
                    raise self._changed() from error
                if not found[1]:
                    raise self._changed()
                return found

            if _stamp(file) != self.stamp:
                raise self._changed()
            yield entry

    def _changed(self) -> InvalidInput:
        return InvalidInput(f"{self.path} changed while it was read; run it again")

    def texts(self, first: int, stop: int) -> list[str]:
        """Return some of the texts, in their order."""
        with self.opened() as entry:
            return [entry(row)[1] for row in range(first, stop)]

    def row_of(self, name: str) -> int | None:
        """Return the text of a line that is told by its name, or number; None: there is none."""
        number = self.names.get(name)
        if not self.named:
            number = int(name) if name.isdecimal() else 0
        if number is None or not 0 < number < len(self.rows) or self.rows[number] < 0:
            return None
        return int(self.rows[number])


def read_utf8(path: Path) -> str:
    """Return all of a small file.

    Raises:
        InvalidInput: it can not be read, is not UTF-8, or looks like UTF-16.
    """
    with _reading(path):
        raw = path.read_bytes()
    _check_no_utf_16(path, raw)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} can not be read as UTF-8: {error}") from error


def _check_no_utf_16(path: Path, beginning: bytes) -> None:
    if beginning.startswith(_UTF_16) or _NUL in beginning:
        raise InvalidInput(
            f"{path} looks like UTF-16 (or holds no text), and UTF-8 is read; convert it: "
            f"iconv -f UTF-16 -t UTF-8 {path.name} > {path.stem}-utf8{path.suffix}"
        )


def _raw_lines(path: Path) -> Iterator[bytes]:
    with _reading(path), path.open("rb") as file:
        yield from file


def _stamp(file: BinaryIO) -> tuple[int, int]:
    told = os.fstat(file.fileno())
    return told.st_size, told.st_mtime_ns


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path} can not be read: {error.strerror or error}") from error


def _parted(raw: bytes, number: int, *, named: bool) -> tuple[str, str]:
    r"""Return a line's name and its text.

    >>> _parted(b"de-7\tGuten Tag.\r\n", 3, named=True), _parted(b" a\tb \n", 3, named=False)
    (('de-7', 'Guten Tag.'), ('3', 'a b'))
    """
    try:
        line = raw.decode("utf-8").removeprefix(_BOM if number == 1 else "")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 ({error.reason})") from error
    if "\0" in line:
        raise ValueError("it has a NUL, which no text has")
    name = str(number)
    if named and line.strip():
        name, tab, line = line.strip().partition("\t")
        if not tab:
            raise ValueError(f"it has no tab after a name: {name!r:.80}")
    return name, " ".join(line.split())
