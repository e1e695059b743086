"""Takes out of an answer every link, image, HTML tag and address that no cited source holds.

A text that a model wrote after reading foreign documents may carry a link that somebody planted
there, or one that smuggles the question out in its query string. Whoever shows the answer may
render Markdown and HTML, and may make links of addresses that stand in the text. So a Markdown
parser says what is a link, a URL parser where it leads (``markup``, ``addresses``), and what stays
is what leads where a cited source leads. Everything else keeps its readable text and loses its
target: ``[label](https://...)`` becomes ``label``, ``https://...`` becomes ``[…]``, and the bare
name of a host ``evil[.]com``. A text without any of these is returned as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from lxml.html.defs import tags

from rag_engine.answering.addresses import (
    Address,
    address_key,
    find_addresses,
    fold,
    forms,
    target_keys,
)
from rag_engine.answering.markup import Markup, read_markup

__all__ = ["LinkFilter", "disarmed", "may_hold_link"]

REMOVED = "[…]"
"""Stands where an address was removed."""

_MAX_PASSES = 10
_MAX_NESTING = 50
"""Brackets within brackets; renderers differ in how far they follow."""
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*(>?)")
_AUTOLINK = re.compile(r"<[^\s<>]*[:@][^\s<>]*>")
_LENIENT_DEFINITION = re.compile(
    r"^([ \t>*+\-\d.)]{0,50}\[(?:[^\[\]\\]|\\.){1,999}\]):\s*[^\s<]\S*\s*(?:$|[\"'(])", re.MULTILINE
)
"""What some parsers take for a definition although its parentheses are not in pairs."""
_PLAIN_TAGS = frozenset(
    f"<{slash}{name}>"
    for name in ("b", "br", "code", "em", "i", "kbd", "mark", "s", "strong", "sub", "sup", "u")
    for slash in ("", "/")
)
"""Tags that a cited source may hand on: they do nothing and lead nowhere."""
_ELEMENTS = tags | {"dialog", "math", "picture", "portal", "slot", "svg", "template"}
_SUSPECT = re.compile(r"[<>@/\\\[\]［］【】〔〕]|:(?=.)|www\.|&\w|&#", re.IGNORECASE)

_Edit = tuple[int, int, str]


def may_hold_link(word: str) -> bool:
    """Tell whether a word of an answer may be part of anything that ``LinkFilter`` would change.

    >>> [may_hold_link(word) for word in ("Pumpe.", "evil.com", "[see", "README.md", "ｗｗｗ.x")]
    [False, True, True, False, True]
    """
    return (
        _SUSPECT.search(word) is not None
        or _SUSPECT.search(fold(word).text) is not None
        or bool(find_addresses(word))
    )


class LinkFilter:
    """Cleans answers of every address that does not stand in the cited texts.

    ``removed`` counts what was taken out.

    >>> links = LinkFilter(["Manual: https://example.org/a (p. 3)"])
    >>> links.clean("[See](https://example.org/a) https://example.org/a?user=me <b>now</b>.")
    '[See](https://example.org/a) […] now.'
    >>> links.removed
    3
    """

    def __init__(self, cited_texts: Iterable[str]) -> None:
        self._texts = list(cited_texts)
        self.removed = 0

    @cached_property
    def _keys(self) -> set[str]:
        """Where the cited texts lead; most answers hold nothing that asks for it."""
        keys: set[str] = set()
        for text in self._texts:
            for address in find_addresses(text):
                keys.update(filter(None, map(address_key, forms(address.written))))
            for link in read_markup(text).links:
                keys |= target_keys(link.target)
        return keys

    def clean(self, text: str) -> str:
        """Return ``text`` without foreign addresses; the label of a foreign link stays."""
        for _ in range(_MAX_PASSES if _nesting(text) <= _MAX_NESTING else 0):
            cleaned = self._pass(text)
            if cleaned == text:
                return text
            text = cleaned
        # Something nested so deep is meant to slip through: take the markup its meaning.
        text = disarmed(text)
        while (cleaned := self._without_addresses(text, None)) != text:
            text = cleaned
        return text

    def _pass(self, text: str) -> str:
        if "<" in text or "[" in text:
            markup = read_markup(text)
            cleaned = _edited(text, [*self._tags(text, markup), *self._links(text, markup)])
            if cleaned != text:  # what is where has changed
                return cleaned
            return self._without_addresses(text, markup)
        return self._without_addresses(text, read_markup(text) if "`" in text else None)

    def _tags(self, text: str, markup: Markup) -> Iterable[_Edit]:
        for match in _TAG.finditer(text):
            start, end = match.span()
            if markup.in_code(start, end):
                continue
            if _AUTOLINK.fullmatch(match[0]):
                if not self._keeps(match[0][1:-1]):
                    self.removed += 1
                    yield start, end, REMOVED
            elif not match[1] or not _is_element(match[0]):  # "a <b", "vector<int>"
                yield start, start + 1, "‹"
            elif match[0] not in _PLAIN_TAGS or not any(match[0] in each for each in self._texts):
                self.removed += 1
                yield start, end, ""

    def _links(self, text: str, markup: Markup) -> Iterable[_Edit]:
        for link in markup.links:
            if target_keys(link.target) & self._keys:
                continue
            opening, closing = link.label_start, link.label_end
            if text[opening:closing].strip().isdigit():  # a mark, and what makes a link of it
                opening, closing = link.label_start - 1, link.label_end + 1
            if link.start < opening or closing < link.end:
                self.removed += 1
                yield link.start, opening, ""
                yield closing, link.end, ""
        for colon, target in markup.definitions:
            if not target_keys(target) & self._keys:
                self.removed += 1
                yield colon, colon + 1, ""
        parsed = {colon for colon, _ in markup.definitions}
        for match in _LENIENT_DEFINITION.finditer(text):
            colon = match.end(1)
            if colon not in parsed and not markup.in_code(colon, colon + 1):
                self.removed += 1
                yield colon, colon + 1, ""
        for start, end in markup.lost:
            if text[start:end] != (plain := disarmed(text[start:end])):
                self.removed += 1
                yield start, end, plain

    def _without_addresses(self, text: str, markup: Markup | None) -> str:
        edits = [self._edit(text, address) for address in find_addresses(text)]
        if markup is not None and markup.code:
            schemed = {address.start for address in find_addresses(text, code=True)}
            edits = [
                edit
                for edit in edits
                if edit is None or not markup.in_code(*edit[:2]) or edit[0] in schemed
            ]
        made = [edit for edit in edits if edit is not None]
        self.removed += sum(1 for edit in made if not edit[2].isspace())
        return _edited(text, made)

    def _edit(self, text: str, address: Address) -> _Edit | None:
        """Return what is to be written in the place of an address; None: it may stay."""
        reaches = forms(address.written)
        for form in reaches:
            if not form or address_key(form) not in self._keys:
                continue
            end = address.places[len(form)]
            rest = text[end : address.end]
            goes_on = any(map(str.isalnum, rest)) or text.startswith("[", address.end)
            # What follows without a blank, as Chinese text or a mark does, is no part of the
            # address; the blank keeps a reader's program from sending it there.
            return (end, end, " ") if goes_on and not text[end : end + 1].isspace() else None
        if address.bare:
            written = address.written
            dot = address.places[written.rindex(".")]
            return dot, address.places[written.rindex(".") + 1], "[.]"
        end = address.places[len(reaches[1])]
        return address.start, end, REMOVED

    def _keeps(self, written: str) -> bool:
        return bool(target_keys(written) & self._keys) or address_key(written) in self._keys


def _is_element(tag: str) -> bool:
    """Tell whether a tag is of an element of HTML, or a comment or an instruction.

    >>> [_is_element(tag) for tag in ("<IMG src=x>", "</script>", "<!-- x -->", "<int>")]
    [True, True, True, False]
    """
    name = re.match(r"</?([a-z][a-z0-9]*)", tag, re.IGNORECASE)
    return name is None or name[1].lower() in _ELEMENTS


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    """Return a text with some stretches replaced; one that begins within another waits."""
    parts = []
    at = 0
    for start, end, written in sorted(edits):
        if start < at:
            continue
        parts += [text[at:start], written]
        at = end
    return "".join([*parts, text[at:]])


def _nesting(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth = max(0, depth + (character == "[") - (character == "]"))
        deepest = max(deepest, depth)
    return deepest


def disarmed(text: str) -> str:
    """Return a text in which nothing is a link, an image, a definition or a tag."""
    text = text.replace("<", "‹").replace("](", "] (").replace("][", "] [")
    return re.sub(r"\]:", "] :", text).replace("![", "! [")
