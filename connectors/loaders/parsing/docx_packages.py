"""Documents inside of a DOCX that call themselves its main part."""

from __future__ import annotations

import io
import zipfile

from docx.opc.oxml import serialize_part_xml
from docx.oxml.parser import parse_xml

__all__ = ["with_packages_as_files"]

_TYPES = "[Content_Types].xml"


def with_packages_as_files(archive: io.BytesIO) -> io.BytesIO:
    """Return the archive with each DOCX in it as a plain file.

    Programs give an inserted DOCX the type of a main part, which is XML; python-docx believes it
    and fails on the whole document.
    """
    with zipfile.ZipFile(archive) as parts:
        inner = {name for name in parts.namelist() if parts.open(name).read(2) == b"PK"}
        if not inner or _TYPES not in parts.namelist():
            archive.seek(0)
            return archive
        types = parse_xml(parts.read(_TYPES))
        endings = {name.rpartition(".")[2].lower() for name in inner}
        for element in types:
            of_part = element.get("PartName", "").lstrip("/") in inner
            of_ending = element.get("Extension", "").lower() in endings
            if of_part or of_ending:
                element.set("ContentType", "application/octet-stream")
        result = io.BytesIO()
        with zipfile.ZipFile(result, "w") as written:
            for name in parts.namelist():
                data = serialize_part_xml(types) if name == _TYPES else parts.read(name)
                written.writestr(zipfile.ZipInfo(name), data)
    result.seek(0)
    return result
