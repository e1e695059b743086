"""The readers that can be measured: their packages, and the endings that each reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["OURS", "READERS", "Reader", "ReaderPackages"]

OURS = "rag_engine"


class Reader(StrEnum):
    """A reader of files that can be measured."""

    PYPDF = "pypdf"
    PYMUPDF = "pymupdf"
    MARKITDOWN = "markitdown"
    KREUZBERG = "kreuzberg"
    UNSTRUCTURED = "unstructured"
    DOCLING = "docling"


@dataclass(frozen=True, kw_only=True)
class ReaderPackages:
    """What a reader is installed with; ``suffixes`` empty: it is asked for every file.

    ``needs`` says why it is only measured in an environment that is given: weights of models.
    """

    wanted: tuple[str, ...]
    suffixes: frozenset[str] = frozenset()
    needs: str = ""


READERS: dict[str, ReaderPackages] = {
    Reader.PYPDF: ReaderPackages(wanted=("pypdf",), suffixes=frozenset({".pdf"})),
    Reader.PYMUPDF: ReaderPackages(wanted=("pymupdf",)),
    Reader.MARKITDOWN: ReaderPackages(wanted=("markitdown[pdf,docx]",)),
    Reader.KREUZBERG: ReaderPackages(wanted=("kreuzberg",)),
    Reader.UNSTRUCTURED: ReaderPackages(
        wanted=("unstructured[docx]",),
        suffixes=frozenset({".docx", ".htm", ".html"}),  # for PDF it installs torch and models
    ),
    Reader.DOCLING: ReaderPackages(
        wanted=("docling",),
        needs="it installs torch and downloads the weights of layout models",
    ),
}
