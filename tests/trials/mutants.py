"""Sound files of every kind, and how one is damaged at random."""

from __future__ import annotations

import random

from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.samples import make_docx, make_latin_pdf, make_script_pdf

__all__ = ["KINDS", "SOUND", "mutant"]

TEXT = "Насос подаёт триста литров воды.\n水泵每分钟送水三百升。\nDie Pumpe läuft."

SOUND = {
    "a.txt": TEXT.encode(),
    "b.txt": TEXT.encode("utf-16"),
    "a.md": f"---\ntitle: x\n---\n# A\n\n{TEXT}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> q".encode(),
    "a.html": f"<html lang=ru><title>t</title><body><h1>h</h1><p>{TEXT}<table><tr><td>1".encode(),
    "a.pdf": make_latin_pdf(["The pump delivers water.", "A second page."], title="Pump"),
    "b.pdf": make_script_pdf([TEXT.split("\n"), ["펌프"]]),
    "a.docx": make_docx(lambda document: document.add_heading("Pumpe").add_run(TEXT)),
    "a.csv": f'id,text,n\n1,"{TEXT}",2\n3,"four, five",6\n7,eight,9\n'.encode(),
    "a.tsv": b"id\ttext\n1\tone\n2\ttwo\n",
    "a.jsonl": b'{"id": 1, "text": "one", "n": 1.5}\n{"id": 2, "text": "tw\\u00f6", "m": {}}\n',
    **{
        f"{name[0]}.{name.rpartition('.')[2]}": office_file(name)
        for name in (
            *("calc.ods", "calc.xls", "calc.xlsx", "deck.pptx", "impress.odp", "impress.ppt"),
            *("mail.eml", "outlook.msg", "writer.doc", "writer.epub", "writer.odt", "writer.rtf"),
        )
    },
    "a.json": b'[{"text": "one"}, {"text": "two", "list": [1, 2]}]',
}

KINDS = (
    *(("a.txt", "b.txt"), ("a.md",), ("a.html",), ("a.pdf", "b.pdf"), ("a.docx",)),
    *(("a.csv", "a.tsv"), ("a.jsonl", "a.json")),
    *(("c.xlsx", "d.pptx"), ("c.ods", "i.odp", "w.odt"), ("w.epub",), ("m.eml", "w.rtf")),
    ("c.xls", "i.ppt", "o.msg", "w.doc"),
)
"""Names of the sound files, by their kinds."""


def mutant(data: bytes, dice: random.Random) -> bytes:
    """Damage a file as disks, transfers and attackers do."""
    damaged = bytearray(data)
    for _ in range(dice.choice([1, 1, 3, 10])):
        place = dice.randrange(len(damaged) + 1)
        length = dice.choice([1, 2, 8, 64])
        match dice.randrange(6):
            case 0:
                damaged[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                damaged[place : place + length] = b""
            case 2:
                damaged[place:place] = damaged[place : place + length] * dice.choice([1, 100])
            case 3:
                damaged[place : place + length] = bytes(length)
            case 4:
                del damaged[place:]
            case 5:
                start = dice.randrange(len(damaged) + 1)
                damaged[place : place + length] = damaged[start : start + length]
    return bytes(damaged)
