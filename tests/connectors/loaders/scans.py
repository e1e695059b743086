"""Scans made on the spot: texts drawn with a font of their script, askew and with specks."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont, features

from tests.marks import unavailable

FONTS = Path("/usr/share/fonts")
DPI = 300
_INK, _PAPER = 25, 245


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What stands on a page, and how it is written."""

    font: str
    lines: tuple[str, ...]
    right_to_left: bool = False


SHEETS = {
    "hin": Sheet(
        font="NotoSansDevanagari-Regular.ttf",
        lines=(
            "अवकाश के नियम",
            "हर कर्मचारी को साल में चौबीस दिन की सवेतन छुट्टी मिलती है।",
            "छुट्टी की अर्ज़ी कम से कम दो सप्ताह पहले प्रबंधक को देनी होगी।",
            "बीमारी की छुट्टी के लिए तीसरे दिन से डॉक्टर का प्रमाणपत्र चाहिए।",
        ),
    ),
    "ara": Sheet(
        font="NotoNaskhArabic-Regular.ttf",
        right_to_left=True,
        lines=(
            "سلامة الخزان",
            "لا يدخل أحد إلى خزان المياه من دون تصريح مكتوب من المشرف.",
            "تنتهي صلاحية التصريح بعد أربع ساعات من توقيعه.",
            "يبقى زميل ثان خارج الخزان طوال مدة العمل.",
        ),
    ),
    "tha": Sheet(
        font="NotoSansThai-Regular.ttf",
        lines=(
            "คู่มือเมื่อน้ำท่วม",
            "เมื่อน้ำท่วมโกดังให้ปิดสวิตช์ไฟฟ้าหลักก่อนเสมอ",
            "จากนั้นโทรแจ้งศูนย์บริการลูกค้าภายในหนึ่งชั่วโมง",
            "ห้ามเปิดเครื่องสูบน้ำจนกว่าช่างจะตรวจสอบแล้ว",
        ),
    ),
    "deu": Sheet(
        font="NotoSans-Regular.ttf",
        lines=(
            "Gewährleistung",
            "Die Gewährleistung für die Kühlanlage beträgt fünf Jahre ab Kaufdatum.",
            "Schäden müssen spätestens zehn Tage nach Lieferung gemeldet werden.",
            "Für gebrauchte Geräte gilt eine verkürzte Frist von zwölf Monaten.",
        ),
    ),
}
"""By Tesseract's names of their languages."""


def need_tesseract() -> None:
    """Skip the test, loudly, where the scans can not be drawn or read."""
    command = shutil.which("tesseract")
    if command is None:
        unavailable("ocr", "no tesseract on the PATH (apt-get install tesseract-ocr)")
    from rag_engine.connectors.loaders.ocr.tesseract import Tesseract

    missing = {*SHEETS, "eng", "osd"} - set(Tesseract().models)
    if missing:
        unavailable("ocr", f"tesseract has no {', '.join(sorted(missing))}")
    if not features.check("raqm"):
        unavailable("ocr", "Pillow can not lay out these scripts (no Raqm)")
    lacking = [sheet.font for sheet in SHEETS.values() if _font_file(sheet.font) is None]
    if lacking:
        unavailable("ocr", f"no {', '.join(lacking)} (apt-get install fonts-noto-core)")


@cache
def _font_file(name: str) -> Path | None:
    return next(iter(sorted(FONTS.rglob(name))), None)


def draw(sheet: Sheet, *, skew: float = 0.6, noise: float = 12.0) -> Image.Image:
    """Draw a sheet as a scanner gives it: a third of an A4 page at 300 dots an inch."""
    file = _font_file(sheet.font)
    assert file is not None
    font = ImageFont.truetype(file, 44)
    latin_file = _font_file("NotoSans-Regular.ttf")
    assert latin_file is not None
    latin = ImageFont.truetype(latin_file, 44)
    image = Image.new("L", (1900, 120 + 110 * len(sheet.lines)), _PAPER)
    pen = ImageDraw.Draw(image)
    for index, line in enumerate(sheet.lines):
        place = (1800 if sheet.right_to_left else 100, 60 + 110 * index)
        pen.text(
            place,
            line,
            font=latin if line.isascii() else font,
            fill=_INK,
            direction="rtl" if sheet.right_to_left else "ltr",
            anchor="ra" if sheet.right_to_left else "la",
        )
    image = image.rotate(skew, fillcolor=_PAPER, resample=Image.Resampling.BICUBIC)
    specks = np.random.default_rng(7).normal(0, noise, (image.height, image.width))
    return Image.fromarray((np.asarray(image) + specks).clip(0, 255).astype(np.uint8))


def encode(image: Image.Image, kind: str = "PNG", *, dpi: int = DPI, **options: object) -> bytes:
    """Return an image as the bytes of a file."""
    out = io.BytesIO()
    image.save(out, kind, dpi=(dpi, dpi), **options)
    return out.getvalue()


def scanned_pdf(
    images: Sequence[Image.Image | None], *, texts: Mapping[int, str] = MappingProxyType({})
) -> bytes:
    """Return a PDF whose pages hold nothing but a picture each, or none, and some of them a text.

    Texts are by the number of their page, from 1.
    """
    pdf = FPDF(unit="pt")
    for number, image in enumerate(images, start=1):
        width, height = (image or Image.new("L", (1900, 600))).size
        pdf.add_page(format=(width * 72 / DPI, height * 72 / DPI))
        if image is not None:
            file = io.BytesIO(encode(image, "JPEG", quality=80))
            pdf.image(file, 0, 0, width * 72 / DPI, height * 72 / DPI)
        if number in texts:
            pdf.set_font("helvetica", size=11)
            pdf.text(20, 130, texts[number])
    return bytes(pdf.output())


def error_rate(found: str, wanted: str) -> float:
    """Return the characters to insert, drop or change, for each that is wanted (Levenshtein)."""
    found, wanted = " ".join(found.split()), " ".join(wanted.split())
    row = list(range(len(wanted) + 1))
    for index, sign in enumerate(found, start=1):
        above, row = row, [index]
        for place, other in enumerate(wanted, start=1):
            row.append(min(above[place] + 1, row[-1] + 1, above[place - 1] + (sign != other)))
    return row[-1] / len(wanted)
