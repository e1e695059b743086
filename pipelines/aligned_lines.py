"""Sentences that say the same in many languages, as JSON Lines; one bad line stops nothing."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.told_problems import ToldProblems

__all__ = ["read_aligned"]

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
    try:
        for number, raw in enumerate(_lines(path), start=1):
            if not raw.strip():
                continue
            try:
                language, sentence, text = _row(raw)
                if sentence in texts[language]:
                    raise ValueError(f"sentence {sentence} of {language} came before")
            except ValueError as error:
                problems.add(f"line {number:,}: {error}; it was passed over")
                continue
            texts[language][sentence] = text
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"{path} can not be read: {reason}") from error
    if not any(texts.values()):
        told = next(iter(problems), None)
        raise InvalidInput(
            f"{path} holds no line of {_FORM}" + (f"; {told.reason}" if told else "")
        )
    return {language: its for language, its in texts.items() if its}, problems


def _lines(path: Path) -> Iterator[bytes]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        yield from file


def _row(raw: bytes) -> tuple[str, int, str]:
    """Return the language, the sentence and the text of a line.

    >>> _row(b'{"language": "de", "sentence": 1, "text": " Guten Tag. "}')
    ('de', 1, 'Guten Tag.')
    """
    row = json.loads(raw.decode("utf-8-sig"))
    if not isinstance(row, dict):
        raise ValueError(f"it is no {_FORM}")  # noqa: TRY004
    language, sentence, text = (row.get(name) for name in ("language", "sentence", "text"))
    if not isinstance(language, str) or not language.strip():
        raise ValueError(f"its language is a text, got {language!r:.80}")
    if not isinstance(sentence, int) or isinstance(sentence, bool):
        raise ValueError(f"its sentence is a number, got {sentence!r:.80}")  # noqa: TRY004
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"its text is one that is not empty, got {text!r:.80}")
    return language.strip(), sentence, text.strip()
