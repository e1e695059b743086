"""Damaged and hostile office files, books and mails, and what must become of each."""

from __future__ import annotations

from collections.abc import Callable

from rag_engine.errors import LoadError, LoadLimitExceeded
from tests.connectors.loaders.office.flat import flat
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import box, pptx_of, zip_of
from tests.connectors.loaders.samples import change_zip

__all__ = ["ANY", "BAD_OFFICE_FILES", "Expected"]

Expected = type[LoadError] | str | None
"""An error, documents of which one holds a text (for "": one that is blank), or either."""

ANY: Expected = None

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LOCKED = OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
ARCHIVES = {
    "pptx": ("deck.pptx", "ppt/slides/slide1.xml"),
    "xlsx": ("calc.xlsx", "xl/worksheets/sheet1.xml"),
    "odt": ("writer.odt", "content.xml"),
    "epub": ("writer.epub", "OEBPS/content.opf"),
}
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]><a>&c;&d;</a>'
)
BINARY = {"xls": "calc.xls", "doc": "writer.doc", "ppt": "impress.ppt", "msg": "outlook.msg"}


def inflated(kind: str) -> bytes:
    name, _ = ARCHIVES[kind]
    return change_zip(office_file(name), lambda _, part: part, {"big.xml": b" " * 200_000_000})


def with_part(kind: str, part: bytes) -> bytes:
    name, wanted = ARCHIVES[kind]
    return change_zip(office_file(name), lambda found, old: part if found == wanted else old)


def circular(kind: str) -> bytes:
    """Let every sector of a compound file follow itself."""
    data = bytearray(office_file(BINARY[kind]))
    first = 512 * (1 + int.from_bytes(data[76:80], "little"))  # the first sector of the table
    for number in range(128):
        data[first + 4 * number : first + 4 * number + 4] = number.to_bytes(4, "little")
    return bytes(data)


def wide_sheet() -> bytes:
    """A cell in the last column of every row, and rows as far down as there are any."""
    rows = "".join(
        f'<row r="{n * 50 + 1}"><c r="XFD{n * 50 + 1}"><v>1</v></c></row>' for n in range(20_000)
    )
    sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData>'
    merged = "".join(f'<mergeCell ref="XFD{n * 50 + 1}:XFD1048576"/>' for n in range(2_000))
    return with_part("xlsx", f"{sheet}<mergeCells>{merged}</mergeCells></worksheet>".encode())


def repeated_cells() -> bytes:
    cell = "<table:table-cell table:number-columns-repeated='16384'><text:p>word</text:p>"
    row = f"<table:table-row table:number-rows-repeated='1048576'>{cell}</table:table-cell>"
    return flat("spreadsheet", f"<table:table>{row}</table:table-row></table:table>")


def of_every_archive() -> dict[str, tuple[str, Callable[[], bytes], Expected]]:
    found: dict[str, tuple[str, Callable[[], bytes], Expected]] = {}
    for kind, (name, _) in ARCHIVES.items():
        found |= {
            f"empty {kind}": (f"a.{kind}", lambda: b"", LoadError),
            f"truncated {kind}": (
                f"a.{kind}",
                lambda name=name: office_file(name)[:-900],
                LoadError,
            ),
            f"locked {kind}": (f"a.{kind}", lambda: LOCKED, LoadError),
            f"{kind} bomb": (f"a.{kind}", lambda kind=kind: inflated(kind), LoadLimitExceeded),
            f"entities in {kind}": (
                f"a.{kind}",
                lambda kind=kind: with_part(kind, BOMB),
                "संग्रहालय" if kind == "pptx" else "ห้อง" if kind == "xlsx" else LoadError,
            ),
            f"deep {kind}": (
                f"a.{kind}",
                lambda kind=kind: with_part(kind, b"<a>" * 100_000 + b"</a>" * 100_000),
                "संग्रहालय" if kind == "pptx" else "ห้อง" if kind == "xlsx" else LoadError,
            ),
            f"text named {kind}": (f"a.{kind}", lambda: b"Just some text.", LoadError),
        }
    for kind, name in BINARY.items():
        found |= {
            f"empty {kind}": (f"a.{kind}", lambda: b"", LoadError),
            f"half {kind}": (
                f"a.{kind}",
                lambda name=name: office_file(name)[: len(office_file(name)) // 3],
                LoadError,
            ),
            f"circular {kind}": (f"a.{kind}", lambda kind=kind: circular(kind), LoadError),
            f"archive named {kind}": (f"a.{kind}", lambda: zip_of({"a.txt": "x"}), LoadError),
        }
    return found


BAD_OFFICE_FILES: dict[str, tuple[str, Callable[[], bytes], Expected]] = {
    **of_every_archive(),
    "slides that are one": (
        "a.pptx",
        lambda: pptx_of(box("word") * 5_000),
        "word",
    ),
    "deep groups": (
        "a.pptx",
        lambda: pptx_of("<p:grpSp>" * 5_000 + "</p:grpSp>" * 5_000),
        LoadError,
    ),
    "far cells": ("a.xlsx", wide_sheet, ANY),
    "repeated cells": ("a.fods", repeated_cells, "word"),
    "empty eml": ("a.eml", lambda: b"", LoadError),
    "no mail": ("a.eml", lambda: b"Just some text.\n" * 99, LoadError),
    "many parts of a mail": (
        "a.eml",
        lambda: (
            b"Subject: x\nContent-Type: multipart/mixed; boundary=B\n\n" + b"--B\n\nx\n" * 50_000
        ),
        LoadLimitExceeded,
    ),
    "mail that names no end": (
        "a.eml",
        lambda: (
            b"Subject: x\n"
            + b"".join(
                b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n)
                for n in range(5_000)
            )
        ),
        LoadError,
    ),
    "mail of quotes": ("a.eml", lambda: b"Subject: x\n\n" + b">" * 1_000_000 + b"\n> word", "word"),
    "bomb in a mail": (
        "a.eml",
        lambda: (
            b"Subject: x\nContent-Type: application/zip; name=a.odt\n"
            b"Content-Disposition: attachment; filename=a.odt\n\n" + inflated("odt")[:9]
        ),
        "",
    ),
    "empty rtf": ("a.rtf", lambda: b"", LoadError),
    "deep rtf": ("a.rtf", lambda: rb"{\rtf1" + b"{" * 2_000_000, LoadLimitExceeded),
    "open rtf": ("a.rtf", lambda: rb"{\rtf1 word" + rb"\'e4" * 300_000, "word"),
    "rtf of rows": ("a.rtf", lambda: rb"{\rtf1 word" + rb"\trowd\cellx1\cell\row" * 50_000, "word"),
    "rtf of cells": (
        "a.rtf",
        lambda: rb"{\rtf1 word\par\trowd" + rb"\cellx1 a\cell" * 90_000,
        "word",
    ),
    "skipped rtf": ("a.rtf", lambda: rb"{\rtf1\uc100\u9?" + b"x" * 99 + rb"word\bin-5}", "word"),
}
