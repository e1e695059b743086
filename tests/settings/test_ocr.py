"""The settings of OCR: what they refuse, and how they reach the loaders."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine import KnowledgeBase, Settings
from rag_engine.connectors import wiring
from rag_engine.connectors.loaders.image import ImageLoader
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.errors import SettingsError
from rag_engine.files import loader_for
from tests.connectors.loaders.samples import make_latin_pdf


def settings(**ocr: object) -> Settings:
    return Settings.checked({"ocr": ocr}, origin="my.toml")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"enabled": "on"}, r"ocr\.enabled.*'auto', 'never' or 'always'.*got 'on'"),
        ({"languages": ["Hindi language"]}, r"ocr\.languages.*'hi', 'zh-Hant'.*'Hindi language'"),
        ({"languages": ["hi", "hi"]}, r"ocr\.languages.*named twice"),
        ({"dpi": 50}, r"ocr\.dpi.*100.*got 50"),
        ({"min_confidence": 50}, r"ocr\.min_confidence.*1.*got 50"),
        ({"page_timeout_s": 0}, r"ocr\.page_timeout_s.*greater than 0"),
        ({"pages": 3}, r"ocr\.pages.*not permitted"),
        ({"enabled": "never", "dpi": 300}, r"ocr\.dpi = 300 has no effect: ocr\.enabled = 'never'"),
    ],
)
def test_what_can_not_be_is_refused_with_its_name_and_value(
    table: dict[str, object], told: str
) -> None:
    with pytest.raises(SettingsError, match=rf"my\.toml: {told}"):
        settings(**table)


def test_they_reach_the_loaders_of_images_and_pdf_files() -> None:
    table = {
        "languages": ("hi", "script/Latin"),
        "dpi": 400,
        "min_confidence": 0.7,
        "page_timeout_s": 5.0,
        "file_timeout_s": 50.0,
    }
    given = settings(enabled="always", **table)
    loaders = wiring.build_loaders(given.loaders, given.ocr)
    pdf, image = (loader_for(Path(name), loaders) for name in ("a.pdf", "a.PNG"))
    assert isinstance(pdf, PdfLoader)
    assert isinstance(image, ImageLoader)
    assert pdf._ocr is image._ocr
    assert pdf._ocr.options == OcrOptions(every_page=True, **table)
    assert image._required


def test_never_means_that_no_loader_reads_images() -> None:
    given = settings(enabled="never")
    loaders = wiring.build_loaders(given.loaders, given.ocr)
    assert loader_for(Path("a.png"), loaders) is None
    assert loader_for(Path("a.pdf"), loaders)._ocr is None


def test_defaults_are_those_of_the_loaders_and_change_no_file_s_fingerprint() -> None:
    assert wiring._ocr(Settings().ocr) == OcrOptions()
    loaders = wiring.build_loaders(Settings().loaders, Settings().ocr)
    assert {getattr(loader, "version", "") for loader in loaders} == {""}


def test_a_change_reads_pdf_files_anew_and_no_others(tmp_path: Path, quick_components) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(make_latin_pdf(["The pump is cleaned every week."]))
    (folder / "b.txt").write_text("The filter is not.", encoding="utf-8")
    read_again = []
    for table in ({}, {}, {"languages": ["de"]}, {"page_timeout_s": 60.0}):
        kb_settings = settings(**table)
        with KnowledgeBase.open(
            tmp_path / "kb", settings=kb_settings, components=quick_components
        ) as kb:
            read_again.append(2 - kb.add_files(folder).unchanged_files)
    # The last one has no language any more; time is no reason to read a file again.
    assert read_again == [2, 0, 1, 1]
