"""Directives and roles that docutils does not know: their words are kept, their doing is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import get_language
from docutils.utils import new_document

__all__ = ["accept_unknown"]

_DIRECTIVE = re.compile(r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]{1,80}\|[ \t]+)?([\w.:+-]{1,60})::", re.M)
_ROLE = re.compile(r"(?<![\w:]):([A-Za-z][\w.:+-]{0,60}):`|`:([A-Za-z][\w.:+-]{0,60}):(?!\w)")
_TARGET = re.compile(r"\s*<[^<>]*>\s*\Z", re.DOTALL)
_SILENT = re.compile(
    r"(?:toctree|index|only|highlight|currentmodule|module|tabularcolumns|meta|sectionauthor"
    r"|codeauthor|default-domain|include|literalinclude|raw|graphviz|plantuml|uml|mermaid"
    r"|auto\w+|inheritance-diagram|bibliography|testsetup|testcleanup)\Z"
)
_VERBATIM = re.compile(
    r"(?:sourcecode|code-block|code|prompt|testcode|testoutput|doctest|ipython)\Z"
)
_OPTION = re.compile(r":[\w-]+:(?:\s|$)")
_WITH_OPTIONS_OF_SPHINX = frozenset({"admonition", "code", "code-block", "math", "sourcecode"})
"""Directives that docutils knows, and refuses with options that Sphinx allows."""
_KEEPS_CONTENT = frozenset({"only"})


def accept_unknown(text: str) -> None:
    """Register what a text uses and docutils does not know."""
    settings = get_default_settings()
    settings.report_level = settings.halt_level = 5
    document = new_document("names", settings)
    english: Any = get_language("en")
    for name in sorted({match.lower() for match in _DIRECTIVE.findall(text)}):
        known, _ = directives.directive(name, english, document)
        if known is None or name in _WITH_OPTIONS_OF_SPHINX:
            directives.register_directive(name, _kind(name))
    for name in sorted({(before or after).lower() for before, after in _ROLE.findall(text)}):
        role, _ = roles.role(name, english, 0, document.reporter)
        if role is None:
            roles.register_local_role(name, _role)


class _Words(Directive):
    """Keeps the argument as a paragraph, and the content as what it is."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = None

    def run(self) -> Sequence[Any]:
        """Return the nodes."""
        found: list[Any] = []
        lines = self.arguments[0].split("\n") if self.arguments else []
        words = "\n".join(line for line in lines if not _OPTION.match(line.strip()))
        if words:
            text, messages = self.state.inline_text(words, self.lineno)
            found += [nodes.paragraph("", "", *text), *messages]
        body = nodes.container()
        self.state.nested_parse(_after_options(self.content), self.content_offset, body)
        return [*found, *body.children]


class _Verbatim(_Words):
    """Keeps the content as code."""

    def run(self) -> Sequence[Any]:
        """Return the nodes."""
        code = "\n".join(_after_options(self.content))
        return [nodes.literal_block(code, code)] if code.strip() else []


class _Formula(_Words):
    """Keeps a formula, which may stand beside the directive's name."""

    def run(self) -> Sequence[Any]:
        """Return the nodes."""
        lines = [line for text in self.arguments for line in text.split("\n")]
        lines = [line for line in lines if not _OPTION.match(line.strip())]
        code = "\n".join([*lines, *_after_options(self.content)]).strip("\n")
        return [nodes.literal_block(code, code)] if code.strip() else []


class _Content(_Words):
    """Keeps the content alone."""

    def run(self) -> Sequence[Any]:
        """Return the nodes."""
        body = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, body)
        return list(body.children)


class _Silent(_Words):
    """Says nothing to a reader."""

    def run(self) -> Sequence[Any]:
        """Return no nodes."""
        return []


def _kind(name: str) -> type[_Words]:
    if name in _KEEPS_CONTENT:
        return _Content
    last = name.rpartition(":")[2]
    if last == "math":
        return _Formula
    if _SILENT.match(last):
        return _Silent
    return _Verbatim if _VERBATIM.match(last) else _Words


def _after_options(content: Any) -> Any:
    """Leave out the options of a directive whose options are not known: ``:caption: ...``."""
    count = 0
    while count < len(content) and _OPTION.match(content[count]):
        count += 1
    return content[count:]


def _role(
    name: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: Any,
    options: Any = None,
    content: Sequence[str] = (),
) -> tuple[list[Any], list[Any]]:
    """Return what a reader sees of ``:ref:`the pump <pump>`` or ``:meth:`~pkg.Pump.start```."""
    shown = _TARGET.sub("", text) or text.strip().strip("<>")
    if shown.startswith("~"):
        shown = shown.rpartition(".")[2]
    return [nodes.Text(shown.lstrip("~!").replace("\0", ""))], []
