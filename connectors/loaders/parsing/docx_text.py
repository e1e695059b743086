"""The text of a paragraph of DOCX: runs, fields, signs, ruby, formulas, alt texts of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

from rag_engine.connectors.loaders.parsing.alt_texts import names_a_picture
from rag_engine.connectors.loaders.parsing.docx_symbols import PRIVATE, symbol
from rag_engine.connectors.loaders.parsing.field_codes import ruby_base
from rag_engine.connectors.loaders.parsing.formulas import OMML, omml_text
from rag_engine.connectors.loaders.parsing.page_numbers import PAGE_NUMBER, counts_pages
from rag_engine.connectors.loaders.parsing.raised import could_be_raised, raised

__all__ = ["ParagraphText", "elements_of", "is_off"]

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_VML = "{urn:schemas-microsoft-com:vml}"
_OFFICE = "{urn:schemas-microsoft-com:office:office}"
_VAL, _RUN, _TEXT = qn("w:val"), qn("w:r"), qn("w:t")
_RUN_PROPERTIES = qn("w:rPr")
_TEXT_BOX, _VANISH = qn("w:txbxContent"), qn("w:vanish")
_FALLBACK, _CONTROL = f"{_MC}Fallback", qn("w:sdt")
_SIGNS = {
    qn("w:tab"): "\t",
    qn("w:ptab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
# Deleted or moved text, and properties.
_SKIPPED = frozenset(
    {
        *(qn("w:del"), qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr"), qn("w:tblPr"), qn("w:tcPr")),
        *(qn("w:trPr"), qn("w:delText"), qn("w:sdtPr"), qn("w:sdtEndPr"), qn("w:rubyPr")),
        *(qn("w:sectPr"), qn("w:tblGrid")),
    }
)
_ALT_TEXTS = {
    qn("wp:docPr"): "descr",
    f"{_VML}shape": "alt",
    f"{_VML}rect": "alt",
    f"{_VML}imagedata": f"{_OFFICE}title",
    f"{_VML}textpath": "string",  # a text that is drawn, such as a watermark
}


def is_off(element: Any | None) -> bool:
    """Tell whether a switch such as ``w:vanish`` is missing or says no."""
    return element is None or element.get(_VAL, "1") in {"0", "false", "off"}


def elements_of(container: Any, wanted: frozenset[str]) -> Iterator[Any]:
    """Yield the elements of these tags in order, out of content controls and the like, too.

    None is looked for inside of one that is yielded, nor in what no reader sees.
    """
    stack = [iter(container)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif element.tag in wanted:
            yield element
        elif isinstance(element.tag, str) and not _unseen(element):
            stack.append(iter(element))


def _unseen(element: Any) -> bool:
    tag = element.tag
    if tag in _SKIPPED or tag == _TEXT_BOX:
        return True
    if tag == _RUN:
        properties = element.find(_RUN_PROPERTIES)
        return properties is not None and not is_off(properties.find(_VANISH))
    if tag == _FALLBACK:  # the second form of what stands there twice
        return element.getprevious() is not None
    if tag == _CONTROL:  # its text only says what to put there
        placeholder = element.find(f"{qn('w:sdtPr')}/{qn('w:showingPlcHdr')}")
        return not is_off(placeholder)
    return False


class ParagraphText:
    """Reads one paragraph: its ``text``, the text boxes that hang on it, and words' ``readings``.

    ``pages`` says whether the numbers of pages are read as they were last seen.
    """

    def __init__(self, paragraph: Any, *, pages: bool = True) -> None:
        self.boxes: list[Any] = []
        self.readings: list[tuple[str, str]] = []
        self._pieces: list[str] = []
        self._pages = pages
        # Fields that are open: True while their code is read, whose result comes after it.
        self._fields: list[bool] = []
        self._codes: list[str] = []
        self._walk(paragraph)
        self.text = "".join(self._pieces)

    def _walk(self, top: Any) -> None:
        stack = [iter(top)]
        while stack:
            element = next(stack[-1], None)
            if element is None:
                stack.pop()
                continue
            tag = element.tag
            if tag == _TEXT:
                text = element.text or ""
                if could_be_raised(text) and _is_raised(element):
                    self._put(raised(text))
                elif text.isascii() or PRIVATE.search(text) is None:
                    self._put(text)
                else:
                    self._put(_in_font(element, text))
            elif tag in _SIGNS:
                self._put(_SIGNS[tag])
                if len(element):
                    stack.append(iter(element))
            elif tag in _HANDLERS:
                if _HANDLERS[tag](self, element):
                    stack.append(iter(element))
            elif isinstance(tag, str) and not _unseen(element):
                stack.append(iter(element))

    def _put(self, text: str) -> None:
        if not self._fields or not any(self._fields):
            self._pieces.append(text)

    def _box(self, element: Any) -> bool:
        self.boxes.append(element)
        return False

    def _formula(self, element: Any) -> bool:
        self._put(omml_text(element))
        return False

    def _symbol(self, element: Any) -> bool:
        code = element.get(qn("w:char"), "")
        try:
            self._put(symbol(int(code, 16), element.get(qn("w:font"), "")))
        except ValueError:
            self._put("")
        return False

    def _ruby(self, element: Any) -> bool:
        base, beside = element.find(qn("w:rubyBase")), element.find(qn("w:rt"))
        if base is not None:  # the reading beside it is no text
            word = ParagraphText(base).text
            self._put(word)
            if beside is not None:
                self.readings.append((word, ParagraphText(beside).text))
        return False

    def _alt_text(self, element: Any) -> bool:
        said = " ".join(element.get(_ALT_TEXTS[element.tag], "").split())
        if said and not names_a_picture(said):
            self._put(f" {said} ")
        return True

    def _simple_field(self, element: Any) -> bool:
        if self._pages or not counts_pages(element.get(qn("w:instr"), "")):
            return True
        self._put(PAGE_NUMBER)
        return False

    def _field(self, element: Any) -> bool:
        kind = element.get(qn("w:fldCharType"))
        if kind == "begin":
            self._put(_form_field(element))
            self._fields.append(True)
            self._codes.append("")
        elif kind == "separate" and self._fields:
            # The result of a page's number is not read, as if it were code still.
            is_page = not self._pages and counts_pages(self._codes[-1])
            self._fields[-1] = is_page
        elif kind == "end" and self._fields:
            self._fields.pop()
            code = self._codes.pop()
            if counts_pages(code) and not self._pages:
                self._put(PAGE_NUMBER)
            self._put(ruby_base(code))
        return False

    def _code(self, element: Any) -> bool:
        if self._codes:
            self._codes[-1] += element.text or ""
        return False


_HANDLERS = {
    _TEXT_BOX: ParagraphText._box,
    f"{OMML}oMath": ParagraphText._formula,
    qn("w:sym"): ParagraphText._symbol,
    qn("w:ruby"): ParagraphText._ruby,
    qn("w:fldSimple"): ParagraphText._simple_field,
    qn("w:fldChar"): ParagraphText._field,
    qn("w:instrText"): ParagraphText._code,
    **dict.fromkeys(_ALT_TEXTS, ParagraphText._alt_text),
}


def _is_raised(element: Any) -> bool:
    align = element.getparent().find(f"{_RUN_PROPERTIES}/{qn('w:vertAlign')}")
    return align is not None and align.get(_VAL) == "superscript"


def _in_font(element: Any, text: str) -> str:
    """Write characters of a symbol font as what they look like."""
    fonts = element.getparent().find(f"{_RUN_PROPERTIES}/{qn('w:rFonts')}")
    font = "" if fonts is None else fonts.get(qn("w:ascii"), "") or fonts.get(qn("w:hAnsi"), "")
    return PRIVATE.sub(lambda match: symbol(ord(match.group()), font), text)


def _form_field(element: Any) -> str:
    """Return what an old form field shows that no run holds: a tick, or the entry of a list."""
    data = element.find(qn("w:ffData"))
    if data is None:
        return ""
    box, choice = data.find(qn("w:checkBox")), data.find(qn("w:ddList"))
    if box is not None:
        checked = box.find(qn("w:checked"))
        checked = box.find(qn("w:default")) if checked is None else checked
        return "☐" if is_off(checked) else "☒"
    if choice is None:
        return ""
    entries = [entry.get(_VAL, "") for entry in choice.iterfind(qn("w:listEntry"))]
    result = choice.find(qn("w:result"))
    index = "0" if result is None else result.get(_VAL, "0")
    return entries[int(index)] if index.isdecimal() and int(index) < len(entries) else ""
