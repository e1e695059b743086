"""Small tagged PDF files, written by hand: each line, picture and artifact is a marked content.

``tagged_pdf`` writes pages of elements side by side, ``structured_pdf`` a page of nested ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Element", "Piece", "structured_pdf", "tagged_pdf"]


class Piece(NamedTuple):
    """What a page draws at a height: ``kind`` is its structure's type, or Artifact.

    Of a Figure ``text`` is what stands for it; of anything else, what is drawn.
    """

    kind: str
    text: str
    y: int
    size: int = 11


def tagged_pdf(pages: Sequence[Sequence[Piece]], *, typeface: str = "Helvetica") -> bytes:
    """Return a file of pages 420 points wide and high."""
    tree, font = 3, 4
    page_numbers = [5 + 2 * number for number in range(len(pages))]
    objects: dict[int, bytes] = {
        1: (
            f"<</Type/Catalog/Pages 2 0 R/StructTreeRoot {tree} 0 R/MarkInfo<</Marked true>>>>"
        ).encode(),
        2: (
            f"<</Type/Pages/Count {len(pages)}"
            f"/Kids[{' '.join(f'{number} 0 R' for number in page_numbers)}]>>"
        ).encode(),
        font: (
            f"<</Type/Font/Subtype/Type1/BaseFont/{typeface}/Encoding/WinAnsiEncoding>>"
        ).encode(),
    }
    elements: list[int] = []
    parents: list[str] = []
    following = 5 + 2 * len(pages)
    for number, (page, pieces) in enumerate(zip(page_numbers, pages, strict=True)):
        own: list[int] = []
        drawn: list[bytes] = []
        for piece in pieces:
            if piece.kind == "Artifact":
                drawn.append(b"/Artifact BMC\n%s\nEMC" % _drawn(piece))
                continue
            mark = len(own)
            drawn.append(
                b"/%s<</MCID %d>>BDC\n%s\nEMC" % (piece.kind.encode(), mark, _drawn(piece))
            )
            alternative = f"/Alt{_string(piece.text)}" if piece.kind == "Figure" else ""
            objects[following] = (
                f"<</Type/StructElem/S/{piece.kind}/P {tree} 0 R/Pg {page} 0 R/K {mark}"
                f"{alternative}>>"
            ).encode("latin-1")
            own.append(following)
            following += 1
        stream = b"\n".join(drawn)
        objects[page] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 420]/Contents {page + 1} 0 R"
            f"/StructParents {number}/Resources<</Font<</F {font} 0 R>>>>>>"
        ).encode()
        objects[page + 1] = b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream)
        elements += own
        parents.append(f"{number}[{' '.join(f'{each} 0 R' for each in own)}]")
    objects[tree] = (
        f"<</Type/StructTreeRoot/K[{' '.join(f'{each} 0 R' for each in elements)}]"
        f"/ParentTree<</Nums[{' '.join(parents)}]>>>>"
    ).encode()
    return _file(objects)


@dataclass(kw_only=True)
class Element:
    """An element of a page's structure: what is in it, or a text that is drawn at a place.

    ``told`` is what else its dictionary holds, as PDF writes it.
    """

    kind: str
    inner: Sequence[Element] = ()
    text: str = ""
    x: int = 40
    y: int = 0
    told: str = ""


def structured_pdf(elements: Sequence[Element], *, told: str = "") -> bytes:
    """Return a file of one page; ``told`` is what else the catalogue holds."""
    numbers = {id(each): number for number, each in enumerate(_every(elements), start=6)}
    objects: dict[int, bytes] = {
        1: (
            f"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 3 0 R/MarkInfo<</Marked true>>{told}>>"
        ).encode(),
        2: b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
        4: (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 420]/Contents 5 0 R/StructParents 0"
            b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica"
            b"/Encoding/WinAnsiEncoding>>>>>>>>"
        ),
    }
    stream: list[bytes] = []
    marked: list[int] = []

    def write(each: Element, parent: int) -> None:
        number = numbers[id(each)]
        kids = [f"{numbers[id(inner)]} 0 R" for inner in each.inner]
        if each.text:
            kids.append(str(len(marked)))
            drawn = f"BT /F 11 Tf {each.x} {each.y} Td {_string(each.text)} Tj ET"
            stream.append(f"/{each.kind}<</MCID {len(marked)}>>BDC\n{drawn}\nEMC".encode("cp1252"))
            marked.append(number)
        objects[number] = (
            f"<</Type/StructElem/S/{each.kind}/P {parent} 0 R/Pg 4 0 R/K[{' '.join(kids)}]"
            f"{each.told}>>"
        ).encode("latin-1")
        for inner in each.inner:
            write(inner, number)

    for each in elements:
        write(each, 3)
    kids = " ".join(f"{numbers[id(each)]} 0 R" for each in elements)
    owners = " ".join(f"{number} 0 R" for number in marked)
    objects[3] = f"<</Type/StructTreeRoot/K[{kids}]/ParentTree<</Nums[0[{owners}]]>>>>".encode()
    drawn = b"\n".join(stream)
    objects[5] = b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn)
    return _file(objects)


def _every(elements: Sequence[Element]) -> Iterator[Element]:
    for each in elements:
        yield each
        yield from _every(each.inner)


def _drawn(piece: Piece) -> bytes:
    if piece.kind == "Figure":
        return f"q 0.5 g 40 {piece.y} 60 30 re f Q".encode()
    return f"BT /F {piece.size} Tf 40 {piece.y} Td {_string(piece.text)} Tj ET".encode("cp1252")


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"({escaped})"


def _file(objects: dict[int, bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number in sorted(objects):
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % places[number] for number in sorted(places))
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)
