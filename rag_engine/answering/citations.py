"""Checks what an answer cites and links against what was retrieved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag_engine.answering.context import Source
from rag_engine.answering.links import LinkFilter, disarmed
from rag_engine.records import Citation
from rag_engine.text.steering import without_steering

__all__ = [
    "NO_ANSWER",
    "CheckedAnswer",
    "begins_declined",
    "check_answer",
    "citation",
    "without_marks",
]

NO_ANSWER = "[0]"
"""With this mark a generator begins an answer that the sources do not hold."""

_OPEN, _CLOSE = r"[\[［【〔]", r"[\]］】〕]"
_BLANK = r"\s{0,3}"
_NUMBER = rf"\^?\d{{1,4}}{_BLANK}"
_LINE_END_BLANKS = re.compile(r"(?<=\S)[ \t]{1,8}$", re.MULTILINE)
_MAX_ROUNDS = 10
_MARK = re.compile(
    rf"{_OPEN}{_BLANK}({_NUMBER}(?:[,，、،;；\-–—]{_BLANK}{_NUMBER}){{0,50}})"
    rf"(?:†[^\]］】〕\n]{{0,80}})?{_CLOSE}"  # 【4†name.pdf】, as some services write it
)
_MARKS = re.compile(rf"([ \t]{{0,4}})((?:{_MARK.pattern})+)")
_LIST = re.compile(r"[,，、،;；]")
_DECLINED = re.compile(rf"^\s*{_OPEN}\s*[0０٠۰०]\s*{_CLOSE}[\s:.,–—-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAnswer:
    """An answer after its check.

    ``numbers`` are the sources that it cites, ascending. ``declined`` says that the generator
    found no answer in the sources. ``warnings`` tell a reader what was removed.
    """

    text: str
    numbers: tuple[int, ...]
    declined: bool
    warnings: tuple[str, ...]


def check_answer(text: str, sources: Sequence[Source]) -> CheckedAnswer:
    """Keep of a whole answer only the citations and links that the sources bear out.

    Citations may be written ``[1]``, ``[1, 2]``, ``[1-3]``, ``【1】`` or ``［１］``, in the
    digits of any script; they come back as ``[1]`` and ``[1][2]``. Numbers of no source are
    removed, and so is what steers a terminal or the direction of writing.
    Links, images, HTML tags and e-mail addresses are removed unless they stand, letter
    for letter, in a source that the answer cites.

    >>> checked = check_answer("Yes 【1，7】 ![](https://evil.example/?q=1)", [])
    >>> checked.text, checked.numbers, len(checked.warnings)
    ('Yes', (), 3)
    """
    text = without_steering(text)
    declined = _DECLINED.match(text)
    if declined:
        text = text[declined.end() :]
    marks = _Marks(len(sources))
    text = marks.rewrite(text)
    links = LinkFilter(
        part
        for source in sources
        if source.number in marks.cited
        for part in (source.text, source.hit.source, source.heading)
    )
    # Again: taking out a tag may have put a mark together, and taking out a mark a link.
    for _ in range(_MAX_ROUNDS):
        before, text = text, _LINE_END_BLANKS.sub("", marks.rewrite(links.clean(text))).strip()
        if text == before:
            break
    else:
        text = links.clean(disarmed(text))
    warnings = []
    if marks.foreign:
        listed = ", ".join(f"[{number}]" for number in sorted(marks.foreign))
        warnings.append(
            f"the answer cited {listed}, but only sources 1 to {len(sources)} were given; "
            "the marks were removed"
        )
    if links.removed:
        warnings.append(
            f"{links.removed} links, images, addresses or HTML tags that stand in no cited source "
            "were removed from the answer"
        )
    if text and not marks.cited and not declined:
        warnings.append("the answer cites no source")
    return CheckedAnswer(
        text=text,
        numbers=tuple(sorted(marks.cited)),
        declined=declined is not None,
        warnings=tuple(warnings),
    )


def begins_declined(text: str) -> bool:
    """Tell whether an answer, or the beginning of one, says that the sources do not hold it.

    >>> begins_declined("[0] Das steht nicht da."), begins_declined("Ja [1].")
    (True, False)
    """
    return _DECLINED.match(text) is not None


def citation(source: Source) -> Citation:
    """Return the citation that points at ``source``."""
    chunk = source.hit.chunk
    return Citation(
        number=source.number,
        chunk_id=source.hit.chunk_id,
        document_id=chunk.document_id,
        source=source.hit.source,
        title=source.hit.title,
        language=chunk.language,
        page=chunk.page,
        text=source.text,
        knowledge_base=source.hit.knowledge_base,
    )


def without_marks(text: str) -> str:
    """Turn what looks like a citation in a source's own text into something that does not.

    An encyclopaedia's ``[3]`` must not become a citation of source 3 when it is quoted.

    >>> without_marks("Founded in 1904[3] by【12】 the city.")
    'Founded in 1904(3) by(12) the city.'
    """
    return _MARK.sub(lambda match: f"({match[1]})", text)


class _Marks:
    """Rewrites the marks of an answer to ``count`` sources, and remembers what it saw."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.cited: set[int] = set()
        self.foreign: set[int] = set()

    def rewrite(self, text: str) -> str:
        return _MARKS.sub(self._marks, text)

    def _marks(self, match: re.Match[str]) -> str:
        numbers = [n for mark in _MARK.finditer(match[2]) for n in self._numbers(mark[1])]
        known = [number for number in numbers if 1 <= number <= self._count]
        self.cited.update(known)
        self.foreign.update(set(numbers) - set(known))
        # Marks that go take the blank before them along.
        return match[1] + "".join(f"[{number}]" for number in known) if known else ""

    def _numbers(self, inside: str) -> list[int]:
        """Read ``1, 3-5`` as 1, 3, 4, 5, without repeats; ``int`` reads every script's digits."""
        numbers: dict[int, None] = {}
        for part in _LIST.split(inside):
            first, *last = (int(number) for number in re.findall(r"\d+", part))
            stop = min(last[0], self._count) if last else first
            numbers.update(dict.fromkeys([first, *range(first + 1, stop + 1), *last]))
        return list(numbers)
