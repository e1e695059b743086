"""Small real files, made on the spot."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence

from docx import Document as NewDocx
from fpdf import FPDF


def make_latin_pdf(pages: Sequence[str], *, title: str = "", password: str = "") -> bytes:
    """Write a PDF with fpdf2's built-in font, each page a text that is wrapped."""
    pdf = FPDF()
    pdf.set_compression(False)
    if title:
        pdf.set_title(title)
    if password:
        pdf.set_encryption(owner_password=password, user_password=password)
    for page in pages:
        pdf.add_page()
        pdf.set_font("helvetica", size=11)
        for paragraph in page.split("\n"):
            pdf.multi_cell(0, text=paragraph, new_x="LMARGIN", new_y="NEXT")
            pdf.ln(3)
    return bytes(pdf.output())


def make_script_pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """Write a PDF by hand whose font is named but not there; its text is told by a ToUnicode map.

    Each page is a list of lines as they are SEEN from left to right.
    """
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /U def\n"
        b"1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        b"1 beginbfrange <0000> <ffff> <0000> endbfrange endcmap end end"
    )
    font = (
        b"<</Type/Font/Subtype/Type0/BaseFont/None/Encoding/Identity-H/ToUnicode 5 0 R"
        b"/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/None/DW 1000"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        b"/FontDescriptor<</Type/FontDescriptor/FontName/None/Flags 4/Ascent 800/Descent -200"
        b"/ItalicAngle 0/CapHeight 700/StemV 80/FontBBox[0 -200 1000 800]>>>>]>>"
    )
    numbers = [6 + 2 * index for index in range(len(pages))]
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), kids),
        4: font,
        5: b"<</Length %d>>stream\n%s\nendstream" % (len(cmap), cmap),
    }
    for number, lines in zip(numbers, pages, strict=True):
        content = b"\n".join(
            b"BT /F 10 Tf 1 0 0 1 50 %d Tm <%s> Tj ET"
            % (780 - 14 * index, line.encode("utf-16-be").hex().encode())
            for index, line in enumerate(lines)
        )
        objects[number] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 4 0 R>>>>"
            b"/Contents %d 0 R>>" % (number + 1)
        )
        objects[number + 1] = b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)
    return pdf_file(objects)


def pdf_file(objects: dict[int, bytes]) -> bytes:
    """Put numbered objects into a PDF file with a right cross-reference table."""
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    places = {}
    for number, body in sorted(objects.items()):
        places[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    size = max(objects) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    for number in range(1, size):
        in_use = b"n" if number in places else b"f"
        out.write(b"%010d 00000 %s \n" % (places.get(number, 0), in_use))
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, table))
    return out.getvalue()


def make_docx(fill: Callable[..., None], **properties: str) -> bytes:
    """Write a DOCX with python-docx; ``fill`` gets the new document."""
    document = NewDocx()
    for name in ("title", "author"):
        setattr(document.core_properties, name, properties.get(name, ""))
    fill(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def change_zip(
    data: bytes, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None
) -> bytes:
    """Rewrite an archive: ``change`` gets each part's name and bytes; None drops the part."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            part = change(name, old.read(name))
            if part is not None:
                new.writestr(name, part)
        for name, part in (extra or {}).items():
            new.writestr(name, part)
    return out.getvalue()
