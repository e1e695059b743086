"""Formulas of office files and pages: what stands above, below or under a root is told apart."""

from __future__ import annotations

import pytest
from docx.oxml import parse_xml
from lxml import etree

from rag_engine.connectors.loaders.parsing import docx, html, odf, pptx
from rag_engine.connectors.loaders.parsing.formulas import OMML, mathml_text, omml_text
from tests.connectors.loaders.packages import pptx_of, zip_of
from tests.connectors.loaders.samples import make_docx

M = f'xmlns:m="{OMML[1:-1]}"'


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def e(name: str, *parts: tuple[str, str], **properties: str) -> str:
    told = "".join(f'<m:{key} m:val="{value}"/>' for key, value in properties.items())
    inside = "".join(f"<m:{part}>{content}</m:{part}>" for part, content in parts)
    return f"<m:{name}><m:{name}Pr>{told}</m:{name}Pr>{inside}</m:{name}>"


SQUARE = e("sSup", ("e", r("b")), ("sup", r("2")))
ROOT = e("rad", ("deg", ""), ("e", SQUARE + r("-4ac")))
SOLUTION = r("x=") + e("f", ("num", r("-b±") + ROOT), ("den", r("2a")))
OFFICE = {
    SOLUTION: "x=(-b±√(b^2-4ac))/(2a)",
    e("nary", ("sub", r("i=1")), ("sup", r("n")), ("e", r("i")), chr="∑"): "∑_(i=1)^n i",
    e("nary", ("sub", ""), ("sup", ""), ("e", r("f"))): "∫f",
    r("f") + e("d", ("e", r("x")), ("e", r("y")), sepChr=","): "f(x,y)",
    e("d", ("e", r("a+b")), begChr="|", endChr="|"): "|a+b|",
    e("d", ("e", r("x")), begChr="{", endChr=""): "{x",
    e("func", ("fName", r("sin")), ("e", r("t"))): "sin t",
    e("func", ("fName", e("limLow", ("e", r("lim")), ("lim", r("n→∞")))), ("e", r("a"))): (
        "lim_(n→∞) a"
    ),
    r("2") + e("f", ("num", r("1")), ("den", r("3"))) + r("kg"): "2 1/3 kg",
    e("f", ("num", r("n")), ("den", r("k")), type="noBar"): "n¦k",
    e("rad", ("deg", r("3")), ("e", r("8"))): "∛8",
    e("rad", ("deg", r("n")), ("e", r("a+1"))): "√[n](a+1)",
    e("acc", ("e", r("v")), chr="\u20d7"): "v\u20d7",
    e("bar", ("e", r("x")), pos="top"): "x\u0305",
    e("sPre", ("sub", r("6")), ("sup", r("12")), ("e", r("C"))): "_6^12 C",
    r("4") + r("a") + r("c"): "4ac",
    e("eqArr", ("e", r("x&amp;=1")), ("e", r("y&amp;=2"))): "x=1; y=2",
    "<m:m>"
    + "".join(f"<m:mr><m:e>{r(a)}</m:e><m:e>{r(b)}</m:e></m:mr>" for a, b in ("10", "01"))
    + "</m:m>": "1, 0; 0, 1",
}


@pytest.mark.parametrize("markup", OFFICE)
def test_a_formula_of_office_is_one_line(markup: str) -> None:
    assert omml_text(etree.fromstring(f"<m:oMath {M}>{markup}</m:oMath>")) == OFFICE[markup]


