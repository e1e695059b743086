"""Templates, shows and files with macros hold the text of plain ones."""

from __future__ import annotations

import io
import re
import zipfile
from itertools import groupby

import pytest

from rag_engine.connectors.loaders.parsing.endings import parse_by_ending
from rag_engine.connectors.loaders.parsing.parsed import Parsed
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.samples import change_zip, make_docx

KINDS = [
    ("writer.docm", "writer.odt"),
    ("writer.dotx", "writer.odt"),
    ("writer.ott", "writer.odt"),
    ("calc.xlsm", "calc.xlsx"),
    ("calc.xltx", "calc.xlsx"),
    ("calc.ots", "calc.ods"),
    ("impress.pptm", "impress.pptx"),
    ("impress.potx", "impress.pptx"),
    ("impress.ppsx", "impress.pptx"),
    ("impress.otp", "impress.odp"),
]


def sections(parsed: Parsed) -> list[tuple[str, ...]]:
    """Return the sections in their order; where only the language changes, one goes on."""
    return [section for section, _ in groupby(part.section for part in parsed.stretches)]


@pytest.mark.parametrize(("name", "plain"), KINDS)
def test_a_file_of_libreoffice_says_what_the_plain_one_says(name: str, plain: str) -> None:
    found, expected = (parse_by_ending(office_file(each), each) for each in (name, plain))
    same = expected.text.replace(fact(plain), fact(name))
    # Between a list's number and its text, formats put blanks of different kinds, or none.
    assert re.sub(r"\s+", "", found.text) == re.sub(r"\s+", "", same)
    assert sections(found) == sections(expected)
    assert found.title == expected.title


@pytest.mark.parametrize(
    "kind",
    [
        "vnd.ms-word.document.macroEnabled.main+xml",
        "vnd.ms-word.document.macroenabled.main+xml",
        "vnd.ms-word.template.macroEnabledTemplate.main+xml",
        "vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    ],
)
def test_macros_of_a_docx_are_not_read(kind: str) -> None:
    plain = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    data = make_docx(lambda document: document.add_paragraph("Der Brief."))
    types = "[Content_Types].xml"
    changed = change_zip(
        data,
        lambda name, part: (
            part.replace(plain.encode(), f"application/{kind}".encode()) if name == types else part
        ),
        {"word/vbaProject.bin": b"PK is how no macro begins, and how a DOCX in a DOCX does"},
    )
    assert kind.encode() in changed_part(changed, types)
    assert parse_by_ending(changed, "a.docm").text == "Der Brief."


def changed_part(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)
