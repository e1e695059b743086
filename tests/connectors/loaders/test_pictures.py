"""Pictures of real files: what is found in which kind of file, what is said of it, the limits."""

from __future__ import annotations

import base64
import dataclasses
import io
import zipfile
from typing import ClassVar

import pytest
from PIL import Image

from rag_engine.connectors.loaders.docx import DocxLoader
from rag_engine.connectors.loaders.image import ImageLoader
from rag_engine.connectors.loaders.ocr.document_pages import Ocr
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.parsing.pictures import Found, of_images
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions
from rag_engine.connectors.loaders.pictures import (
    ImageFiles,
    PictureRules,
    document_image,
    with_pictures,
)
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.errors import InvalidInput, LoadError, LoadLimitExceeded
from rag_engine.file_encoding import in_encoding
from rag_engine.file_endings import loader_for
from rag_engine.records import Document, Note, Problem
from tests.images.drawn import encoded

RULES = PictureRules()


@pytest.fixture(scope="module")
def loaders():
    return default_loaders(ocr=None, pictures=RULES)


@pytest.fixture
def read(tmp_path, loaders):
    """Write a file and load it with the loader of its ending."""

    def written_and_loaded(name, data, loaders=loaders):
        path = tmp_path / name
        path.write_bytes(data)
        return list(loader_for(path, loaders).load(path, name))

    return written_and_loaded


def pictures(found):
    return [one for one in found if isinstance(one, Document) and one.image is not None]


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.format == "JPEG"
    return image


def png(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("ending", "kind"),
    [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("gif", "GIF"), ("bmp", "BMP")],
)
def test_a_file_that_is_a_picture_is_one_document(read, ending, kind):
    [found] = read(f"pump_X200-front.{ending}", encoded("red", kind=kind, side=200))
    assert (found.id, found.text) == (f"pump_X200-front.{ending}", "pump X200 front")
    assert found.metadata["format"] == "image"
    red, green, blue = opened(found.image.data).getpixel((100, 100))
    assert (red > 190, green < 50, blue < 50) == (True, True, True)


def test_every_page_of_a_tiff_is_a_picture(read):
    first, second = (Image.new("RGB", (60, 60), colour) for colour in ("red", "green"))
    found = read("two.tiff", png(first, "TIFF", save_all=True, append_images=[second]))
    assert [one.id for one in found] == ["two.tiff#image-1", "two.tiff#image-2"]
    assert [one.spans[0].page for one in found] == [1, 2]
    assert found[0].image.digest != found[1].image.digest


def test_what_is_kept_is_small_and_tells_nothing_of_where_it_was_taken(read):
    large = Image.effect_noise((3_000, 2_000), 90).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = "at home"
    [found] = read("photo.jpg", png(large, "JPEG", exif=exif))
    assert len(found.image.thumbnail) <= 30_000
    for data, side in ((found.image.data, 1_024), (found.image.thumbnail, 320)):
        image = opened(data)
        assert image.height == side
        assert image.width == pytest.approx(side * 2 / 3, abs=1)
        assert not image.getexif()
        assert b"at home" not in data


def test_what_is_transparent_shows_white_and_sixteen_bits_are_read(read):
    [clear] = read("clear.png", png(Image.new("RGBA", (60, 60), (255, 0, 0, 0))))
    assert opened(clear.image.data).getpixel((30, 30)) == (255, 255, 255)
    deep = Image.new("I;16", (60, 60))
    deep.paste(60_000, (0, 0, 30, 60))
    [found] = read("deep.png", png(deep))
    image = opened(found.image.data)
    assert image.getpixel((5, 30))[0] > 200
    assert image.getpixel((55, 30))[0] < 50


def _docx() -> bytes:
    import docx

    document = docx.Document()
    document.add_paragraph("Der Filter wird alle sechs Monate gewechselt.")
    for colour, said in (
        ("red", "Warnschild an der Tür"),
        ("green", "IMG_1.JPG"),
        ("red", "again"),
    ):
        document.add_picture(io.BytesIO(encoded(colour, kind="PNG", side=80)))
        document.inline_shapes[-1]._inline.docPr.set("descr", said)
    document.add_picture(io.BytesIO(encoded("blue", kind="PNG", side=20)))  # a bullet
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_pictures_of_docx_have_their_alternative_texts(read):
    text, *found = read("guide.docx", _docx())
    assert text.id == "guide.docx"
    assert text.image is None
    assert [(one.id, one.text) for one in found] == [
        ("guide.docx#image-1", "Warnschild an der Tür"),
        ("guide.docx#image-2", "guide"),
    ]
    assert {one.source for one in found} == {"guide.docx"}