PAGES = {
    "<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>": "(a+b)/2",
    "<mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac>": "n¦k",
    "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup><mi>y</mi>": "x_i^2 y",
    "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mi>a</mi>": "∑_i^n a",
    "<mi>sin</mi><mi>t</mi>": "sin t",
    "<mi>sin</mi><mo>\u2061</mo><mrow><mo>(</mo><mi>t</mi><mo>)</mo></mrow>": "sin(t)",
    "<mroot><mi>x</mi><mn>3</mn></mroot>": "∛x",
    "<mover><mi>v</mi><mo>→</mo></mover>": "v\u20d7",
    "<mover><mi>lim</mi><mi>n</mi></mover>": "lim^n",
    "<mfenced open='['><mi>a</mi><mi>b</mi></mfenced>": "[a, b)",
    "<mtable><mtr><mtd><mn>1</mn></mtd></mtr><mtr><mtd><mn>2</mn></mtd></mtr></mtable>": "1; 2",
    "<semantics><mi>c</mi><annotation encoding='t'>\\gamma</annotation></semantics>": "c",
    "<mi>a</mi><mphantom><mi>z</mi></mphantom><mspace/><mtext>if  so</mtext>": "a if so",
    "<mfrac><mi>a</mi></mfrac>": "a",
}


@pytest.mark.parametrize("markup", PAGES)
def test_a_formula_of_a_page_is_one_line(markup: str) -> None:
    assert mathml_text(etree.fromstring(f"<math>{markup}</math>")) == PAGES[markup]


def test_formulas_stand_in_the_text_of_every_format() -> None:
    words = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    paragraph = f"<w:p {words} {M}><w:r><w:t>Es ist </w:t></w:r><m:oMath>{SOLUTION}</m:oMath></w:p>"
    data = make_docx(lambda document: document.element.body.insert(0, parse_xml(paragraph)))
    assert docx.parse(data, "a.docx").text == "Es ist x=(-b±√(b^2-4ac))/(2a)"

    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="2" name="x"/></p:nvSpPr><p:txBody><a:p><a:r><a:t>Es ist '
        "</a:t></a:r><mc:AlternateContent><mc:Choice><a14:m "
        'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main">'
        f"<m:oMath {M}>{SOLUTION}</m:oMath></a14:m></mc:Choice><mc:Fallback><a:r><a:t>[Bild]</a:t>"
        "</a:r></mc:Fallback></mc:AlternateContent></a:p></p:txBody></p:sp>"
    )
    assert pptx.parse(pptx_of(shape), "a.pptx").text == "Es ist x=(-b±√(b^2-4ac))/(2a)"

    half = "<mfrac><mn>1</mn><mrow><mn>2</mn><mi>a</mi></mrow></mfrac>"
    name = "http://www.w3.org/1998/Math/MathML"
    page = f"<p>Es ist <m:math xmlns:m='{name}'>{half.replace('<m', '<m:m')}</m:math>, &amp;c.</p>"
    page = page.replace("</m", "</m:m").replace("</m:m:math", "</m:math")
    assert html.parse(page.encode(), "a.html").text == "Es ist 1/(2a), &c."
    entities = "<p><math><mi>&alpha;</mi><mo>&lt;</mo><mi>b</mi></math> &ouml;</p>"
    assert html.parse(entities.encode(), "a.html").text == "α<b ö"

    office = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'<o:document-content xmlns:o="{office}office:1.0" xmlns:t="{office}text:1.0" '
        f'xmlns:d="{office}drawing:1.0" xmlns:x="http://www.w3.org/1999/xlink"><o:body><o:text>'
        '<t:p>Es ist <d:frame><d:object x:href="./F"/></d:frame></t:p></o:text></o:body>'
        "</o:document-content>"
    )
    formula = f"<math xmlns='{name}'>{half}</math>"
    data = zip_of({"content.xml": content, "F/content.xml": formula})
    assert odf.parse(data, "a.odt").text == "Es ist 1/(2a)"


def test_a_formula_without_an_end_and_one_of_a_great_depth_are_read() -> None:
    assert html.parse(b"<p>Vor <math><mi>x</mi><p>Nach", "a.html").text == "Vor x\n\nNach"
    deep = "<mrow>" * 240 + "<mi>x</mi>" + "</mrow>" * 240
    assert html.parse(f"<p>a <math>{deep}</math></p>".encode(), "a.html").text == "a x"
