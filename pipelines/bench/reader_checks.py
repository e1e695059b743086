"""Whether a reader's text holds what it must, in whatever way it writes tables down.

Readers write a table's row as plain words, as ``a | b``, as Markdown or as ``name: value``. None of
that is judged: what counts is that a row's values stand together, in order, and under their names
where a reader tells names. Nor are the shapes of letters: Arabic presentation forms are letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rag_engine.connectors.loaders.parsing.markdown import write_markdown
from rag_engine.connectors.loaders.parsing.outline import Outline

__all__ = ["TextCheck", "variants"]


@dataclass(frozen=True, kw_only=True)
class TextCheck:
    r"""What a file's text must hold, and must not.

    >>> check = TextCheck(text_has=("Day: Mon | Hour: 9",), text_has_not=("Day: 9",))
    >>> check.failures("| Day | Hour |\n|---|---|\n| Mon | 9 |")
    []
    >>> check.failures("Mon 9"), check.failures("Mon\n9")
    ([], ["lacks 'Day: Mon | Hour: 9'"])
    """

    text_has: tuple[str, ...]
    text_has_not: tuple[str, ...] = ()

    def failures(self, text: str) -> list[str]:
        r"""Return what is wrong with a text, nothing if it is right.

        A text may be broken into other lines than the one that it must hold; what it must hold as
        the end of a line (``\n``), or as a row (``name: value | ...``), stands on one line. Of a
        table whose rows are asked for so, values without any names are right too. What it must not
        hold counts on one line.
        """
        written = variants(text)
        lines = [line for variant in written for line in variant]
        wholes = [" ".join(variant) for variant in written]
        rows = any(" | " in wanted for wanted in self.text_has)
        lacks = [w for w in self.text_has if not _holds(w, lines, wholes, rows=rows)]
        has = [bad for bad in self.text_has_not if any(_flat(bad) in line for line in lines)]
        return [f"lacks {wanted!r}" for wanted in lacks] + [f"holds {bad!r}" for bad in has]


def variants(text: str) -> list[list[str]]:
    r"""Return a text's lines as they are, without marks of tables, as values, and by names.

    >>> variants("| A | B |\n|---|---|\n| 1 | 2 |")[1:]
    [['A B', '---|---', '1 2'], ['| A | B |', '|---|---|', '| 1 | 2 |'], ['A: 1 | B: 2']]
    >>> variants("A: 1 | B: 2")[1:]
    [['A: 1 B: 2'], ['1 2'], []]
    """
    lines = _lines(text)
    without = (line.strip(" |").replace(" | ", " ") for line in lines)
    return [lines, list(filter(None, without)), list(map(_values, lines)), _named(lines)]


def _named(lines: Sequence[str]) -> list[str]:
    """Return the rows of the tables that are written in Markdown, by the names of columns."""
    outline = Outline()
    for is_table, block in groupby(lines, key=lambda line: line.startswith("|")):
        if is_table:
            write_markdown("\n".join(block), outline)
    return _lines(outline.text)


def _lines(text: str) -> list[str]:
    return [flat for line in text.split("\n") if (flat := _flat(line))]


def _values(line: str) -> str:
    """Return the values of a row without the names of their columns."""
    if " | " not in line or line.startswith("|"):
        return line
    return " ".join(part.partition(": ")[2] or part for part in line.split(" | "))


def _holds(wanted: str, lines: Sequence[str], wholes: Sequence[str], *, rows: bool) -> bool:
    flat = _flat(wanted)
    if wanted.endswith("\n"):
        return any(line.endswith(flat) for line in lines)
    if any(flat in line for line in lines):
        return True
    if rows:
        row = _flat(_values(f"{wanted} | "))
        return any(row in line for line in lines)
    return any(flat in whole for whole in wholes)


def _flat(text: str) -> str:
    """Return a text in one way of writing it: NFKC, so that a letter's shape is no fault."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u00ad", "").split())
