"""Hebrew and Arabic of PDF files, alone and beside Latin words, numbers and brackets."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.parsing.bidi_order import mirrored, reading_order
from rag_engine.connectors.loaders.parsing.pdf_glyphs import Glyph, _joined, _with_marks
from rag_engine.connectors.loaders.parsing.pdf_right_to_left import read_line
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.connectors.loaders.samples import make_script_pdf
from tests.marks import unavailable

# As it is read, and as it stands on paper from left to right.
SEEN = {
    'הדגם X-200 עולה 1,250 ש"ח': 'ח"ש 1,250 הלוע X-200 םגדה',
    "גרסה 4.2 של Excel": "Excel לש 4.2 הסרג",
    "עד 29/11/2026 (כולל) בלבד.": ".דבלב (ללוכ) 29/11/2026 דע",
    "הנחה של 17% לחברים": "םירבחל 17% לש החנה",
    "כתבו אל help@example.com בלבד": "דבלב help@example.com לא ובתכ",
    "الهاتف 0112345678 في المكتب": "بتكملا يف 0112345678 فتاهلا",
    "آخر تحديث: 29/11/2026، الساعة 12:30.": ".12:30 ةعاسلا ،29/11/2026 :ثيدحت رخآ",
    "المادة ٣٫٥ من «اللائحة»": "«ةحئاللا» نم ٣٫٥ ةداملا",
    "استخدم Microsoft Excel 2019 هنا": "انه Microsoft Excel 2019 مدختسا",
    "(انظر الصفحة 12)": "(12 ةحفصلا رظنا)",
    "راهنمای PumpCtl 4.2 و ۲۵۰ تومان": "ناموت ۲۵۰ و PumpCtl 4.2 یامنهار",
}


@pytest.mark.parametrize("read", SEEN)
def test_a_line_is_read_as_it_was_written(
    sandbox: Sandbox, load_one: Callable[..., Document], read: str
):
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", make_script_pdf([[SEEN[read]]]))
    assert document.text == read


def test_a_word_of_the_right_in_a_line_of_the_left():
    seen = list("The word ( בוט םוי ) means 12 things")
    order = reading_order(seen, right_to_left=False)
    assert "".join(seen[n] for n in order.places) == "The word ( יום טוב ) means 12 things"


def test_brackets_are_turned_where_their_run_is():
    assert [mirrored(sign) for sign in "(«a»)"] == [")", "»", "a", "«", "("]


@pytest.mark.parametrize(
    ("seen", "read"),
    [
        (".עבק ,(.Oak Ltd הרבח) רכשמה", "המשכר (חברה Oak Ltd.), קבע."),
        ("(03-5550101 ןופלט)", "(טלפון 03-5550101)"),
        ("רז (Go) לע ץחל", "לחץ על (Go) זר"),
    ],
)
def test_brackets_of_a_line_match_each_other(seen: str, read: str):
    for turned in [seen, *_each_bracket_turned(seen)]:
        line = [drawn(sign, 6 * n, 6 * n + 6) for n, sign in enumerate(turned)]
        assert read_line(line, right_to_left=True) == read


def _each_bracket_turned(seen: str) -> list[str]:
    """Return the line with one of its brackets turned, as programs do at a border of directions."""
    places = [n for n, sign in enumerate(seen) if sign in "()"]
    return [f"{seen[:n]}{mirrored(seen[n])}{seen[n + 1 :]}" for n in places]


def drawn(text: str, left: float, right: float, *, pen: float | None = None, top: float = 10):
    where = {"pen": left if pen is None else pen, "left": left, "right": right}
    return Glyph(text=text, base=0, bottom=0, top=top, em=12, **where)


@pytest.mark.parametrize("letters", ["لا", "ال"])
def test_a_ligature_is_spelt_as_unicode_spells_it(letters: str):
    assert _joined([drawn(each, 0, 8) for each in letters]).text == "لا"


def test_a_mark_goes_to_the_letter_under_it_whatever_was_drawn_first():
    glyphs = [drawn("\u064f", 9, 11, pen=5), drawn("ق", 0, 8), drawn("ي", 8, 12)]
    assert [each.text for each in _with_marks(glyphs)] == ["ق", "ي\u064f"]


def test_a_letter_whose_box_is_that_of_its_mark_leaves_no_gap():
    # Vav with its dot, whose four points of room PDFium does not know.
    dotted = _joined([drawn("ו", 8, 9, pen=5, top=2), drawn("ֹ", 7, 8, pen=5, top=2)])
    line = [drawn("ל", 10, 18), dotted, drawn("ם", 0, 6)]
    assert read_line(line, right_to_left=True) == "לוֹם"


PARAGRAPHS = {
    "ar": [
        "يجب تقديم طلب الإجازة قبل ثلاثين يومًا، ولا يُقبل أي طلب بعد ذلك (إلا في الطوارئ).",
        "سعر المضخة X-200 هو 1,250.50 ريالاً حتى 29/11/2026، الساعة 12:30.",
        "اكتب إلى help@example.com أو افتح «دليل المضخة» في Microsoft Excel 2019.",
    ],
    "he": [
        "יש להגיש בקשה לחופשה שלושים יום מראש, ולא תתקבל כל בקשה לאחר מכן (למעט חירום).",
        'הגרסה HRDesk 4.2 זמינה החל מ-29/11/2026 ומחירה 1,250 ₪ כולל מע"מ של 17%.',
    ],
    "fa": ["پمپ را هر سال سرویس کنید؛ هزینهٔ آن ۲۵۰٬۰۰۰ تومان و نسخهٔ PumpCtl 4.2 است."],
}


@pytest.mark.browser
@pytest.mark.parametrize("language", PARAGRAPHS)
def test_what_a_browser_prints(
    tmp_path: Path, sandbox: Sandbox, load_one: Callable[..., Document], language: str
):
    browser, lister = shutil.which("chromium"), shutil.which("fc-list")
    if browser is None:
        unavailable("browser", "no chromium")
    fonts = lister and subprocess.check_output([lister, f":lang={language}"], text=True)
    if not fonts:  # a browser comes without them
        pytest.skip(f"NOT TESTED (browser): no font here has the letters of {language}")
    page = tmp_path / "page.html"
    body = "".join(f"<p>{each}</p>" for each in PARAGRAPHS[language])
    page.write_text(f"<!doctype html><meta charset=utf-8><body dir=rtl>{body}", encoding="utf-8")
    printed = tmp_path / "page.pdf"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={printed}", str(page)], check=True)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed.read_bytes())
    expected = unicodedata.normalize("NFC", " ".join(PARAGRAPHS[language]))
    assert document.text.replace("\n", " ") == expected
