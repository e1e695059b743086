"""The kept files are what their makers make today, as far as the loaders read them."""

from __future__ import annotations

import pytest

from rag_engine.connectors.loaders.parsing.endings import parse_by_ending
from tests.connectors.loaders.office.facts import FACTS
from tests.connectors.loaders.office.make import FILES, MAKERS, office_file
from tests.connectors.loaders.office.soffice import SOFFICE
from tests.marks import unavailable


def test_every_kept_file_is_small_and_has_a_maker_and_a_fact() -> None:
    kept = {path.name.removesuffix(".xz"): path.stat().st_size for path in FILES.iterdir()}
    assert set(kept) == set(MAKERS) == set(FACTS)
    assert max(kept.values()) < 20_000


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_a_file_made_today_says_the_same(name: str) -> None:
    if SOFFICE is None:
        unavailable("slow", "LibreOffice (soffice) is not installed")
    pytest.importorskip("pptx")
    pytest.importorskip("aspose.email_foss")
    made, kept = (parse_by_ending(data, name) for data in (MAKERS[name](name), office_file(name)))
    assert FACTS[name][0] in made.text
    assert (made.text, made.title, made.stretches) == (kept.text, kept.title, kept.stretches)
