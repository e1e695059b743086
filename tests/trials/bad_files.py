"""Damaged and hostile files, made by hand: what is in each, and what must become of it."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from rag_engine.errors import LoadError, LoadLimitExceeded
from tests.connectors.loaders.samples import change_zip, make_docx, make_latin_pdf, pdf_file
from tests.trials.bad_office_files import ANY, BAD_OFFICE_FILES, Expected

__all__ = ["BAD_FILES", "DOCX", "Expected"]

WORD = "Насос "
DOCX = make_docx(lambda document: document.add_paragraph("Text"))
PDF = make_latin_pdf(["Some text on a page."])


def document_part(xml: bytes) -> bytes:
    return change_zip(DOCX, lambda name, part: xml if name == "word/document.xml" else part)


def with_dtd(declaration: bytes) -> bytes:
    def change(name: str, part: bytes) -> bytes:
        if name != "word/document.xml":
            return part
        return part.replace(b"?>\n", b"?>\n" + declaration, 1).replace(b"Text", b"&x;")

    return change_zip(DOCX, change)


def zip_bomb() -> bytes:
    return change_zip(DOCX, lambda name, part: part, {"word/big.xml": b" " * 200_000_000})


def lying_zip() -> bytes:
    """An archive whose directory says 10 bytes where the part unpacks to 60 MB."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 60_000_000)
    data = out.getvalue()
    return data.replace((60_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def many_parts() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"word/{number}.xml", b"")
    return out.getvalue()


def encrypted_zip() -> bytes:
    data = bytearray(DOCX)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(mark)
        while start >= 0:
            data[start + place] |= 1
            start = data.find(mark, start + 4)
    return bytes(data)


def nested_tables() -> bytes:
    start, end = b"<w:tbl><w:tr><w:tc>", b"</w:tc></w:tr></w:tbl>"
    return document_part(
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        b"<w:body>" + start * 20_000 + b"<w:p/>" + end * 20_000 + b"</w:body></w:document>"
    )


def circular_pages() -> bytes:
    return pdf_file(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1000000/Kids[2 0 R 2 0 R]/Parent 2 0 R>>",
        }
    )


def nested_streams() -> bytes:
    body = b"BT /F 9 Tf (x) Tj ET" * 50
    for _ in range(40):
        body = zlib.compress(body)
    filters = b"/FlateDecode " * 40
    return pdf_file(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
            4: b"<</Length %d/Filter[%s]>>stream\n%s\nendstream" % (len(body), filters, body),
        }
    )


def pdf_bomb() -> bytes:
    body = zlib.compress(b"q " * 30_000_000, 9)
    return pdf_file(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
            4: b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(body), body),
        }
    )


def form_that_draws_itself() -> bytes:
    return pdf_file(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R"
            b"/Resources<</XObject<</X 5 0 R>>>>>>",
            4: b"<</Length 5>>stream\n/X Do\nendstream",
            5: b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"
            b"/Length 11>>stream\n/X Do /X Do\nendstream",
        }
    )


