"""``rag-engine check`` as a person or a script uses it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path):
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def damage(kb: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(kb / "catalogue.sqlite")) as other, other:
        other.execute(sql)


def test_a_check_a_repair_and_the_files_again(capsys, tmp_path: Path):
    folder, kb = tmp_path / "notes", tmp_path / "kb"
    folder.mkdir()
    for n in range(5):
        (folder / f"{n}.txt").write_text(f"The pump number {n} hums.", encoding="utf-8")
    assert run_json(capsys, "index", folder, "--kb", kb)[0] == Exit.DONE

    status, report = run_json(capsys, "check", "--kb", kb)
    assert status == Exit.DONE
    assert report["problems"] == []
    assert {name: report["result"][name] for name in ("documents", "chunks", "intact")} == {
        "documents": 5,
        "chunks": 5,
        "intact": True,
    }

    damage(kb, "UPDATE chunk SET text = 'The pump number 7 hums.' WHERE id = 3")
    status, report = run_json(capsys, "search", "pump", "--kb", kb)
    assert (status, report["error"]["type"]) == (Exit.FAILED, "StoreCorrupt")
    status, report = run_json(capsys, "check", "--kb", kb)
    assert status == Exit.PROBLEMS
    assert report["result"]["repairs"] == ["rag-engine check --repair"]
    [damaged] = report["result"]["damaged"]
    assert damaged["document"].startswith("notes/")

    status, report = run_json(capsys, "check", "--kb", kb, "--repair")
    assert status == Exit.PROBLEMS
    assert report["result"]["repaired"]["saved"] == 4
    assert Path(report["result"]["repaired"]["damaged_file"]).exists()
    [problem] = report["problems"]
    assert damaged["document"] in problem["reason"]

    status, report = run_json(capsys, "index", folder, "--kb", kb)
    assert (status, report["result"]["added"]) == (Exit.DONE, 1)
    assert run_json(capsys, "check", "--kb", kb)[0] == Exit.DONE
    status, report = run_json(capsys, "search", "pump", "--kb", kb)
    assert len(report["result"]["hits"]) == 5


def test_a_damaged_index_is_built_anew(capsys, tmp_path: Path):
    (tmp_path / "a.txt").write_text("The pump hums.", encoding="utf-8")
    kb = tmp_path / "kb"
    run_json(capsys, "index", tmp_path / "a.txt", "--kb", kb)
    (kb / "manifest.json").write_text("{}", encoding="utf-8")
    status, report = run_json(capsys, "check", "--kb", kb)
    assert (status, report["result"]["repairs"]) == (Exit.PROBLEMS, ["rag-engine compact"])
    status, report = run_json(capsys, "check", "--kb", kb, "--repair")
    assert (status, report["problems"]) == (Exit.DONE, [])
    assert run_json(capsys, "check", "--kb", kb)[0] == Exit.DONE


def test_there_is_nothing_to_check(capsys, tmp_path: Path):
    status, report = run_json(capsys, "check", "--kb", tmp_path)
    assert (status, report["error"]["type"]) == (Exit.FAILED, "StoreNotFound")
