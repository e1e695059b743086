"""Makes the files beside this one: ``python -m tests.connectors.loaders.scripts.make [NAME ...]``.

Chromium prints some, LibreOffice the others; each is some 30 kB at most, and so it is kept: neither
program is on every machine that runs the tests, and their fonts are not either.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.connectors.loaders.office.soffice import convert

FILES = Path(__file__).parent / "files"
_LEADER = "<i></i><b>7</b>"
TEXTS = {
    "hi": [
        "पुस्तकालय के नियम",
        "हर सदस्य एक बार में तीन किताबें चौदह दिनों के लिए ले सकता है। "
        "देरी होने पर प्रतिदिन 2.50 रुपये देने होंगे; चिट्ठी साथ लाएँ।",
    ],
    "bn": [
        "পাম্পের যত্ন",
        "পাম্পটি প্রতি মিনিটে 300 লিটার পানি তোলে। শীতের আগে সব পানি বের করে দিন, "
        "নইলে যন্ত্রাংশ ফেটে যেতে পারে।",
    ],
    "ta": [
        "பம்பின் பராமரிப்பு",
        "பம்பு ஒவ்வொரு நிமிடமும் 300 லிட்டர் தண்ணீரை அனுப்புகிறது. குளிர்காலத்துக்கு முன் தண்ணீரை வெளியேற்றுங்கள்.",
    ],
    "th": [
        "ระเบียบการใช้เครื่องสูบน้ำ",
        "เครื่องนี้ส่งน้ำได้นาทีละ 300 ลิตร ต้องถ่ายน้ำออกก่อนฤดูหนาวทุกครั้ง ห้ามเปิดทิ้งไว้เมื่อไม่มีผู้ดูแล ชั่วโมงละ 20 บาท",
    ],
    "fa": [
        "نگه‌داری پمپ‌ها",
        "پمپ‌ها را هر سال سرویس کنید؛ آب‌گیری پیش از زمستان انجام می‌شود و "
        "لوله‌های شکسته تعویض می‌شوند.",
    ],
    "ur": [
        "کتب خانے کے اصول",
        "ہر رکن ایک وقت میں تین کتابیں چودہ دن کے لیے لے سکتا ہے۔",
    ],
    "kn": ["ಪಂಪ್", "ಈ ಪಂಪ್ ನಿಮಿಷಕ್ಕೆ 300 ಲೀಟರ್ ನೀರನ್ನು ಕಳುಹಿಸುತ್ತದೆ."],
    "en": ["Contents", *(f"{line}{_LEADER}" for line in ("1 Duties of the staff", "2 Water"))],
}
"""The lines of each file, as typed."""
_FONTS = {
    "hi": "Noto Sans Devanagari",
    "bn": "Noto Sans Bengali",
    "ta": "Noto Sans Tamil",
    "th": "Noto Sans Thai",
    "fa": "Noto Naskh Arabic",
    "ur": "Noto Nastaliq Urdu",
    "kn": "Noto Sans Kannada",
    "en": "Noto Sans",
}
_PAGE = """<!doctype html><meta charset=utf-8><style>@page{{size:300mm 80mm;margin:10mm}}
h1{{font:18px {font}}} p{{font:13px {font};display:{display}}}
i{{flex:1;border-bottom:1px dotted}}</style>
<body dir={direction} lang={language}><h1>{first}</h1>{rest}"""

_FLAT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" office:version="1.3"
 office:mimetype="application/vnd.oasis.opendocument.text"><office:styles>
<style:default-style style:family="paragraph"><style:paragraph-properties
 style:writing-mode="{mode}"/><style:text-properties fo:font-size="11pt"
 style:font-size-complex="11pt" fo:font-family="{font}" style:font-family-complex="{font}"/>
</style:default-style></office:styles><office:automatic-styles><style:page-layout style:name="W">
<style:page-layout-properties fo:page-width="30cm" fo:page-height="8cm" fo:margin="1cm"/>
</style:page-layout></office:automatic-styles><office:master-styles><style:master-page
 style:name="Standard" style:page-layout-name="W"/></office:master-styles>
<office:body><office:text>{lines}</office:text></office:body></office:document>"""


def page_of(language: str) -> str:
    """Return a web page of a text."""
    first, *rest = TEXTS[language]
    direction = "rtl" if language in {"fa", "ur"} else "ltr"
    body = "".join(f"<p>{line}</p>" for line in rest)
    font = _FONTS[language]
    return _PAGE.format(
        direction=direction,
        display="flex" if language == "en" else "block",
        language=language,
        font=f"'{font}'",
        first=first,
        rest=body,
    )


def printed(language: str) -> bytes:
    """Return what Chromium prints."""
    browser = shutil.which("chromium")
    assert browser is not None
    with tempfile.TemporaryDirectory() as folder:
        page, pdf = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(page_of(language), encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        subprocess.run(
            [*command, f"--print-to-pdf={pdf}", str(page)], check=True, capture_output=True
        )
        return pdf.read_bytes()


def exported(language: str) -> bytes:
    """Return what LibreOffice Writer exports."""
    lines = "".join(f"<text:p>{line}</text:p>" for line in TEXTS[language])
    mode = "rl-tb" if language in {"fa", "ur"} else "lr-tb"
    source = _FLAT.format(font="DejaVu Sans", mode=mode, lines=lines)
    return convert(source.encode(), "fodt", "pdf")


MAKERS = {"chromium": printed, "writer": exported}
NAMES = [f"{maker}_{language}" for maker in MAKERS for language in TEXTS]
NAMES = [name for name in NAMES if name not in {"writer_en", "writer_kn", "writer_ur"}]


def main(names: list[str]) -> None:
    """Make the files of these names, or all."""
    for name in names or NAMES:
        maker, _, language = name.partition("_")
        data = MAKERS[maker](language)
        (FILES / f"{name}.pdf").write_bytes(data)
        print(f"{name}: {len(data):,} bytes")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
