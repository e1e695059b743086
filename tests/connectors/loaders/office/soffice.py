"""LibreOffice as a maker of files, and what of theirs is kept small."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

SOFFICE = shutil.which("soffice")
"""The program, or None where LibreOffice is not installed."""

_HEAD_OF_SUMMARY = 600
_DEAD_WEIGHT = ("slidelayout", "slidemaster", "theme", "thumbnail", "printersettings")


def convert(data: bytes, source: str, target: str) -> bytes:
    """Have LibreOffice open a file with one ending and store it with another."""
    assert SOFFICE is not None
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / f"a.{source}").write_bytes(data)
        subprocess.run(
            [
                *(SOFFICE, f"-env:UserInstallation={(place / 'profile').as_uri()}", "--headless"),
                *("--convert-to", target, "--outdir", place / "out", place / f"a.{source}"),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )
        return (place / "out" / f"a.{target.partition(':')[0]}").read_bytes()


def slimmed(data: bytes) -> bytes:
    """Return an archive without its designs and pictures, which nothing here reads."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for entry in old.infolist():
            if not any(word in entry.filename.lower() for word in _DEAD_WEIGHT):
                stored = entry.filename == "mimetype"
                info = zipfile.ZipInfo(entry.filename)
                info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                new.writestr(info, old.read(entry))
    return out.getvalue()


def without_thumbnail(data: bytes) -> bytes:
    """Return a binary presentation whose little picture of itself is blank."""
    import olefile

    file = io.BytesIO(data)
    with olefile.OleFileIO(file, write_mode=True) as ole:
        name = "\x05SummaryInformation"
        head = ole.openstream(name).read()
        ole.write_stream(name, head[:_HEAD_OF_SUMMARY].ljust(len(head), b"\0"))
        return file.getvalue()
