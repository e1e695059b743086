"""The language that a paragraph of DOCX is marked as: the one its text is proofread in.

Runs and styles are heeded. What the defaults say, and the style that all paragraphs have, is the
language of the program in most files, whatever was written with it.
"""

from __future__ import annotations

from typing import Any

from docx.oxml.ns import qn

from rag_engine.connectors.loaders.parsing.docx_styles import Styles
from rag_engine.connectors.loaders.parsing.spoken import Spoken
from rag_engine.text.scripts import main_script

__all__ = ["Languages"]

_TEXT, _LANG, _PROPERTIES = qn("w:t"), qn("w:lang"), qn("w:rPr")
_OF_RUN = f"{_PROPERTIES}/{_LANG}"
_LATIN, _EAST_ASIAN, _RIGHT_TO_LEFT = qn("w:val"), qn("w:eastAsia"), qn("w:bidi")
_KIND = {
    **dict.fromkeys(("han", "hiragana", "katakana", "hangul", "bopomofo"), _EAST_ASIAN),
    **dict.fromkeys(("arabic", "hebrew", "syriac", "thaana"), _RIGHT_TO_LEFT),
}
"""Which of the three languages of a run counts for a script; the first for all others."""


class Languages:
    """Knows what runs and styles of a document say of languages."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles

    def of(self, paragraph: Any, properties: Any | None) -> str | None:
        """Return the language of most of a paragraph's text, if anything says it."""
        of_style = self._styles.of_runs(properties, _LANG)
        spoken = Spoken()
        for element in paragraph.iter(_TEXT):
            text = element.text or ""
            if not text.strip():
                continue
            kind = _KIND.get(main_script(text), _LATIN)
            said = (element.getparent().find(_OF_RUN), of_style)
            found = (each.get(kind) for each in said if each is not None)
            spoken.add(next(filter(None, found), None), len(text))
        return spoken.taken()
