"""PDFs whose fonts do not tell which letters they draw."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document, Problem
from tests.connectors.loaders.samples import make_script_pdf
from tests.text.test_legible import ENGLISH, by_glyph, in_order


def test_a_page_without_letters_is_reported_and_the_others_are_kept(
    sandbox: Sandbox, load: Callable[..., list[Document | Problem]]
):
    pages = [["One page of text."], [by_glyph(ENGLISH[:90])], ["Another page of text."]]
    document, problem = load(PdfLoader(sandbox=sandbox), "a.pdf", make_script_pdf(pages))
    assert isinstance(document, Document)
    assert document.text == "One page of text.\n\nAnother page of text."
    assert [span.page for span in document.spans] == [1, 3]
    assert problem == Problem(
        source="a.pdf",
        reason=(
            "no text that can be read on page 2: its letters make no words of any language; "
            "run OCR over the file (ocr.enabled = 'never')"
        ),
    )


def test_a_file_without_any_letters_is_an_error(
    sandbox: Sandbox, load: Callable[..., list[Document | Problem]]
):
    pages = [[in_order(ENGLISH[:90], "\ue000")]]
    with pytest.raises(LoadError, match=r"its signs are controls .*on 1 of 1 pages\); run OCR"):
        load(PdfLoader(sandbox=sandbox), "a.pdf", make_script_pdf(pages))