def test_pictures_of_pptx_stand_on_their_slides(read):
    import pptx

    deck = pptx.Presentation()
    for title, colour in (("One", "red"), ("Our new sign", "green")):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = title
        picture = io.BytesIO(encoded(colour, kind="PNG", side=80))
        slide.shapes.add_picture(picture, 0, 0)
    file = io.BytesIO()
    deck.save(file)
    found = pictures(read("deck.pptx", file.getvalue()))
    assert [(one.text, one.spans[0].page) for one in found] == [("One", 1), ("Our new sign", 2)]


def _archive(parts: dict[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


OPEN = "urn:oasis:names:tc:opendocument:xmlns:"


def test_pictures_of_odf_have_their_descriptions(read):
    content = (
        f'<office:document-content xmlns:office="{OPEN}office:1.0" xmlns:draw="{OPEN}drawing:1.0" '
        f'xmlns:text="{OPEN}text:1.0" xmlns:svg="{OPEN}svg-compatible:1.0" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><office:body><office:text>'
        "<text:p>La pompe se trouve dans la cave.</text:p>"
        '<text:p><draw:frame><draw:image xlink:href="Pictures/a.png"/>'
        "<svg:desc>Plan de la cave</svg:desc></draw:frame></text:p>"
        '<text:p><draw:frame><draw:image xlink:href="https://x.invalid/b.png"/></draw:frame>'
        "</text:p></office:text></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.text"
    data = _archive(
        {
            "mimetype": kind,
            "content.xml": content,
            "Pictures/a.png": encoded("blue", kind="PNG"),
            "META-INF/manifest.xml": "<manifest/>",
        }
    )
    [found] = pictures(read("cave.odt", data))
    assert found.text == "Plan de la cave"


def test_pictures_of_books_have_their_alternative_texts(read):
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>La pompe est à la cave.</p>'
        '<img src="../img/my%20map.png" alt="la carte du village"/>'
        '<img src="../../../etc/passwd" alt="x"/></body></html>'
    )
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>L</dc:title></metadata><manifest>'
        '<item id="a" href="text/a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
        '<rootfiles><rootfile full-path="O/c.opf" media-type="application/oebps-package+xml"/>'
        "</rootfiles></container>"
    )
    data = _archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "O/c.opf": opf,
            "O/text/a.xhtml": page,
            "O/img/my map.png": encoded("green", kind="PNG"),
        }
    )
    [found] = pictures(read("book.epub", data))
    assert found.text == "la carte du village"


def test_pictures_that_a_page_holds_itself_are_taken_and_nothing_is_fetched(read):
    coded = base64.b64encode(encoded("red", kind="PNG")).decode()
    page = (
        '<html lang="de"><body><p>Die Pumpe steht im Keller des Hauses.</p><figure>'
        f'<img src="data:image/png;base64,{coded}" alt="Das Zeichen"><figcaption>Abbildung 1'
        '</figcaption></figure><img src="https://x.invalid/a.png" alt="away">'
        '<img src="data:image/svg+xml,<svg/>"><img src="file:///etc/passwd">'
        '<img src="data:image/png;base64,AAAA" alt="broken"></body></html>'
    )
    found = read("page.html", page.encode())
    assert [one.text for one in pictures(found)] == ["Das Zeichen. Abbildung 1"]
    [problem] = [one for one in found if isinstance(one, Problem)]
    assert "the picture number 5: it is damaged" in problem.reason


def test_pictures_of_a_pdf_stand_on_their_pages(read):
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    for colour in ("red", "green"):
        pdf.add_page()
        pdf.cell(text="The warranty lasts two years from the day of purchase of the pump.")
        pdf.image(Image.open(io.BytesIO(encoded(colour, side=90))), x=20, y=40, w=60)
        pdf.image(Image.open(io.BytesIO(encoded(colour, side=10))), x=20, y=140, w=6)
    found = pictures(read("warranty.pdf", bytes(pdf.output())))
    assert [(one.text, one.spans[0].page) for one in found] == [("warranty", 1), ("warranty", 2)]
    assert opened(found[1].image.data).getpixel((45, 45))[1] > 150


def test_pictures_in_an_archive_are_those_of_its_files(read):
    data = _archive({"in/sign.png": encoded("red", kind="PNG"), "guide.docx": _docx()})
    found = pictures(read("all.zip", data))
    assert [one.id for one in found] == [
        "all.zip/guide.docx#image-1",
        "all.zip/guide.docx#image-2",
        "all.zip/in/sign.png",
    ]


def test_too_many_pictures_are_told_of(tmp_path, sandbox):
    path = tmp_path / "guide.docx"
    path.write_bytes(_docx())
    [loader, _] = with_pictures((DocxLoader(),), None, PictureRules(most=1), sandbox)
    *found, problem = loader.load(path, "guide.docx")
    assert len(pictures(found)) == 1
    assert "3 of its pictures are left out; images.max_per_file is 1" in problem.reason


def _bomb(side: int) -> bytes:
    """A PNG of few bytes that unpacks to ``3 * side * side``."""
    return png(Image.new("1", (side, side)))


