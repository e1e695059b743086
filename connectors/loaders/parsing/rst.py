"""reStructuredText by docutils: no file is included, no raw markup taken, nothing is fetched.

Most of it is written for Sphinx, whose directives and roles docutils does not know; of those the
words are kept.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.core import publish_doctree
from docutils.utils import SystemMessage

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.rst_sphinx import accept_unknown
from rag_engine.connectors.loaders.parsing.rst_text import RstText

__all__ = ["parse"]

_CODING = re.compile(rb"\A(?:[^\n]*\n)?\.\. .{0,40}?coding[:=]\s*([\w.:-]{1,40})")
_ERROR = 3
_LANGUAGE_FIELDS = ("lang", "language", "locale")
_SETTINGS: dict[str, Any] = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "syntax_highlight": "none",
    "line_length_limit": 10_000_000,
    "input_encoding": "unicode",
    "doctitle_xform": True,
    "sectsubtitle_xform": False,
}


def parse(data: bytes, name: str) -> Parsed:
    """Read a reStructuredText file.

    Raises:
        Refused: docutils can not read it at all.
    """
    declared = _CODING.search(data[:400])
    decoded = decode(data, declared=declared.group(1).decode("ascii") if declared else None)
    text = clean(decoded.text)
    accept_unknown(text)
    try:
        tree = publish_doctree(
            text, settings_overrides={**_SETTINGS, "warning_stream": io.StringIO()}
        )
    except SystemMessage as error:
        raise Refused(f"it is no reStructuredText: {error!s:.200}") from error
    fields = _fields(tree)
    problems = tuple(_problems(tree))
    walk = RstText()
    walk.document(tree)
    return Parsed(
        text=walk.outline.text,
        title=one_line(tree.get("title", "")) or walk.first_heading,
        language=next((fields[key] for key in _LANGUAGE_FIELDS if key in fields), None),
        stretches=walk.outline.stretches(),
        metadata={
            **decoded.facts,
            **{key: value for key, value in fields.items() if key not in _LANGUAGE_FIELDS},
        },
        problems=(*problems, *decoded.problems),
    )


def _problems(tree: nodes.document) -> Iterator[str]:
    """Yield what a directive holds that docutils can not make out, and so leaves out."""
    for message in tree.findall(nodes.system_message):
        left_out = [child for child in message.children if isinstance(child, nodes.literal_block)]
        if message["level"] >= _ERROR and left_out:
            reason = one_line(message.children[0].astext())
            yield f"line {message.get('line', '?')}: {reason}: {left_out[0].astext()!r:.80}"


def _fields(tree: nodes.document) -> dict[str, str]:
    """Return the fields at the top of a document (author, date, lang), as far as they are short."""
    found: dict[str, str] = {}
    for info in tree.findall(nodes.docinfo):
        child: Any
        for child in info.children:
            if isinstance(child, nodes.field):
                key, value = child.children[0].astext(), child.children[1].astext()
            else:
                key, value = child.tagname, child.astext()
            if key and value and len(value) <= 300:
                found[one_line(key).lower()] = one_line(value)
    return found
