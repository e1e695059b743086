"""What the loaders of text, Markdown, HTML, PDF and DOCX share: one file, one document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag_engine.connectors.loaders.limits import BYTES_OF_A_MB, MAX_FILE_MB, read_file
from rag_engine.connectors.loaders.parsed_document import document_of
from rag_engine.connectors.loaders.sandbox import Sandbox
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

    def __init__(self, *, sandbox: Sandbox | None = None, max_file_mb: int = MAX_FILE_MB) -> None:
        self._sandbox = sandbox or Sandbox()
        self._max_file_mb = max_file_mb
        self.max_bytes = max_file_mb * BYTES_OF_A_MB

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield the file as one document, then what of it could not be read.

        Raises:
            LoadError: the file can not be read, or its parser crashed.
            LoadLimitExceeded: it is too large, or needs too much time or memory.
        """
        data = read_file(path, max_file_mb=self._max_file_mb)
        parsed = self._sandbox.parse(self.format, data, name=source)
        yield document_of(parsed, source, self.format)
        for reason in parsed.problems:
            yield Problem(source=source, reason=reason)
