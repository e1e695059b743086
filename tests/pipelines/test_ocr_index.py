"""Scans by the command line: indexed, found from another language, and not read twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import main
from tests.connectors.loaders.scans import SHEETS, draw, encode, need_tesseract, scanned_pdf
from tests.waiting import PATIENCE_S, wait_until

QUESTIONS = {
    "hin": "How many days of paid leave does an employee get in a year?",
    "ara": "Who has to sign the permit before somebody enters the water tank?",
    "tha": "What has to be switched off first when the warehouse is flooded?",
    "deu": "How long is the warranty of the cooling system?",
}


@pytest.fixture(autouse=True)
def _tesseract() -> None:
    need_tesseract()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "scans"
    home.mkdir()
    for language, sheet in SHEETS.items():
        name = home / f"{language}_page"
        if language in {"hin", "deu"}:
            name.with_suffix(".pdf").write_bytes(scanned_pdf([draw(sheet)]))
        else:
            name.with_suffix(".png").write_bytes(encode(draw(sheet)))
    return home


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict]:
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)["result"]


def test_scans_are_found_first_by_a_question_in_english(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    status, report = run(capsys, "index", folder, "--kb", kb)
    assert status == 0
    assert report["added"] == 4
    notes = {note["source"]: note["text"] for note in report["notes"]}
    assert len(notes) == 4
    assert all("page 1 was read by OCR (" in text and "% sure" in text for text in notes.values())
    for language, question in QUESTIONS.items():
        _, found = run(capsys, "search", question, "--kb", kb, "-k", "4")
        first = found["hits"][0]
        assert first["source"].startswith(f"scans/{language}_page"), question
        assert first["metadata"]["ocr"] is True
        assert first["metadata"]["ocr_confidence"] > 0.85
        assert first["page"] == 1
    # Nothing has changed: no page is read again, and nothing is told twice.
    status, report = run(capsys, "index", folder, "--kb", kb)
    assert (status, report["unchanged_files"], report["notes"]) == (0, 4, [])
    (tmp_path / "rag.toml").write_text('[ocr]\nlanguages = ["de"]\n', encoding="utf-8")
    settings = ("--settings", tmp_path / "rag.toml")
    status, report = run(capsys, "index", folder, "--kb", kb, *settings)
    assert status == 3  # of three scans the German model is not sure
    assert report["unchanged_files"] == 0


def test_a_run_that_is_interrupted_ends_tesseract_with_it_and_goes_on_later(
    capsys, tmp_path: Path, folder: Path
):
    """Ctrl-C in the middle of a page: nothing is left running, and what was read is kept."""
    many = folder / "zz_many.pdf"
    many.write_bytes(scanned_pdf([draw(SHEETS["deu"])] * 30))
    command = [sys.executable, "-m", "rag_engine.pipelines.cli", "index", str(folder)]
    process = subprocess.Popen([*command, "--kb", str(tmp_path / "kb")], stderr=subprocess.PIPE)
    wait_until(lambda: _readers_of(process.pid), "for Tesseract")
    readers = _readers_of(process.pid)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode not in {0, 70}, said
    wait_until(lambda: not any(map(_is_alive, readers)), "for the end of Tesseract")
    many.unlink()
    status, report = run(capsys, "index", folder, "--kb", tmp_path / "kb")
    assert status == 0
    assert report["added"] + report["unchanged_files"] == 4


def _readers_of(parent: int) -> list[int]:
    """Return the processes of Tesseract that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = path.read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if name == "tesseract" and int(rest.split()[1]) == parent:
            found.append(int(path.parent.name))
    return found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
