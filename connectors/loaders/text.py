"""Plain text: one file, one document, in whatever encoding it was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag_engine.connectors.loaders.limits import MAX_FILE_MB, MAX_LINE_CHARACTERS, read_file
from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.errors import LoadLimitExceeded
from rag_engine.records import Document, Problem

__all__ = ["TextLoader"]

_LONGEST_TITLE = 100
_SENTENCE_ENDS = tuple(".,;:…。、，；：।؟؛።?!？！")


class TextLoader:
    """Reads plain text.

    Args:
        max_file_mb: largest file that is read, in 10^6 bytes.
    """

    suffixes: frozenset[str] = frozenset({".text", ".txt"})

    def __init__(self, *, max_file_mb: int = MAX_FILE_MB) -> None:
        self._max_file_mb = max_file_mb

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        """Yield the file as one document.

        Raises:
            LoadError: the file can not be read.
            LoadLimitExceeded: it is too large, or one of its lines is.
        """
        decoded = decode(read_file(path, max_file_mb=self._max_file_mb))
        text = clean(decoded.text)
        longest = max(map(len, text.split("\n")))
        if longest > MAX_LINE_CHARACTERS:
            raise LoadLimitExceeded(
                f"{path} has a line of {longest:,} characters; at most {MAX_LINE_CHARACTERS:,} "
                "are read; it may be no text at all"
            )
        yield Document(
            id=source,
            text=text,
            title=_first_line_title(text),
            source=source,
            metadata={"format": "text", **decoded.facts},
        )


def _first_line_title(text: str) -> str:
    r"""Return the first line if it looks like a title: short, no sentence, set off from the rest.

    >>> _first_line_title("Pump manual\n\nRinse it weekly.")
    'Pump manual'
    >>> _first_line_title("Rinse it weekly.\n\nThen dry it.")
    ''
    """
    lines = text.lstrip("\n").split("\n", 2)
    first = one_line(lines[0], limit=_LONGEST_TITLE + 1)
    if len(lines) < 3 or not first or len(first) > _LONGEST_TITLE:
        return ""
    underline = lines[1].strip()
    set_off = not underline or set(underline) <= set("=-~#*_")
    if not set_off or first.endswith(_SENTENCE_ENDS) or not any(map(str.isalpha, first)):
        return ""
    return first.strip("#=*-_ ")
