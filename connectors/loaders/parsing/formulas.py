"""Formulas on one line: those of Office (OMML) and those of web pages and OpenDocument (MathML).

What a formula says by where its parts stand is said by signs, as UnicodeMath (Unicode Technical
Note 28) has it: ``a/(2b)``, ``x_i^2``, ``√(a+b)``, ``∑_(i=1)^n a_i``. The rows of a matrix are
parted by semicolons.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lxml import etree

__all__ = ["OMML", "mathml_text", "omml_text", "with_formulas"]

OMML = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
"""The namespace of Office's formulas, as lxml writes it."""

_VAL = f"{OMML}val"
_ATOM = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[^\W\d_]+|[^\w\s]|")
_STRUCTURE = re.compile(r"[\^_/√∛∜¦]")
_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}
_HAT = "\u0302"
_OVER, _UNDER = "\u0305", "\u0332"
_ACCENTS = {
    "^": _HAT,
    "ˆ": _HAT,
    "~": "\u0303",
    "˜": "\u0303",
    "¯": _OVER,
    "‾": _OVER,
    "―": _OVER,
    "→": "\u20d7",
    "⃗": "\u20d7",
    "˙": "\u0307",
    "¨": "\u0308",
    "ˇ": "\u030c",
    "˘": "\u0306",
}
_UNSEEN = re.compile("[\u2061-\u2064\u200b]")
_BLANKS = re.compile(r"\s+")
_BEGIN = re.compile(r"<(?:\w{1,20}:)?math(?:\s[^<>]*)?>")
_END = re.compile(r"</(?:\w{1,20}:)?math\s*>")
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)\w{1,40};")


def omml_text(formula: Any) -> str:
    """Return an ``m:oMath`` as one line.

    >>> from lxml import etree
    >>> name = OMML[1:-1]
    >>> half = f'<f xmlns="{name}"><num><r><t>1</t></r></num><den><r><t>2a</t></r></den></f>'
    >>> omml_text(etree.fromstring(half))
    '1/(2a)'
    """
    return _tidy(_office(formula))


def mathml_text(formula: Any) -> str:
    """Return a ``math`` element as one line.

    >>> from lxml import etree
    >>> mathml_text(etree.fromstring("<math><msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt></math>"))
    '√(x+1)'
    """
    return _tidy(_page(formula))


def _tidy(text: str) -> str:
    return _BLANKS.sub(" ", _UNSEEN.sub("", text)).strip()


def _local(element: Any) -> str:
    return re.split("[}:]", element.tag)[-1] if isinstance(element.tag, str) else ""


def _is_atom(text: str) -> bool:
    """Tell whether a part needs no brackets: a number, a word, a sign, or what has its own."""
    if _ATOM.fullmatch(text):
        return True
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth <= 0:
            return place == len(text) - 1 and sign in ")]}"
    return False


def _part(text: str) -> str:
    text = text.strip()
    return text if _is_atom(text) else f"({text})"


def _scripts(base: str, below: str = "", above: str = "") -> str:
    below, above = below.strip(), above.strip()
    return f"{_part(base)}{below and '_' + _part(below)}{above and '^' + _part(above)}"


def _fraction(above: str, below: str, *, bar: bool = True) -> str:
    return f"{_part(above)}{'/' if bar else '¦'}{_part(below)}"


def _root(inside: str, degree: str = "") -> str:
    degree = degree.strip()
    return f"{_ROOTS.get(degree, f'√[{degree}]')}{_part(inside)}"


def _is_accent(sign: str) -> bool:
    return sign in _ACCENTS or bool(sign and unicodedata.combining(sign[0]))


def _accented(base: str, sign: str) -> str:
    return f"{_part(base)}{_ACCENTS.get(sign, sign)}"


def _above(base: str, sign: str) -> str:
    """Write a sign above another: an accent, or a limit."""
    return _accented(base, sign) if _is_accent(sign) else _scripts(base, above=sign)


def _joined(pieces: Iterable[str], *, words: bool = False) -> str:
    """Set pieces beside one another, apart where they would be taken for one.

    ``words``: a piece of several letters is a name, such as that of a function.
    """
    text = last = ""
    for piece in pieces:
        if not piece:
            continue
        if text and text[-1].isalnum() and piece[0].isalnum():
            named = words and any(each.isalpha() and len(each) > 1 for each in (last, piece))
            text += " " if named or _STRUCTURE.search(last + piece) else ""
        text += piece
        last = piece
    return text


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return "; ".join(", ".join(cell.strip() for cell in row) for row in rows)


def _office(element: Any) -> str:
    """Return the text of an element of Office's; one that only holds others is their text."""
    name = _local(element)
    if name == "t":
        return element.text or ""
    if name.endswith("Pr") or name in {"del", "moveFrom", "instrText"}:
        return ""
    if name in _OFFICE and element.tag.startswith(OMML):
        return _OFFICE[name](element)
    pieces: list[str] = []
    in_run = False
    for child in element:
        if _local(child) == "r":  # Word breaks words into runs at will
            text = _office(child)
            pieces[-1:] = [pieces[-1] + text] if in_run else [*pieces[-1:], text]
            in_run = True
        elif isinstance(child.tag, str) and not _local(child).endswith("Pr"):
            pieces.append(_office(child))
            in_run = False
    return _joined(pieces)


def _of(element: Any, name: str) -> str:
    child = element.find(OMML + name)
    return "" if child is None else _office(child)


def _all_of(element: Any, name: str) -> list[str]:
    return [_office(child) for child in element.iterfind(OMML + name)]


