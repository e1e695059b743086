"""Which files are read, told by the endings of their names, and what to do with one that is not."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rag_engine.ports import Loader

__all__ = ["loader_for", "suffixes_of", "what_is_read", "why_unread"]

_ARCHIVES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zst"})


def suffixes_of(loaders: Sequence[Loader]) -> frozenset[str]:
    """Return the endings of the files that some loaders read."""
    return frozenset(suffix for loader in loaders for suffix in loader.suffixes)


def loader_for(path: Path, loaders: Sequence[Loader]) -> Loader | None:
    """Return the first loader that reads files with this ending, or None."""
    suffix = path.suffix.lower()
    return next((loader for loader in loaders if suffix in loader.suffixes), None)


def why_unread(path: Path) -> str:
    """Say that no loader reads a file.

    >>> why_unread(Path("a.xyz")), why_unread(Path("a"))
    ('no loader reads .xyz', 'no loader reads files without an ending')
    >>> why_unread(Path("a.rar"))
    'no loader reads .rar; unpack it to have its files indexed'
    """
    way_out = "; unpack it to have its files indexed" if path.suffix.lower() in _ARCHIVES else ""
    return f"no loader reads {path.suffix or 'files without an ending'}{way_out}"


def what_is_read(loaders: Sequence[Loader]) -> str:
    """Say which endings are read, which an extra would add, and the way out.

    >>> from rag_engine.connectors.loaders.pdf import PdfLoader
    >>> what_is_read([PdfLoader()])
    'read are .pdf; save the file as one of these, or give a loader of your own'
    """
    lacking: dict[str, set[str]] = {}
    ready: set[str] = set()
    for loader in loaders:
        extra = _lacking_extra(loader)
        (lacking.setdefault(extra, set()) if extra else ready).update(loader.suffixes)
    parts = [
        f"read are {_listed(ready)}",
        *(
            f"pip install 'rag-engine[{extra}]' adds {_listed(endings - ready)}"
            for extra, endings in sorted(lacking.items())
            if endings - ready
        ),
        "save the file as one of these, or give a loader of your own",
    ]
    return "; ".join(parts)


def _lacking_extra(loader: Loader) -> str:
    """Return the extra that a loader needs and that is not installed, or an empty text."""
    extra, package = getattr(loader, "needs_extra", None) or ("", "")
    return extra if extra and find_spec(package) is None else ""


def _listed(endings: set[str]) -> str:
    return " ".join(sorted(endings)) or "none"