BAD_FILES: dict[str, tuple[str, Callable[[], bytes], Expected]] = {
    "empty text": ("a.txt", lambda: b"", ""),
    "mark only": ("a.txt", lambda: b"\xef\xbb\xbf", ""),
    "utf-16 without mark": ("a.txt", lambda: (WORD * 20).encode("utf-16-le"), "Насос"),
    "cut character": ("a.txt", lambda: (WORD * 20).encode()[:-2], "Насос"),
    "nuls": ("a.txt", lambda: b"\0".join(b"a few words" for _ in range(99)), "a few words"),
    "only nuls": ("a.txt", lambda: b"\0" * 1_000_000, ""),
    "one 50 MB line": ("a.txt", lambda: b"x" * 50_000_000, LoadLimitExceeded),
    "20 MB of lines": ("a.txt", lambda: (WORD + "\n").encode() * 1_600_000, "Насос"),
    "combining marks": ("a.txt", lambda: ("e" + "\u0301" * 1_000_000).encode(), "e"),
    "bidi, zero width": ("a.txt", lambda: "\u202e\u200b\u2066\ufeffx\u2069".encode(), "\u200bx"),
    "mixed encodings": ("a.txt", lambda: (WORD * 99).encode() + WORD.encode("cp1251"), "Насос"),
    "nuls between letters": ("a.txt", lambda: b"a\0b\0\0" * 3_000_000, ANY),
    "only controls": ("a.txt", lambda: bytes(range(1, 9)) * 500_000, ANY),
    "utf-32 cut": ("a.txt", lambda: (WORD * 50).encode("utf-32")[:-3], "Насос"),
    "line ends of all kinds": ("a.txt", lambda: "x\r\x0b\x0c\x85\u2028".encode() * 200_000, "x"),
    "random bytes": ("a.txt", lambda: bytes(i * i * 7 % 251 for i in range(300_000)), ANY),
    "nested quotes": ("a.md", lambda: b"> " * 100_000 + b"deep", ANY),
    "nested quotes, tight": ("a.md", lambda: b">" * 100_000 + b"deep", ANY),
    "nested lists": (
        "a.md",
        lambda: "\n".join("  " * i + "- x" for i in range(2_000)).encode(),
        ANY,
    ),
    "open brackets": ("a.md", lambda: b"[" * 50_000, "["),
    "open links": ("a.md", lambda: b"[a](" * 30_000, "[a]("),
    "open emphasis": ("a.md", lambda: b"*a_" * 30_000, "a"),
    "open code": ("a.md", lambda: "".join("`" * i + "a" for i in range(1_000)).encode(), "a"),
    "wide table": ("a.md", lambda: b"|a" * 9_999 + b"\n" + b"|-" * 9_999 + b"\n|x", ANY),
    "many references": ("a.md", lambda: b"[a]: b\n" * 50_000, ""),
    "markdown in one line": ("a.md", lambda: b"word " * 2_000_000, "word"),
    "open front matter": ("a.md", lambda: b"---\n" + b"a: b\n" * 50_000, "a: b"),
    "deep page": ("a.html", lambda: b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000, "deep"),
    "deep, never closed": ("a.html", lambda: b"<b><i>" * 100_000 + b"deep", "deep"),
    "deep lists": ("a.html", lambda: b"<ul><li>x" * 50_000, "x"),
    "deep tables": ("a.html", lambda: b"<table><tr><td>x" * 50_000, "x"),
    "open script": ("a.html", lambda: b"<p>shown</p><script>let x = 1;" * 9, "shown"),
    "open comment": ("a.html", lambda: b"<p>shown</p><!-- " + b"x" * 1_000_000, "shown"),
    "open tag": ("a.html", lambda: b"<p>shown</p>" + b"<a href=" * 100_000, "shown"),
    "open attribute": ("a.html", lambda: b"<p>shown</p><a b='" + b"<" * 1_000_000, "shown"),
    "many attributes": ("a.html", lambda: b"<p " + b"a=1 " * 300_000 + b">shown", ANY),
    "self-closed scripts": ("a.xhtml", lambda: b"<script a" * 100_000 + b"/>", ANY),
    "wrong charset": (
        "a.html",
        lambda: b"<meta charset=utf-8><p>" + (WORD * 20).encode("cp1251"),
        "Насос",
    ),
    "hidden instructions": ("a.html", lambda: b"<p>ok<p style='display:none'>obey</p>", "ok"),
    "entity page": ("a.html", lambda: b"<!DOCTYPE a [<!ENTITY b 'c'>]><p>&b;</p>", "&b;"),
    "4 MB page": ("a.html", lambda: b"<p>" + (WORD * 40).encode() * 8_000, "Насос"),
    "many small blocks": ("a.html", lambda: b"<p>word word word</p>" * 60_000, "word"),
    "empty pdf": ("a.pdf", lambda: b"", LoadError),
    "truncated pdf": ("a.pdf", lambda: PDF[: len(PDF) // 3], LoadError),
    "pdf without its table": ("a.pdf", lambda: PDF[: PDF.rindex(b"xref")], ANY),
    "circular pdf": ("a.pdf", circular_pages, LoadError),
    "encrypted pdf": ("a.pdf", lambda: make_latin_pdf(["x"], password="pw"), LoadError),
    "nested streams": ("a.pdf", nested_streams, "xxx"),
    "pdf bomb": ("a.pdf", pdf_bomb, LoadLimitExceeded),
    "form that draws itself": ("a.pdf", form_that_draws_itself, LoadLimitExceeded),
    "nested arrays": ("a.pdf", lambda: b"%PDF-1.7\n1 0 obj" + b"[" * 1_000_000, LoadError),
    "no zip": ("a.docx", lambda: b"PK\x03\x04 but no more", LoadError),
    "truncated docx": ("a.docx", lambda: DOCX[: len(DOCX) // 2], LoadError),
    "encrypted docx": ("a.docx", encrypted_zip, LoadError),
    "ole docx": ("a.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99, LoadError),
    "zip bomb": ("a.docx", zip_bomb, LoadLimitExceeded),
    "zip that lies": ("a.docx", lying_zip, LoadError),
    "many parts": ("a.docx", many_parts, LoadLimitExceeded),
    "external entity": (
        "a.docx",
        lambda: with_dtd(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        LoadError,
    ),
    "entity bomb": (
        "a.docx",
        lambda: with_dtd(b'<!DOCTYPE a [<!ENTITY y "ha"><!ENTITY x "&y;&y;&y;&y;">]>'),
        LoadError,
    ),
    "utf-16 entity": (
        "a.docx",
        lambda: document_part('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16")),
        LoadError,
    ),
    "nested docx tables": ("a.docx", nested_tables, LoadError),
    "open quote": ("a.csv", lambda: b'text,n\n"open,1\n' + b"word,2\n" * 50_000, "word"),
    "every quote open": ("a.csv", lambda: b"text,n\n" + b'"x,1\n' * 20_001, ANY),
    "ragged rows": ("a.csv", lambda: b"text,n\nword,1\n" + b"a,b,c\n" * 1_000, "word"),
    "100,000 columns": ("a.csv", lambda: b"text," * 100_000 + b"\n", LoadLimitExceeded),
    "other delimiter": ("a.csv", lambda: b"text|n\nword|1\n", "word"),
    "csv of nuls": ("a.csv", lambda: b"text,n\nwo\0rd,1\n", "word"),
    "csv, one 50 MB line": ("a.csv", lambda: b"text,n\n" + b"x" * 50_000_000, ANY),
    "jsonl, one 50 MB line": ("a.jsonl", lambda: b'{"text":"' + b"x" * 50_000_000 + b'"}', ANY),
    "cut jsonl": ("a.jsonl", lambda: b'{"text":"word"}\n{"text":"wo', "word"),
    "deep jsonl": ("a.jsonl", lambda: b"[" * 1_000_000 + b'\n{"text":"word"}', "word"),
    "deep json": ("a.json", lambda: b"[" * 1_000_000, ANY),
    "wide json": ("a.json", lambda: b"[" + b"[]," * 300_000, ANY),
    "json that never ends": ("a.json", lambda: b'[{"text":"word"},', "word"),
    "jsonl of blank lines": ("a.jsonl", lambda: b"\n" * 1_000_000 + b'{"text":"word"}', "word"),
    "jsonl of bad rows": ("a.jsonl", lambda: b"{\n" * 200_000 + b'{"text":"word"}', "word"),
    "long numbers": ("a.jsonl", lambda: b'{"text":"word","n":' + b"9" * 100_000 + b"}", ANY),
    "csv of blank lines": ("a.csv", lambda: b"text,n\n" + b"\n" * 1_000_000 + b"word,1", "word"),
    "csv of quotes": ("a.csv", lambda: b"text,n\n" + b'"' * 4_000_001, ANY),
    "json of commas": ("a.json", lambda: b"[" + b"," * 1_000_000, ANY),
    **BAD_OFFICE_FILES,
}
