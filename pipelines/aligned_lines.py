"""Sentences that say the same in many languages, as JSON Lines; one bad line stops nothing."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag_engine.errors import InvalidInput
from rag_engine.told_problems import ToldProblems

__all__ = ["raw_lines", "read_aligned", "row_of", "sentence_of", "text_of"]

_FORM = '{"language": "de", "sentence": 1, "text": "..."}'


def read_aligned(path: Path) -> tuple[dict[str, dict[int, str]], ToldProblems]:
    """Read lines of ``language``, ``sentence`` (a number) and ``text`` (``.gz`` too).

    Returns the texts by language, as the file names it, and by sentence; and the lines that are
    none, which are passed over.

    Raises:
        InvalidInput: the file can not be read, or holds no such line.
    """
    texts: dict[str, dict[int, str]] = defaultdict(dict)
    problems = ToldProblems(str(path))
    for number, raw in raw_lines(path):
        try:
            row = row_of(raw, _FORM)
            language, text = text_of(row, "language"), text_of(row, "text")
            sentence = sentence_of(row)
            if sentence in texts[language]:
                raise ValueError(f"sentence {sentence} of {language} came before")
        except ValueError as error:
            problems.add(f"line {number:,}: {error}; it was passed over")
            continue
        texts[language][sentence] = text
    if not any(texts.values()):
        told = next(iter(problems), None)
        raise InvalidInput(
            f"{path} holds no line of {_FORM}" + (f"; {told.reason}" if told else "")
        )
    return {language: its for language, its in texts.items() if its}, problems


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Return the lines of a file (``.gz`` too) that are not empty, with their numbers from 1.

    Raises:
        InvalidInput: it can not be read.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            yield from ((number, raw) for number, raw in enumerate(file, start=1) if raw.strip())
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"{path} can not be read: {reason}") from error


def row_of(raw: bytes, form: str) -> dict[str, Any]:
    """Return the JSON object of a line; a ValueError, which names the ``form``, if it is none."""
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it has too many brackets in each other") from None
    if not isinstance(row, dict):
        raise ValueError(f"it is no {form}")  # noqa: TRY004
    return row


def text_of(row: dict[str, Any], name: str) -> str:
    """Return a text of a row; a ValueError if it is none, or empty.

    >>> text_of({"text": " Guten Tag. "}, "text")
    'Guten Tag.'
    """
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"its {name} is a text that is not empty, got {value!r:.80}")
    return value.strip()


def sentence_of(row: dict[str, Any]) -> int:
    """Return the number of a row's sentence; a ValueError if it is none."""
    sentence = row.get("sentence")
    if not isinstance(sentence, int) or isinstance(sentence, bool):
        raise ValueError(f"its sentence is a number, got {sentence!r:.80}")  # noqa: TRY004
    return sentence
