"""Removes links, images, HTML tags and e-mail addresses that no cited source holds.

A text that a model wrote after reading foreign documents may carry a link that somebody planted
there, or one that smuggles the question out in its query string. What stays is what stands
letter for letter in a cited source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["LinkFilter"]

REMOVED = "[…]"
"""Stands where an address was removed."""

_MAX_PASSES = 10
_TARGET = r"[^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?"
_LABELLED = re.compile(rf"!?\[([^\[\]]{{0,2000}})\]\(({_TARGET})\)")
_ADDRESS = re.compile(
    r"""
      [a-z][a-z0-9+.-]{1,30}://[^\s<>"`\[\]]+                            # https://...
    | //[\w-]{1,63}(?:\.[\w-]{1,63})+[^\s<>"`\[\]]*                     # //host.example/path
    | (?<![a-z0-9])(?:javascript|data|vbscript|mailto|tel|file|blob):[^\s<>"`\[\]]+
    | (?<![a-z0-9])www\.[^\s<>"`\[\]]+
    | (?<![a-z0-9._+-])[a-z0-9._+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+   # an e-mail address
    | (?<![a-z0-9.-])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}/[^\s<>"`\[\]]*  # host.example/path
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*(>?)")
_ASCII_START = re.compile(r"[\x21-\x7e]+")
_CJK_STOP = re.compile(r"[。，、；：！？（）「」『』【】《》〈〉]")
_TRAILING = ".,;:!?'\"*_»›”’“‘…؟،؛।॥"


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
        self._addresses = {
            form
            for text in self._texts
            for match in _ADDRESS.finditer(text)
            for form in _forms(match[0])
        }
        self.removed = 0

    def clean(self, text: str) -> str:
        """Return ``text`` without foreign addresses; the label of a foreign link stays."""
        for _ in range(_MAX_PASSES):
            cleaned = _TAG.sub(self._tag, text)
            cleaned = _LABELLED.sub(self._labelled, cleaned)
            cleaned = _ADDRESS.sub(self._address, cleaned)
            if cleaned == text:
                return text
            text = cleaned
        # Something nested so deep is meant to slip through: take the markup its meaning.
        return text.replace("<", "‹").replace("](", "] (")

    def _tag(self, match: re.Match[str]) -> str:
        tag = match[0]
        if not match[1]:  # never closed: "a <b" as good as surely
            return f"‹{tag[1:]}"
        if _ADDRESS.fullmatch(tag.strip("<>")):
            return tag.strip("<>")
        if any(tag in text for text in self._texts):
            return tag
        self.removed += 1
        return ""

    def _labelled(self, match: re.Match[str]) -> str:
        label, target = match[1], match[2].strip().split(maxsplit=1)
        address = target[0].strip("<>") if target else ""
        if address in self._addresses or _trimmed(address) in self._addresses:
            return match[0]
        self.removed += 1
        return f"[{label}]" if label.strip().isdigit() else label

    def _address(self, match: re.Match[str]) -> str:
        written = match[0]
        for address in _forms(written):
            if address in self._addresses:
                rest = written[len(address) :]
                goes_on = any(map(str.isalnum, rest)) or match.string.startswith("[", match.end())
                # What follows without a blank, as Chinese text or a mark does, is no part of the
                # address; the blank keeps a reader's program from sending it there.
                return f"{address} {rest}" if goes_on else written
        self.removed += 1
        return REMOVED + written[len(_forms(written)[1]) :]


def _forms(written: str) -> list[str]:
    """Return how far an address may reach: to a blank, a Chinese stop, the end of ASCII.

    >>> _forms("https://a.example/水泵，谢谢。")
    ['https://a.example/水泵，谢谢', 'https://a.example/水泵', 'https://a.example/']
    """
    ascii_start = _ASCII_START.match(written)
    whole, to_stop = _trimmed(written), _trimmed(_CJK_STOP.split(written, maxsplit=1)[0])
    return [whole, to_stop, _trimmed(ascii_start[0])] if ascii_start else [whole, to_stop]


def _trimmed(address: str) -> str:
    """Leave out the punctuation that ends the sentence, not the address."""
    while address:
        last = address[-1]
        unpaired = last in ")]" and address.count(last) > address.count("(["[")]".index(last)])
        if last not in _TRAILING and not unpaired and not _CJK_STOP.match(last):
            break
        address = address[:-1]
    return address
