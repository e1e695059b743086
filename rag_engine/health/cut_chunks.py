"""Passages that were cut badly: fragments, half sentences, bare headings, tables without a head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rag_engine.health.findings import Finding, first_of
from rag_engine.health.sample import Sample
from rag_engine.records import Chunk, Document

__all__ = ["BadCuts", "breaks_off", "cut_findings", "is_bare_heading", "is_cut_table"]

_SHORT = 1 / 16
"""Of the budget of tokens."""
_FEW = 0.05
"""The share of passages that may be so without anything to be done."""
_ENDS = frozenset(".!?…。！？｡؟۔।॥։።፧፨᠃᠉‥:;：；⋯|•*")
"""What a sentence, a heading or an item of a list may end with."""
_CLOSING = "\"'”’»«›)]}）」』】〉》`*_ \t"
_UNSTOPPED = frozenset({"th", "lo", "my", "km", "bo", "dz", "ja-Hira", "jv-Java", "und"})
"""Languages that end sentences with a blank, or with nothing."""
_SEEN = 80


def breaks_off(document: Document, chunk: Chunk) -> bool:
    r"""Tell whether a passage breaks off within a sentence that its document goes on with.

    >>> document = Document(id="d", text="The pump is\nnot to run dry. Never.")
    >>> cut = Chunk(document_id="d", ordinal=0, start=0, end=11, text="The pump is", language="en")
    >>> breaks_off(document, cut)
    True
    """
    if chunk.language.partition("-")[0] in _UNSTOPPED:
        return False
    end = chunk.text.rstrip(_CLOSING + "\n")[-1:]
    following = document.text[chunk.end : chunk.end + _SEEN]
    rest = following.lstrip()
    if not end or end in _ENDS or not rest:
        return False
    on_one_line = "\n" not in following[: len(following) - len(rest)]
    return (on_one_line and rest[0].isalnum()) or rest[0].islower()


def is_bare_heading(document: Document, chunk: Chunk) -> bool:
    """Tell whether a passage holds nothing but its own heading, or its document's title."""
    text = chunk.text.strip("#=*- \n\r\t")
    return bool(text) and text in {*chunk.section[-1:], document.title}


def is_cut_table(document: Document, chunk: Chunk) -> bool:
    r"""Tell whether a passage begins with a row of a table that began before it.

    >>> table = "| code | means |\n|---|---|\n| E1 | dry run |\n| E2 | too hot |"
    >>> row = Chunk(document_id="d", ordinal=1, start=44, end=60, text="| E2 | too hot |")
    >>> is_cut_table(Document(id="d", text=table), row)
    True
    """
    return _is_row(chunk.text.partition("\n")[0]) and _is_row(_line_before(document, chunk.start))


def _line_before(document: Document, start: int) -> str:
    """Return the last line before a place that begins one, blank ones aside; empty: it does not.

    Nothing else is copied of a text, which may be long and have many passages.
    """
    text, end = document.text, start
    while end and text[end - 1] == " ":
        end -= 1
    if not end or text[end - 1] != "\n":
        return ""
    while end and text[end - 1] == "\n":
        end -= 1
    return text[text.rfind("\n", 0, end) + 1 : end]


def _is_row(line: str) -> bool:
    return line.count("|") >= 2 or line.count("\t") >= 1


@dataclass(slots=True)
class BadCuts:
    """What is wrong with the cuts of a sample's passages: their places, by kind."""

    sample: Sample
    max_tokens: int
    count_tokens: Callable[[Sequence[str]], Sequence[int]]
    fragments: list[int] = field(default_factory=list)
    half_sentences: list[int] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    tables: list[int] = field(default_factory=list)

    def look(self, document: Document, places: Sequence[int]) -> None:
        """Look at the ``places`` in the sample of a document's passages."""
        chunks = [self.sample.chunks[place].chunk for place in places]
        tokens = self.count_tokens([chunk.text for chunk in chunks])
        length = len(document.text.strip())
        for place, chunk, count in zip(places, chunks, tokens, strict=True):
            whole = len(chunk.text) >= length
            if is_bare_heading(document, chunk):
                self.headings.append(place)
            elif count < _SHORT * self.max_tokens and not whole:
                self.fragments.append(place)
            if is_cut_table(document, chunk):
                self.tables.append(place)
            elif breaks_off(document, chunk):
                self.half_sentences.append(place)


def cut_findings(cuts: BadCuts) -> Iterator[Finding]:
    """Say how many passages are cut so, and what cuts them otherwise."""
    budget = cuts.max_tokens
    for check, places, says, advice in (
        (
            "fragments",
            cuts.fragments,
            f"passages with fewer than {_SHORT * budget:.0f} tokens of a budget of {budget}",
            "sections of a line or two: join them in the source, or leave such files out",
        ),
        (
            "half sentences",
            cuts.half_sentences,
            "passages that end within a sentence",
            "a page or column ends there, or a sentence is longer than the budget: index the "
            "source (DOCX, HTML) instead of its PDF, or raise chunking.max_tokens",
        ),
        (
            "bare headings",
            cuts.headings,
            "passages with a heading alone",
            "text below them was lost, or is an image: look at the file, and read it by OCR",
        ),
        (
            "cut tables",
            cuts.tables,
            "passages that begin within a table, without its head",
            "index the table as CSV or XLSX (a row becomes a document with its column names), or "
            "raise chunking.max_tokens",
        ),
    ):
        fine = len(places) <= _FEW * len(cuts.sample)
        yield Finding(
            check=check,
            fine=fine,
            says=f"{says}: {len(places):,}",
            advice="nothing to do" if fine else advice,
            count=len(places),
            of=len(cuts.sample),
            examples=first_of(cuts.sample, places),
        )
