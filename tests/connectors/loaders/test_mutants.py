"""Sound files of every kind, damaged at random: documents or a typed error, and no hang."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.errors import LoadError
from rag_engine.files import loader_for
from rag_engine.records import Document, Problem
from tests.connectors.loaders.samples import make_docx, make_latin_pdf, make_script_pdf
from tests.waiting import PATIENCE_S

SEED = 20_260
MUTANTS_OF_EACH = 40
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
    "a.json": b'[{"text": "one"}, {"text": "two", "list": [1, 2]}]',
}


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


@pytest.mark.parametrize("name", SOUND)
def test_a_damaged_file_ends_in_documents_or_a_typed_error(name: str, tmp_path: Path) -> None:
    dice = random.Random(f"{SEED} {name}")
    loaders = default_loaders(timeout_s=PATIENCE_S)
    path = tmp_path / name
    loader = loader_for(path, loaders)
    assert loader is not None
    path.write_bytes(SOUND[name])
    assert any(isinstance(each, Document) for each in loader.load(path, name))
    outcomes: Counter[str] = Counter()
    for _ in range(MUTANTS_OF_EACH):
        path.write_bytes(mutant(SOUND[name], dice))
        found: list[Document | Problem | LoadError] = []
        try:
            found += loader.load(path, name)
        except LoadError as error:
            found.append(error)
        for each in found:
            assert isinstance(each, Document | Problem | LoadError)
            outcomes[type(each).__name__] += 1
    assert sum(outcomes.values()) >= MUTANTS_OF_EACH / 3, outcomes
