"""How well sentence ends are found: ``python -m tests.text.sentence_ends`` prints a table.

Precision is the share of the ends found inside of paragraphs that are true, recall the share of
the true ones that are found. ICU alone, and with CLDR's suppressions for a language
(``ss=standard``), stand beside ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from icu4py.breakers import SentenceBreaker

from rag_engine.text.sentences import sentences

_MARK = " ¦ "


@dataclass(frozen=True)
class Paragraph:
    language: str
    text: str
    ends: frozenset[int]
    """Where a sentence begins inside of it."""


def paragraphs() -> Iterator[Paragraph]:
    path = Path(__file__).parent / "sentence_ends.txt"
    language = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            language = line[3:]
        elif not line.startswith("#"):
            parts = line.split(_MARK)
            ends = [sum(len(part) + 1 for part in parts[:n]) for n in range(1, len(parts))]
            yield Paragraph(language, " ".join(parts), frozenset(ends))


def ours(text: str, language: str) -> list[int]:
    return [start for start, _ in sentences(text, language)[1:]]


def without_language(text: str, language: str) -> list[int]:
    return [start for start, _ in sentences(text)[1:]]


def icu(text: str, locale: str) -> list[int]:
    pieces = list(SentenceBreaker(text, locale))
    return [sum(map(len, pieces[:n])) for n in range(1, len(pieces))]


def cldr(text: str, language: str) -> list[int]:
    return icu(text, f"{language}@ss=standard")


def measured(find: Callable[[str, str], list[int]]) -> dict[str, tuple[float, float]]:
    """Return precision and recall of each language, and of ``all``."""
    counts: dict[str, list[int]] = {}
    for paragraph in paragraphs():
        found = set(find(paragraph.text, paragraph.language))
        for name in (paragraph.language, "all"):
            right, told, true = counts.setdefault(name, [0, 0, 0])
            counts[name] = [
                right + len(found & paragraph.ends),
                told + len(found),
                true + len(paragraph.ends),
            ]
    return {
        name: (right / max(1, told), right / max(1, true))
        for name, (right, told, true) in counts.items()
    }


def main() -> None:
    columns = {
        "ICU": measured(icu),
        "CLDR": measured(cldr),
        "no language": measured(without_language),
        "ours": measured(ours),
    }
    sys.stdout.write(f"{'':8}" + "".join(f"{name:>14}" for name in columns) + "\n")
    for language in columns["ICU"]:
        cells = "".join(
            f"{precision:8.2f}{recall:6.2f}"
            for precision, recall in (column[language] for column in columns.values())
        )
        sys.stdout.write(f"{language:8}{cells}\n")


if __name__ == "__main__":
    main()