def _property(element: Any, name: str, default: str) -> str:
    """Return a property of a structure; one that is there and says nothing is empty."""
    found = element.find(f"{OMML}{_local(element)}Pr/{OMML}{name}")
    value: str = default if found is None else found.get(_VAL, "")
    return value


def _office_sum(element: Any) -> str:
    sign = _property(element, "chr", "∫")
    scripts = _scripts(sign, _of(element, "sub"), _of(element, "sup"))
    return _joined([scripts, _of(element, "e").strip()])


def _office_brackets(element: Any) -> str:
    inside = _property(element, "sepChr", "|").join(_all_of(element, "e"))
    return f"{_property(element, 'begChr', '(')}{inside}{_property(element, 'endChr', ')')}"


def _office_function(element: Any) -> str:
    name, argument = _of(element, "fName").strip(), _of(element, "e").strip()
    return f"{name}{'' if argument.startswith('(') else ' '}{argument}"


def _office_bar(element: Any) -> str:
    below = _property(element, "pos", "bot") == "bot"
    return _accented(_of(element, "e"), _UNDER if below else _OVER)


def _office_before(element: Any) -> str:
    before = _scripts("", _of(element, "sub"), _of(element, "sup"))
    return _joined([before, _of(element, "e")])


_OFFICE: dict[str, Callable[[Any], str]] = {
    "f": lambda e: _fraction(
        _of(e, "num"), _of(e, "den"), bar=_property(e, "type", "bar") != "noBar"
    ),
    "sSup": lambda e: _scripts(_of(e, "e"), above=_of(e, "sup")),
    "sSub": lambda e: _scripts(_of(e, "e"), _of(e, "sub")),
    "sSubSup": lambda e: _scripts(_of(e, "e"), _of(e, "sub"), _of(e, "sup")),
    "sPre": _office_before,
    "limLow": lambda e: _scripts(_of(e, "e"), _of(e, "lim")),
    "limUpp": lambda e: _above(_of(e, "e"), _of(e, "lim").strip()),
    "rad": lambda e: _root(_of(e, "e"), _of(e, "deg")),
    "nary": _office_sum,
    "d": _office_brackets,
    "func": _office_function,
    "acc": lambda e: _accented(_of(e, "e"), _property(e, "chr", _HAT)),
    "bar": _office_bar,
    "m": lambda e: _rows(_all_of(row, "e") for row in e.iterfind(f"{OMML}mr")),
    "eqArr": lambda e: _rows([line.replace("&", "")] for line in _all_of(e, "e")),
}


def _page(element: Any) -> str:
    """Return the text of an element of MathML."""
    name = _local(element)
    if name in {"mi", "mn", "mo", "ms", "mtext"}:
        return _BLANKS.sub(" ", "".join(element.itertext())).strip()
    children = [child for child in element if _local(child)]
    if name in {"semantics", "maction"}:  # what follows says the same in another way
        children = children[:1]
    elif name in {"annotation", "annotation-xml", "mphantom", "none", "mprescripts"}:
        return ""
    elif name == "mspace":
        return " "
    elif name in _PAGE:
        wanted, write = _PAGE[name]
        if len(children) == wanted:
            return write(element, [_page(child) for child in children])
    elif name == "mtable":
        return _rows(map(_page, row) for row in children)
    elif name == "mfenced":
        inside = ", ".join(map(_page, children))
        return f"{element.get('open', '(')}{inside}{element.get('close', ')')}"
    inside = _joined(map(_page, children), words=True)
    return _root(inside) if name == "msqrt" else inside


def _page_fraction(element: Any, parts: Sequence[str]) -> str:
    bare = re.fullmatch(r"0+(?:\.0+)?(?:[a-z]+|%)?", element.get("linethickness", ""))
    return _fraction(*parts, bar=bare is None)


_PAGE: dict[str, tuple[int, Callable[[Any, Sequence[str]], str]]] = {
    "mfrac": (2, _page_fraction),
    "msup": (2, lambda _, parts: _scripts(parts[0], above=parts[1])),
    "msub": (2, lambda _, parts: _scripts(parts[0], parts[1])),
    "msubsup": (3, lambda _, parts: _scripts(*parts)),
    "munder": (2, lambda _, parts: _scripts(parts[0], parts[1])),
    "munderover": (3, lambda _, parts: _scripts(*parts)),
    "mover": (2, lambda _, parts: _above(*parts)),
    "mroot": (2, lambda _, parts: _root(*parts)),
}
"""How many parts a structure has, and how they are written."""


def with_formulas(page: str) -> str:
    """Return a page with each ``math`` element of it as the text that it says.

    >>> with_formulas("<p>E = <math><msup><mi>c</mi><mn>2</mn></msup></math>, so.</p>")
    '<p>E = c^2, so.</p>'
    """
    pieces: list[str] = []
    position = 0
    while (start := _BEGIN.search(page, position)) and (end := _END.search(page, start.end())):
        pieces += [page[position : start.start()], _as_text(page[start.start() : end.end()])]
        position = end.end()
    return "".join([*pieces, page[position:]])


def _as_text(markup: str) -> str:
    """Return a formula's markup as text for a page; what can not be read stays as it is."""
    known = _ENTITY.sub(lambda entity: html.unescape(entity.group()), markup)
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False)
    formula = etree.fromstring(known.encode("utf-8", "replace"), parser)
    text = "" if formula is None else mathml_text(formula)
    return html.escape(text, quote=False) or markup