def test_a_bomb_is_refused_and_costs_the_text_nothing(read, tmp_path):
    bomb = _bomb(8_000)
    with pytest.raises(LoadError, match="at most 100 MB are read"):
        read("bomb.png", bomb)
    coded = base64.b64encode(bomb).decode()
    page = f'<p>The text stays, whatever the picture.</p><img src="data:image/png;base64,{coded}">'
    text, problem = read("page.html", page.encode())
    assert "The text stays" in text.text
    assert "at most 100 MB" in problem.reason


def test_a_picture_that_would_not_fit_in_memory_costs_the_others_nothing(read):
    """Grey with transparency takes two bytes a pixel, and becomes four, more than once."""
    hungry = base64.b64encode(png(Image.new("LA", (5_700, 5_700)))).decode()
    small = base64.b64encode(encoded("red", kind="PNG")).decode()
    images = "".join(f'<img src="data:image/png;base64,{data}">' for data in (hungry, small))
    found = read("page.html", f"<p>The text stays.</p>{images}".encode())
    assert len(pictures(found)) == 1
    [problem] = [one for one in found if isinstance(one, Problem)]
    assert "unpack to 129 MB; at most 100 MB are read" in problem.reason


def test_a_picture_for_which_there_is_no_memory_is_passed_over_alone():
    def hungry():
        raise MemoryError

    images = (encoded("red"), hungry, encoded("blue"))
    found = [Found(str(place), "", None, image) for place, image in enumerate(images)]
    first, told, last = of_images(found, PicturesOptions(min_side=1, most=9))
    assert told == "the picture 1: it needs more memory than a parser is given"
    assert first != last


@pytest.mark.parametrize("data", [b"", b"no picture", encoded("red")[:200], b"<svg/>"])
def test_a_damaged_file_is_an_error(read, data):
    with pytest.raises(LoadError, match=r"damaged|empty"):
        read("bad.png", data)


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(bytes(2_000_000))
    [*_, files] = (
        one
        for one in default_loaders(ocr=None, pictures=RULES, max_file_mb=1)
        if ".png" in one.suffixes
    )
    files.max_bytes = 1_000_000
    with pytest.raises(LoadLimitExceeded):
        list(files.load(path, "large.png"))


def test_the_loaders_are_as_they_were_where_no_pictures_are_wanted():
    usual = default_loaders()
    assert not any(getattr(loader, "gives_pictures", False) for loader in usual)
    wanted = default_loaders(pictures=RULES)
    assert {suffix for one in wanted for suffix in one.suffixes} == {
        ".gif",
        *(suffix for one in usual for suffix in one.suffixes),
    }
    html = next(one for one in wanted if ".html" in one.suffixes)
    assert RULES.signature in html.version
    [told] = in_encoding("cp1250", [html], None)
    assert told is not html
    assert "cp1250" in told.version


class _Words(ImageLoader):
    """An OCR that finds what the test says."""

    found: ClassVar[list] = []

    def load(self, path, source):
        for one in self.found:
            if isinstance(one, Exception):
                raise one
            yield one


@pytest.mark.parametrize(
    ("said", "text", "notes"),
    [
        ([Document(id="a.png", text="EXIT ONLY", metadata={"ocr": True})], "EXIT ONLY", []),
        ([Problem(source="a.png", reason="too dark")], "a", ["OCR: too dark"]),
        ([LoadError("a.png: not sure")], "a", ["OCR: not sure"]),
    ],
)
def test_what_ocr_reads_is_the_picture_s_text(tmp_path, sandbox, said, text, notes):
    words = _Words(ocr=Ocr(OcrOptions()))
    words.found = said
    path = tmp_path / "a.png"
    path.write_bytes(encoded("red", kind="PNG"))
    *told, found = ImageFiles(words, RULES, sandbox).load(path, "a.png")
    assert (found.id, found.text) == ("a.png", text)
    assert found.image is not None
    assert [note.text for note in told if isinstance(note, Note)] == notes


def test_files_are_read_again_once_the_words_in_them_can_be(sandbox, monkeypatch):
    words = _Words(ocr=Ocr(OcrOptions()))
    files = ImageFiles(words, RULES, sandbox)
    monkeypatch.setattr(_Words, "lacking", "install it")
    before = files.version
    monkeypatch.setattr(_Words, "lacking", "")
    assert files.version != before
    assert RULES.signature in files.version


def test_a_picture_of_one_s_own_is_made_of_a_path_or_bytes(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded("red", kind="PNG"))
    of_path, of_bytes = document_image(path), document_image(path.read_bytes())
    assert of_path == of_bytes
    assert dataclasses.replace(Document(id="a", text="b"), image=of_path).image is of_path
    with pytest.raises(InvalidInput, match="a Path or bytes, got str"):
        document_image("a.png")
