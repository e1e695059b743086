"""The encoding that somebody says text files are in, for those that do not say it themselves."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from rag_engine.errors import InvalidInput
from rag_engine.file_endings import loader_for
from rag_engine.ports import Loader
from rag_engine.vietnamese_encodings import VIETNAMESE_ENCODINGS, know_vietnamese_encodings

__all__ = ["EncodedLoader", "checked_encoding", "in_encoding"]

_NO_ENCODINGS_OF_FILES = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)


@runtime_checkable
class EncodedLoader(Loader, Protocol):
    """A loader of text files, which may be in many encodings."""

    def in_encoding(self, name: str) -> Loader:
        """Return the loader for files that are in one encoding, whatever their bytes look like."""
        ...


def checked_encoding(name: str) -> str:
    """Return the usual name of an encoding of text.

    Raises:
        InvalidInput: it is none.

    >>> checked_encoding("Windows-1250"), checked_encoding("DOS-437".removeprefix("DOS-"))
    ('cp1250', 'cp437')
    """
    know_vietnamese_encodings()
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, TypeError):
        found = None
    # That a codec is one of text (rot13 is none) is told by nothing but this.
    if found is None or not found._is_text_encoding or found.name in _NO_ENCODINGS_OF_FILES:
        raise InvalidInput(
            f"there is no text encoding {name!r:.80}; name one that Python knows, such as cp437, "
            "cp850, cp1250, mac_roman, koi8_r, shift_jis, big5, gb18030, or one of "
            f"{', '.join(VIETNAMESE_ENCODINGS)}"
        )
    return found.name


def in_encoding(
    name: str | None, loaders: Sequence[Loader], only: Path | None
) -> tuple[Loader, ...]:
    """Return loaders that read text files in an encoding; the others are left as they are.

    Raises:
        InvalidInput: there is no such encoding; or the ``only`` file that is to be read is of a
            kind that says its encoding itself.
    """
    if name is None:
        return tuple(loaders)
    encoding = checked_encoding(name)
    chosen = None if only is None else loader_for(only, loaders)
    if only is not None and chosen is not None and not isinstance(chosen, EncodedLoader):
        raise InvalidInput(
            f"encoding (--encoding {name}) is for files of text; {only.suffix} files say theirs "
            "themselves: leave it out"
        )
    return tuple(
        loader.in_encoding(encoding) if isinstance(loader, EncodedLoader) else loader
        for loader in loaders
    )
