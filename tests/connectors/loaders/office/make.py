"""Makes the files beside this one: ``python -m tests.connectors.loaders.office.make [NAME ...]``.

LibreOffice writes most of them, from sources of a few lines; python-pptx and others the rest. Each
is below 20 kB, and so it is kept: LibreOffice is not on every machine that runs the tests.
"""

from __future__ import annotations

import lzma
import sys
from collections.abc import Callable
from pathlib import Path

from tests.connectors.loaders.office.books import workbook_source, written_book
from tests.connectors.loaders.office.bundles import archive_by_zip, page_by_chromium, written_box
from tests.connectors.loaders.office.decks import deck
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.mails import mail, outlook_mail
from tests.connectors.loaders.office.soffice import convert, slimmed, without_thumbnail
from tests.connectors.loaders.office.texts import text_source

FILES = Path(__file__).parent / "files"
MAKERS: dict[str, Callable[[str], bytes]] = {
    "deck.pptx": lambda name: slimmed(deck(fact(name), title="Leitfaden")),
    "impress.pptx": lambda name: slimmed(convert(deck(fact(name)), "pptx", "pptx")),
    "writer.xlsx": lambda name: slimmed(written_book(fact(name))),
    "calc.xlsx": lambda name: slimmed(convert(workbook_source(fact(name)), "fods", "xlsx")),
    "calc.xls": lambda name: convert(workbook_source(fact(name)), "fods", "xls"),
    "calc.ods": lambda name: slimmed(convert(workbook_source(fact(name)), "fods", "ods")),
    "writer.odt": lambda name: slimmed(convert(text_source(fact(name)), "fodt", "odt")),
    "writer.epub": lambda name: slimmed(convert(text_source(fact(name)), "fodt", "epub")),
    "mail.eml": lambda name: mail(fact(name), {"Liste.csv": b"Ort,Text\nNord,offen\n"}),
    "writer.rtf": lambda name: convert(text_source(fact(name)), "fodt", "rtf"),
    "outlook.msg": lambda name: outlook_mail(fact(name), {"Liste.csv": b"Ort,Text\nNord,offen\n"}),
    "writer.doc": lambda name: convert(text_source(fact(name)), "fodt", "doc"),
    "impress.ppt": lambda name: without_thumbnail(convert(deck(fact(name)), "pptx", "ppt")),
    "impress.odp": lambda name: slimmed(convert(deck(fact(name)), "pptx", "odp")),
    "writer.docm": lambda name: _template(text_source, name, "MS Word 2007 XML VBA"),
    "writer.dotx": lambda name: _template(text_source, name, "MS Word 2007 XML Template"),
    "writer.ott": lambda name: _template(text_source, name, "writer8_template"),
    "calc.xlsm": lambda name: _template(workbook_source, name, "Calc MS Excel 2007 VBA XML"),
    "calc.xltx": lambda name: _template(workbook_source, name, "Calc MS Excel 2007 XML Template"),
    "calc.ots": lambda name: _template(workbook_source, name, "calc8_template"),
    "impress.pptm": lambda name: _template(deck, name, "Impress MS PowerPoint 2007 XML VBA"),
    "impress.potx": lambda name: _template(deck, name, "Impress MS PowerPoint 2007 XML Template"),
    "impress.ppsx": lambda name: _template(deck, name, "Impress MS PowerPoint 2007 XML AutoPlay"),
    "impress.otp": lambda name: _template(deck, name, "impress8_template"),
    "box.mbox": lambda name: written_box(fact(name)),
    "page.mhtml": lambda name: page_by_chromium(fact(name)),
    "papers.zip": lambda name: archive_by_zip(fact(name)),
}
"""What makes each file, given its name."""


def _template(source: Callable[[str], bytes], name: str, of: str) -> bytes:
    """Have LibreOffice store a document as a template, with macros, or as a show."""
    stem, _, ending = name.partition(".")
    given = {"writer": "fodt", "calc": "fods", "impress": "pptx"}[stem]
    return slimmed(convert(source(fact(name)), given, f"{ending}:{of}"))


def office_file(name: str) -> bytes:
    """Return one of the kept files; a large one is kept packed."""
    packed = FILES / f"{name}.xz"
    return lzma.decompress(packed.read_bytes()) if packed.exists() else (FILES / name).read_bytes()


def main(names: list[str]) -> None:
    """Make the files of these names, or all."""
    for name in names or MAKERS:
        data = MAKERS[name](name)
        if name.endswith((".doc", ".msg", ".ppt", ".xls")):
            data, name = lzma.compress(data, preset=9), f"{name}.xz"
        (FILES / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
