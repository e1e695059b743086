"""``rag-engine backup`` and ``restore`` as a person or a script uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.pipelines import progress
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path):
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.fixture
def kb(tmp_path: Path, capsys) -> Path:
    (tmp_path / "notes").mkdir()
    for n in range(5):
        (tmp_path / "notes" / f"{n}.txt").write_text(f"The pump number {n} hums.", encoding="utf-8")
    assert run_json(capsys, "index", tmp_path / "notes", "--kb", tmp_path / "kb")[0] == Exit.DONE
    return tmp_path / "kb"


def test_a_backup_is_searched_checked_and_restored(capsys, tmp_path, kb):
    backup, again = tmp_path / "backups" / "monday", tmp_path / "again"
    status, told = run_json(capsys, "backup", "--kb", kb, "--to", backup)
    assert (status, told["result"]["documents"], told["result"]["index"]) == (Exit.DONE, 5, True)
    status, told = run_json(capsys, "check", "--kb", backup)
    assert (status, told["result"]["intact"]) == (Exit.DONE, True)
    status, told = run_json(capsys, "search", "pump number 3", "--kb", backup)
    assert told["result"]["hits"][0]["document"] == "notes/3.txt"
    status, told = run_json(capsys, "restore", backup, "--kb", again)
    assert (status, told["result"]["folder"]) == (Exit.DONE, str(again))
    status, told = run_json(capsys, "index", tmp_path / "notes", "--kb", again)
    assert told["result"]["unchanged_files"] == 5
    status, told = run_json(capsys, "restore", backup, "--kb", again)
    assert (status, told["error"]["type"]) == (Exit.FAILED, "StoreError")
    assert "again-2" in told["error"]["message"]


def test_what_is_left_out_is_said_and_how_far_it_is(capsys, tmp_path, kb, monkeypatch):
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    target = tmp_path / "small"
    words = ["backup", "--kb", kb, "--to", target, "--without-index", "--unverified"]
    assert main([*map(str, words)]) == Exit.DONE
    printed = capsys.readouterr()
    assert printed.out.startswith("5 documents, 5 chunks of revision")
    assert "copied and verified" not in printed.out
    assert "without the index, which is built anew when it is opened" in printed.out
    assert "copying passages: 5 of 5" in printed.err
    assert not (target / "manifest.json").exists()
