"""What the loaders of CSV, TSV, JSON Lines and JSON share: a row, a document."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from rag_engine.connectors.loaders.encoded_file import NamedEncoding, utf8_copy
from rag_engine.connectors.loaders.limits import BYTES_OF_A_MB, MAX_FILE_MB, check_size
from rag_engine.connectors.loaders.parsing.parsed import MAX_LINE_CHARACTERS
from rag_engine.connectors.loaders.parsing.rows import Row, RowOptions
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import InvalidDocument
from rag_engine.ports import Loader
from rag_engine.records import Document, Problem, Span
from rag_engine.regular_file import open_regular

__all__ = ["ParsedRowsLoader"]


class ParsedRowsLoader(NamedEncoding, Loader):
    """Reads a file whose rows are read in a child process, which never holds many of them.

    Args:
        text_columns: columns that hold the text; several give lines of ``column: value``. Empty:
            found by their names (``text``, ``body``, ``content``, ...).
        title_column: column with the title; None: ``title`` and the like, if there is one.
        id_column: column with the row's id; None: ``id`` and the like, else the row's number.
        metadata_columns: columns to keep as metadata; None: those that are left and are plain or,
            where all columns are the text, short.
        max_file_mb: largest file that is read whole, in 10^6 bytes; one that is read row by row
            has no limit.
        max_line_characters: longest line.
        sandbox: makes the child process; loaders may share one. None: one of its own.
    """

    suffixes: frozenset[str] = frozenset()
    parser = ""
    """The module of ``parsing`` that reads the rows."""
    read_whole: frozenset[str] = frozenset()
    """Those of ``suffixes`` whose files are read whole."""

    def __init__(
        self,
        *,
        text_columns: Sequence[str] = (),
        title_column: str | None = None,
        id_column: str | None = None,
        metadata_columns: Sequence[str] | None = None,
        max_file_mb: int = MAX_FILE_MB,
        max_line_characters: int = MAX_LINE_CHARACTERS,
        sandbox: Sandbox | None = None,
    ) -> None:
        self._sandbox = sandbox or Sandbox()
        self._max_file_mb = max_file_mb
        self._options = RowOptions(
            format="",
            text=tuple(text_columns),
            title=title_column or None,
            id=id_column or None,
            metadata=None if metadata_columns is None else tuple(metadata_columns),
            max_line_characters=max_line_characters,
        )

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        """Yield a document for each good row, and a problem for each other.

        Raises:
            LoadError: the file can not be read as rows, lacks a column that was asked for, or
                its reader crashed.
            LoadLimitExceeded: it is too large, or needs too much time or memory.
        """
        suffix = path.suffix.lower()
        whole = suffix in self.read_whole
        options = self._options.of_file(
            # ``.ndjson`` is JSON Lines by another name.
            format="jsonl" if suffix == ".ndjson" else suffix.removeprefix("."),
            max_bytes=self._max_file_mb * BYTES_OF_A_MB if whole else None,
        )
        with open_regular(path) as file:
            if whole:
                size = os.fstat(file.fileno()).st_size
                check_size(size, path, max_file_mb=self._max_file_mb)
            with self._as_told(file, source) as bytes_of_it:
                for row in self._sandbox.rows(self.parser, bytes_of_it, options, name=source):
                    yield _as_record(row, source)

    def _as_told(self, file: BinaryIO, source: str) -> AbstractContextManager[BinaryIO]:
        if self.encoding is None:
            return nullcontext(file)
        return utf8_copy(file, self.encoding, source)


def _as_record(row: Row | str, source: str) -> Document | Problem:
    if isinstance(row, str):
        return Problem(source=source, reason=row)
    section = tuple(row.section)
    try:
        return Document(
            id=f"{source}#{row.key}" if row.key else source,
            text=row.text,
            title=row.title,
            source=source,
            language_hint=row.language,
            spans=(Span(start=0, end=len(row.text), section=section),) if section else (),
            metadata=row.metadata,
        )
    except InvalidDocument as error:
        return Problem(source=source, reason=f"row {row.number}: {error}")
