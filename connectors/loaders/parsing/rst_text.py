"""The text of a docutils tree: headings as sections, tables by rows, lists with numbers."""

from __future__ import annotations

from typing import Any

from docutils import nodes

from rag_engine.connectors.loaders.parsing.cleaning import join_all, one_line
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.tables import Cell, Grid, row_lines

__all__ = ["RstText"]

_DEEPEST_HEADING = 6
_LETTER_LISTS = {"loweralpha": "a", "upperalpha": "A"}


class RstText:
    """Goes over a tree once; ``first_heading`` is the first title in it."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.first_heading = ""
        self._level = 0
        self._marker = ""
        self._in_list = False
        self._depth = 0  # of lists

    def document(self, tree: nodes.document) -> None:
        """Write a document down."""
        self._level = 1 if tree.children and isinstance(tree.children[0], nodes.title) else 0
        self._children(tree)

    def _children(self, node: Any) -> None:
        for child in node.children:
            handle = getattr(self, f"_on_{child.tagname}", None)
            if handle is not None:
                handle(child)
            elif isinstance(child, nodes.TextElement):
                self._add(_text(child))
            elif not isinstance(child, nodes.Text):
                self._children(child)

    def _nothing(self, node: Any) -> None:
        """Leave out what no reader sees as running text."""

    _on_comment = _on_docinfo = _on_system_message = _on_substitution_definition = _nothing
    _on_target = _on_pending = _on_raw = _on_meta = _on_decoration = _on_label = _nothing
    _on_colspec = _nothing

    def _on_title(self, node: Any) -> None:
        text = _text(node)
        if isinstance(node.parent, nodes.document | nodes.section):
            self.first_heading = self.first_heading or one_line(text)
            self.outline.heading(min(max(self._level, 1), _DEEPEST_HEADING), text)
        else:
            self._add(text)

    def _on_section(self, node: Any) -> None:
        self._level += 1
        self._children(node)
        self._level -= 1

    def _add(self, text: str) -> None:
        if text.strip():
            near = self._in_list and self._depth > 0
            self.outline.add(self._marker + text, separator="\n" if near else "\n\n")
            self._marker = ""
            self._in_list = self._depth > 0

    def _verbatim(self, node: Any) -> None:
        self._add(node.astext())

    _on_literal_block = _on_doctest_block = _on_math_block = _verbatim

    def _on_line_block(self, node: Any) -> None:
        lines = [_text(line) for line in node.findall(nodes.line)]
        self._add("\n".join(lines).strip("\n"))

    def _list(self, node: Any) -> None:
        self._depth += 1
        self._children(node)
        self._depth -= 1
        self._in_list = self._in_list and self._depth > 0

    _on_bullet_list = _on_definition_list = _on_field_list = _on_option_list = _list

    def _on_enumerated_list(self, node: Any) -> None:
        start = node.get("start", 1)
        for index, item in enumerate(node.children):
            item["shown"] = _number(node.get("enumtype", ""), start + index)
        self._list(node)

    def _on_list_item(self, node: Any) -> None:
        if "shown" in node:
            self._marker = f"{node['shown']}. "
        self._children(node)
        self._marker = ""

    def _on_definition_list_item(self, node: Any) -> None:
        terms = [_text(child) for child in node.children if isinstance(child, nodes.term)]
        self._pair(", ".join(terms), node.children[-1])

    def _on_field(self, node: Any) -> None:
        self._pair(_text(node.children[0]), node.children[-1])

    def _on_option_list_item(self, node: Any) -> None:
        self._pair(node.children[0].astext().replace("\n", " "), node.children[-1])

    def _pair(self, name: str, body: Any) -> None:
        """Write a name before the first of what is said of it."""
        self._marker += f"{name}: " if name else ""
        self._children(body)
        if self._marker:  # nothing is said of it
            marker, self._marker = self._marker.rstrip(": "), ""
            self._add(marker)

    def _on_footnote(self, node: Any) -> None:
        label = next((child.astext() for child in node.children if child.tagname == "label"), "")
        self._marker = f"[{label}] " if label else ""
        self._children(node)
        self._marker = ""

    _on_citation = _on_footnote

    def _on_image(self, node: Any) -> None:
        self._add(node.get("alt", ""))

    def _on_table(self, node: Any) -> None:
        for child in node.children:
            if isinstance(child, nodes.title):
                self._add(_text(child))
        grid, headers = Grid(), []
        for row in node.findall(nodes.row):
            header = isinstance(row.parent, nodes.thead)
            grid.add_row(
                (
                    Cell(_cell(entry), header=header),
                    entry.get("morecols", 0) + 1,
                    entry.get("morerows", 0) + 1,
                )
                for entry in row.children
            )
            headers.append(header)
        self._add("\n".join(row_lines(grid.rows, headers)))


def _cell(entry: Any) -> str:
    inner = RstText()
    inner._children(entry)
    return " ".join(inner.outline.text.split())


def _text(node: Any) -> str:
    """Return a paragraph's text: what is no text of its own (marks of footnotes) is left out."""
    pieces: list[str] = []
    for piece in node.findall(nodes.Text):
        if not isinstance(piece.parent, nodes.footnote_reference):
            pieces.append(str(piece))
        elif pieces:
            pieces[-1] = pieces[-1].rstrip()
    images = [image.get("alt", "") for image in node.findall(nodes.image)]
    text = "".join([*pieces, *(f" {alt}" for alt in images if alt)])
    return join_all(" ".join(line.split()) for line in text.split("\n"))


def _number(kind: str, number: int) -> str:
    first = _LETTER_LISTS.get(kind)
    return chr(ord(first) + number - 1) if first and number <= 26 else str(number)
