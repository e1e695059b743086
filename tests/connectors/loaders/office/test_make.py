"""The kept files are what their makers make today, as far as the loaders read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.file_endings import loader_for
from rag_engine.records import Document, Span
from tests.connectors.loaders.office.facts import FACTS
from tests.connectors.loaders.office.make import FILES, MAKERS, office_file
from tests.connectors.loaders.office.soffice import SOFFICE
from tests.marks import unavailable


def test_every_kept_file_is_small_and_has_a_maker_and_a_fact() -> None:
    kept = {path.name.removesuffix(".xz"): path.stat().st_size for path in FILES.iterdir()}
    assert set(kept) == set(MAKERS) == set(FACTS)
    assert max(kept.values()) < 20_000


def documents(folder: Path, name: str, data: bytes) -> list[tuple[str, str, tuple[Span, ...]]]:
    """Return what a file's loader gives."""
    path = folder / name
    path.write_bytes(data)
    loader = loader_for(path, default_loaders())
    assert loader is not None
    read = [one for one in loader.load(path, name) if isinstance(one, Document)]
    return [(document.text, document.title, document.spans) for document in read]


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_a_file_made_today_says_the_same(tmp_path: Path, name: str) -> None:
    if SOFFICE is None:
        unavailable("slow", "LibreOffice (soffice) is not installed")
    pytest.importorskip("pptx")
    pytest.importorskip("aspose.email_foss")
    made, kept = (
        documents(tmp_path, name, data) for data in (MAKERS[name](name), office_file(name))
    )
    assert made == kept
    assert FACTS[name][0] in made[0][0]
