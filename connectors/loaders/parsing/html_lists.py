"""The numbers that a browser draws before the items of a list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from rag_engine.connectors.loaders.parsing.counters import counted
from rag_engine.connectors.loaders.parsing.html_hidden import is_hidden

__all__ = ["Lists", "items_of_lists"]

_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([\w-]+)", re.IGNORECASE)
_UNNUMBERED = frozenset(
    {"circle", "disc", "disclosure-closed", "disclosure-open", "none", "square"}
)
_WITH_COMMA = re.compile(r"cjk-|hiragana|katakana|japanese-|(?:simp|trad)-chinese-")
_FURTHEST = 10**9


@dataclass(slots=True)
class _List:
    number: int
    step: int
    style: str
    ordered: bool


class Lists:
    """Counts the items of nested lists; ``lengths`` are those of the reversed ones, in order.

    >>> lists = Lists()
    >>> lists.start("ol", {"start": "3", "type": "a"})
    >>> lists.item({}), lists.item({"value": "7"}), lists.item({})
    ('c. ', 'g. ', 'h. ')
    """

    def __init__(self, lengths: Sequence[int] = ()) -> None:
        self._lengths = iter(lengths)
        self._open: list[_List] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the opening tag of a list."""
        turned = "reversed" in attributes and tag == "ol"
        first = next(self._lengths, 1) if turned else 1
        number = _whole(attributes.get("start"))
        self._open.append(
            _List(
                number=first if number is None else number,
                step=-1 if turned else 1,
                style=_style(attributes, "decimal" if tag == "ol" else "disc"),
                ordered=tag == "ol",
            )
        )

    def pass_over(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the opening tag of what is not shown, where reversed lists are counted, too."""
        if tag == "ol" and "reversed" in attributes:
            next(self._lengths, None)

    def item(self, attributes: Mapping[str, str]) -> str:
        """Take the opening tag of an item and return what is drawn before it."""
        if not self._open or not self._open[-1].ordered:
            return ""
        items = self._open[-1]
        value = _whole(attributes.get("value"))
        number = items.number if value is None else value
        items.number = number + items.step
        style = _style(attributes, items.style)
        if style in _UNNUMBERED:
            return ""
        return f"{counted(number, style)}{'、' if _WITH_COMMA.match(style) else '. '}"

    def end(self) -> None:
        """Take the closing tag of a list."""
        if self._open:
            self._open.pop()


def _style(attributes: Mapping[str, str], usual: str) -> str:
    of_css = _STYLE.search(attributes.get("style", ""))
    if of_css and of_css.group(1).lower() not in {"inside", "outside", "inherit", "url"}:
        return of_css.group(1).lower()
    kind = attributes.get("type", "").strip()
    return kind if kind in {"1", "A", "a", "I", "i"} else usual


def _whole(value: str | None) -> int | None:
    match = re.match(r"\s*([+-]?[0-9]{1,10})", value or "")
    return max(-_FURTHEST, min(int(match.group(1)), _FURTHEST)) if match else None


def items_of_lists(page: bytes) -> list[int]:
    """Return how many items each reversed list of a page has, in the order in which they begin.

    Only a page that has one is looked through for this: its first number is known at its end.
    """
    if re.search(rb"<ol\b[^<>]*\breversed\b", page, re.IGNORECASE) is None:
        return []
    counter = _Counter()
    parser = etree.HTMLParser(target=counter, encoding="utf-8", huge_tree=True)
    try:
        etree.fromstring(page, parser)
    except etree.XMLSyntaxError:
        return []  # whoever reads the page for its text meets the same and says so
    return counter.lengths


class _Counter:
    """A parser's target that counts items."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self._open: list[int | None] = []
        self._hidden = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._hidden += self._hidden > 0 or is_hidden(tag, attributes)
        if tag in {"dir", "menu", "ol", "ul"}:
            turned = tag == "ol" and "reversed" in attributes
            self._open.append(len(self.lengths) if turned else None)
            if turned:
                self.lengths.append(0)
        elif tag == "li" and self._open and (place := self._open[-1]) is not None:
            self.lengths[place] += not self._hidden  # a browser counts what it draws

    def end(self, tag: str) -> None:
        self._hidden -= self._hidden > 0
        if tag in {"dir", "menu", "ol", "ul"} and self._open:
            self._open.pop()

    def close(self) -> None:
        """Nothing is left to do."""
