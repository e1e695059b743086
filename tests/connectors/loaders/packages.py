"""Small packages of Office Open XML, written by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
NAMES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:p188="http://schemas.microsoft.com/office/powerpoint/2018/8/main" '
    f'xmlns:r="{OFFICE}"'
)


def zip_of(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def relations(**named: tuple[str, str]) -> str:
    """Return a part of relations: id = (the last word of the type, the target)."""
    inner = "".join(
        f'<Relationship Id="{identifier}" Type="{OFFICE}/{kind}" Target="{target}"'
        f"{' TargetMode=' + chr(34) + 'External' + chr(34) if '://' in target else ''}/>"
        for identifier, (kind, target) in named.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}">{inner}</Relationships>'


def pptx_of(
    shapes: str, *, extra: Mapping[str, str] | None = None, **related: tuple[str, str]
) -> bytes:
    """Return a PPTX of one slide with these shapes, which names these other parts."""
    slide = f"<p:sld {NAMES}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
    return zip_of(
        {
            "_rels/.rels": relations(r1=("officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f"<p:presentation {NAMES}><p:sldIdLst>"
            '<p:sldId id="256" r:id="r1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": relations(
                r1=("slide", "slides/slide1.xml"), r2=("commentAuthors", "authors.xml")
            ),
            "ppt/authors.xml": f'<p:cmAuthorLst {NAMES}><p:cmAuthor id="0" name="Mira"/>'
            "</p:cmAuthorLst>",
            "ppt/slides/slide1.xml": slide,
            "ppt/slides/_rels/slide1.xml.rels": relations(**related),
            **(extra or {}),
        }
    )


def box(text: str, *, kind: str = "", properties: str = "") -> str:
    """Return a shape of a slide; ``kind`` is that of its placeholder."""
    placeholder = f'<p:ph type="{kind}"/>' if kind else ""
    paragraphs = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="2" name="x" {properties}/><p:nvPr>{placeholder}</p:nvPr>'
        f"</p:nvSpPr><p:txBody>{paragraphs}</p:txBody></p:sp>"
    )
