"""Images: what is unpacked of them, and what of them is refused. Needs no Tesseract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rag_engine.connectors.loaders.image import ImageLoader
from rag_engine.connectors.loaders.ocr.document_pages import Ocr
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.ocr.tesseract import Tesseract
from rag_engine.connectors.loaders.parsing.picture import MAX_PIXELS, Picture, PictureOptions
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError, LoadLimitExceeded, LoadSkipped
from rag_engine.file_endings import what_is_read
from tests.connectors.loaders.scans import encode

Draw = Callable[..., Picture]


@pytest.fixture
def unpack(sandbox: Sandbox, tmp_path: Path) -> Draw:
    def draw(data: bytes, page: int = 1, dpi: int = 300) -> Picture:
        path = tmp_path / "image"
        path.write_bytes(data)
        with path.open("rb") as file:
            options = PictureOptions(page=page, dpi=dpi)
            return sandbox.picture("image", file, options, name="a")

    return draw


def pixels(picture: Picture) -> np.ndarray:
    return np.frombuffer(picture.grey, np.uint8).reshape(picture.height, picture.width)


def marked(mode: str = "L") -> Image.Image:
    """Return a white image of 1600 x 40 with a black corner at its upper left."""
    image = Image.new("L", (1600, 40), 255)
    image.paste(0, (0, 0, 400, 20))
    return image.convert(mode)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("PNG", mode) for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16")),
        *(("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
        *(("TIFF", "1"), ("BMP", "RGB"), ("WEBP", "RGB")),
    ],
)
def test_every_kind_of_image_becomes_black_on_white(unpack: Draw, kind: str, mode: str) -> None:
    grey = pixels(unpack(encode(marked(mode), kind)))
    assert grey.shape == (40, 1600)
    assert grey[4:16, 8:392].max() < 12
    assert grey[24:].min() > 243


def test_what_is_transparent_shows_white(unpack: Draw) -> None:
    image = Image.new("RGBA", (1600, 40), (0, 0, 0, 0))
    assert pixels(unpack(encode(image))).min() == 255


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_photograph_is_turned_as_its_camera_says(unpack: Draw, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right: turn it clockwise
    lying = marked().transpose(Image.Transpose.ROTATE_90)
    grey = pixels(unpack(encode(lying, kind, exif=exif)))
    assert grey.shape == (40, 1600)
    assert grey[4:16, 8:392].max() < 12


@pytest.mark.parametrize(
    ("size", "stated", "shape", "dpi"),
    [
        ((2000, 100), 600, (50, 1000), 300),
        ((600, 100), 150, (200, 1200), 300),
        ((600, 100), 72, (200, 1200), 0),
        ((1600, 100), 72, (100, 1600), 0),
        ((10_000, 5_000), 300, (3536, 7071), 212),
    ],
)
def test_the_resolution_is_made_the_one_that_is_asked_for(
    unpack: Draw, size: tuple[int, int], stated: int, shape: tuple[int, int], dpi: int
) -> None:
    picture = unpack(encode(Image.new("L", size, 255), dpi=stated))
    assert pixels(picture).shape == shape
    assert picture.dpi == dpi
    assert picture.width * picture.height <= MAX_PIXELS * 1.001


def test_the_pages_of_a_tiff_are_counted_and_those_of_a_film_are_not(unpack: Draw) -> None:
    pages = [Image.new("L", (1600, 40), shade) for shade in (255, 0)]
    tiff = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert [unpack(tiff, page).grey[0] for page in (1, 2)] == [255, 0]
    assert unpack(tiff).pages == 2
    film = encode(pages[0], "WEBP", save_all=True, append_images=pages[1:], lossless=True)
    assert unpack(film).pages == 1
    with pytest.raises(LoadError, match="it has no page 3"):
        unpack(tiff, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_a_cut_off_image_is_an_error_with_its_reason(unpack: Draw, kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 200), np.uint8)
    data = encode(Image.fromarray(noise), kind)
    with pytest.raises(LoadError, match=r"it is damaged, or no image"):
        unpack(data[: len(data) // 2])


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(100)])
def test_what_is_no_image_is_refused(unpack: Draw, data: bytes) -> None:
    with pytest.raises(LoadError, match=r"it is damaged, or no image"):
        unpack(data)


def test_an_image_that_unpacks_to_too_much_is_refused_before_it_does(unpack: Draw) -> None:
    bomb = encode(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000
    with pytest.raises(LoadLimitExceeded, match=r"20,000 x 20,000 pixels, which unpack to 400 MB"):
        unpack(bomb)


@pytest.mark.parametrize(("required", "kind"), [(False, LoadSkipped), (True, LoadError)])
def test_without_tesseract_it_is_said_what_to_install(
    tmp_path: Path, sandbox: Sandbox, required: bool, kind: type[LoadError]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(marked()))
    ocr = Ocr(OcrOptions(languages=("hi", "en")), tesseract=Tesseract("no-such-command"))
    loader = ImageLoader(ocr=ocr, required=required, sandbox=sandbox)
    with pytest.raises(kind, match="apt-get install tesseract-ocr tesseract-ocr-hin ") as raised:
        list(loader.load(path, "a.png"))
    assert type(raised.value) is kind
    assert "a.png: OCR needs Tesseract" in str(raised.value)
    assert "brew install tesseract" in str(raised.value)


def test_without_pillow_its_endings_name_the_extra(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = ImageLoader(sandbox=sandbox)
    assert what_is_read([loader]).startswith("read are .bmp .jpeg .jpg .png ")
    monkeypatch.setattr(ImageLoader, "needs_extra", ("ocr", "nobody_has"))
    told = what_is_read([loader])
    assert told.startswith("read are none; pip install 'rag-engine[ocr]' adds .bmp .jpeg .jpg .png")
