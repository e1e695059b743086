"""What the loaders of texts, pages, books, office files and mails share: a file, a document."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from rag_engine.connectors.loaders.limits import BYTES_OF_A_MB, MAX_FILE_MB, read_file
from rag_engine.connectors.loaders.parsed_document import document_of
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError, MissingExtra
from rag_engine.records import Document, Note, Problem

__all__ = ["ParsedFileLoader"]


class ParsedFileLoader:
    """Reads a file whose parser runs in a child process.

    Args:
        sandbox: the child process; loaders may share one. None: one of its own.
        max_file_mb: largest file that is read, in 10^6 bytes.
    """

    suffixes: frozenset[str] = frozenset()
    format = ""
    """The parser's name, and the document's metadata ``format``."""
    needs_extra: tuple[str, str] | None = None
    """The extra that the parser takes, and a module by which it is known to be installed."""

    def __init__(self, *, sandbox: Sandbox | None = None, max_file_mb: int = MAX_FILE_MB) -> None:
        self._sandbox = sandbox or Sandbox()
        self._max_file_mb = max_file_mb
        self.max_bytes = max_file_mb * BYTES_OF_A_MB

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield the file as one document, then what of it could not be read.

        Raises:
            LoadError: the file can not be read, its parser crashed, or takes a package that is
                not installed: the other files of a folder are read all the same.
            LoadLimitExceeded: it is too large, or needs too much time or memory.
        """
        if self.needs_extra and find_spec(self.needs_extra[1]) is None:
            extra, package = self.needs_extra
            raise LoadError(f"{source}: {MissingExtra(extra, package=package)}")
        parsed = self._sandbox.parse(self.format, self._bytes(path, source), name=source)
        yield document_of(parsed, source, self.format, self._facts())
        for reason in parsed.problems:
            yield Problem(source=source, reason=reason)

    def _bytes(self, path: Path, source: str) -> bytes:
        """Return what the parser is given of a file."""
        return read_file(path, max_file_mb=self._max_file_mb)

    def _facts(self) -> dict[str, str | int]:
        """Return what is known of a file beside what the parser says."""
        return {}
