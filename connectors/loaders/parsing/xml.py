"""XML of any kind: its text in its order, values with their elements' names; feeds by entries.

An element that holds words between other elements is a paragraph, as in DocBook or TEI. One that
holds only text is a value: it stands on a line of its own, with its name before it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from rag_engine.connectors.loaders.parsing import html
from rag_engine.connectors.loaders.parsing.cleaning import join_all, one_line, tidy
from rag_engine.connectors.loaders.parsing.feed import is_feed, read_feed
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.xml_tree import LANGUAGE, Tree, local_name, read_tree

__all__ = ["parse"]

_PROSE = frozenset(
    {
        *("ab", "bibl", "blockquote", "cell", "cit", "dd", "div", "dt", "entry", "item", "l"),
        *("lg", "li", "line", "listitem", "literallayout", "note", "p", "para", "programlisting"),
        *("q", "quote", "s", "screen", "seg", "simpara", "sp", "string", "t", "td", "term", "th"),
        *("text", "value", "verse"),
    }
)
"""Names of elements that say no more of their text than that it is text."""
_TITLES = frozenset({"head", "header", "heading", "title"})
_TELLING = ("title", "name", "label", "caption", "alt", "description", "summary")
"""Attributes that hold words for a reader."""
_DEEPEST_HEADING = 6


def parse(data: bytes, name: str) -> Parsed:
    """Read a feed, a page of XHTML, or XML of any other kind.

    Raises:
        Refused: there is no element in it.
        RefusedByLimit: its entities grow, or its elements nest, beyond all measure.
    """
    tree = read_tree(data)
    if is_feed(tree.root):
        return read_feed(tree)
    if local_name(tree.root) == "html":
        return html.parse(data, f"{name}.xhtml")
    return _plain(tree)


def _plain(tree: Tree) -> Parsed:
    languages = (element.get(LANGUAGE) for element in itertools.islice(tree.root.iter(), 50))
    language = next(filter(None, languages), None)
    walk = _Walk(language)
    walk.element(tree.root, depth=1)
    if not walk.outline.text:  # a file of data, which stand in attributes
        walk = _Walk(language, data=True)
        walk.element(tree.root, depth=1)
    if not walk.outline.text and tree.problems:
        raise Refused(tree.problems[0])
    return Parsed(
        text=walk.outline.text,
        title=walk.title,
        language=language,
        stretches=walk.outline.stretches(),
        metadata={**tree.decoded.facts, "root": one_line(local_name(tree.root))},
        problems=(*tree.problems, *tree.decoded.problems),
    )


class _Walk:
    """Goes over the elements once; libxml2 lets none of them lie deeper than 256."""

    def __init__(self, language: str | None, *, data: bool = False) -> None:
        self._data = data
        self.outline = Outline(language)
        self.title = ""
        self._values = False

    def element(
        self, element: Any, depth: int, language: str | None = None, *, record: bool = False
    ) -> None:
        """Add an element. A ``record`` is one of several, whose title is not the document's.

        ``language`` is what the elements around it say.
        """
        language = element.get(LANGUAGE, language)
        self.outline.speak(language)
        children = [child for child in element if local_name(child)]
        if not children or _holds_words(element):
            self._text(element, leaf=not children)
            return
        self._values = False
        told = [value for key in _TELLING if (value := element.get(key, "").strip())]
        if told:
            self._add(f"{local_name(element)}: {', '.join(map(tidy, told))}")
        names = Counter(map(local_name, children))
        for position, child in enumerate(children):
            if position == 0 and _is_title(child, children):
                heading = _inline(child)
                self.title = self.title or ("" if record else one_line(heading))
                self.outline.speak(child.get(LANGUAGE, language))
                self.outline.heading(min(depth, _DEEPEST_HEADING), heading)
                self._values = False
            else:
                several = record or names[local_name(child)] > 1
                self.element(child, depth + 1, language, record=several)
        self._values = False

    def _text(self, element: Any, *, leaf: bool) -> None:
        text = _inline(element)
        told = [value for key in _TELLING if (value := element.get(key, "").strip())]
        if self._data:
            pairs = ((key, tidy(value)) for key, value in element.items() if "}" not in key)
            told = [f"{key}: {value}" for key, value in pairs if value]
        text = ": ".join(filter(None, [", ".join(map(tidy, told)), text]))
        if not text:
            return
        name = local_name(element)
        if not leaf or name in _PROSE:
            self._values = False
            self._add(text)
        else:
            self._add(f"{name}: {text}")
            self._values = True

    def _add(self, text: str) -> None:
        self.outline.add(text, separator="\n" if self._values else "\n\n")
        self._values = True


def _holds_words(element: Any) -> bool:
    """Tell whether words stand between the elements that one holds."""
    texts = [element.text, *(child.tail for child in element)]
    return any(text and text.strip() for text in texts)


def _is_title(child: Any, siblings: list[Any]) -> bool:
    """Tell whether a first child names what stands beside it: some of that holds more than text."""
    others = siblings[1:]
    return local_name(child) in _TITLES and any(
        len(other) or local_name(other) in _PROSE for other in others
    )


def _inline(element: Any) -> str:
    """Return all text of an element, on one line but for the line ends that its author meant."""
    pieces = "".join(element.itertext()).split("\n")
    return tidy(join_all(" ".join(piece.split()) for piece in pieces))
