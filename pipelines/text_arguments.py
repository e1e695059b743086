"""Texts that a command is given: one in an argument, or a file of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.output import safe
from rag_engine.pipelines.progress import Bar
from rag_engine.ports import Embedder, LanguageDetector
from rag_engine.tasks.similarity import Side, embedded_side

__all__ = ["check_no_path", "embedded_texts", "is_file", "shortened"]

_BLOCK = 1_024
_BEGINNINGS = ("/", "./", "../", "~/")
_ENDINGS = (".txt", ".text", ".md", ".tsv", ".csv", ".jsonl")
"""Of files that hold texts."""
_SHOWN = 60
"""Characters of a text."""


def is_file(text: str) -> bool:
    """Tell whether an argument is the name of a file."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name: it is a text
        return False


def _is_folder(text: str) -> bool:
    try:
        return bool(text) and Path(text).is_dir()
    except (OSError, ValueError):
        return False


def check_no_path(text: str) -> None:
    """Refuse what is meant as a file, most likely: its name would be taken for a text.

    Raises:
        InvalidInput: it is that, or a folder.
    """
    if _is_folder(text):
        raise InvalidInput(
            f"{text!r:.200} is a folder, and a file with a text a line is read; name one. If it is "
            "a text itself, put a blank behind it, or write it into a file"
        )
    has_blank = any(sign.isspace() for sign in text)
    if not has_blank and (text.lower().endswith(_ENDINGS) or text.startswith(_BEGINNINGS)):
        raise InvalidInput(
            f"{text!r:.200} looks like the path of a file, and there is no such file; see that it "
            "is where you say. If it is a text itself, put a blank behind it, or write it into a "
            "file"
        )


def embedded_texts(
    texts: list[str],
    embedder: Embedder,
    detector: LanguageDetector | None,
    language: str | None,
    bar: Bar,
    name: str,
) -> Side:
    """Embed texts and tell their languages, block by block; ``name`` is what the bar calls them."""
    parts = []
    for start in range(0, len(texts), _BLOCK):
        bar.stage(name, start, len(texts))
        parts.append(embedded_side(texts[start : start + _BLOCK], embedder, detector, language))
    return Side(
        np.concatenate([part.vectors for part in parts]),
        [name for part in parts for name in part.languages],
    )


def shortened(text: str) -> str:
    """Return the beginning of a text, on one line, for people."""
    shown = safe(text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
