"""Whatever fails, a command prints its one object, or one line, and has a status that says what."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import inspect as inspect_command
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit

ROOT = Path(__file__).parents[2]
LARGEST = 40_000
"""Bytes that a file may have where there is no room: less than a catalogue."""


def run(*arguments: object, largest: int | None = None, **streams: object):
    """Run the command in a process of its own, in which no file can grow beyond ``largest``."""

    def limit() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    return subprocess.run(
        [sys.executable, "-m", "rag_engine.pipelines.cli", *map(str, arguments)],
        cwd=ROOT,
        text=True,
        preexec_fn=limit,
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )


@pytest.fixture(scope="module")
def kb(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    (folder / "docs").mkdir()
    (folder / "docs" / "a.txt").write_text("Die Pumpe braucht jedes Jahr eine neue Dichtung.")
    assert run("index", folder / "docs", "--kb", folder / "kb").returncode == Exit.DONE
    return folder / "kb"


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """Let no file of this process, or of those that it starts, grow beyond ``LARGEST``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_room_the_object_is_printed_and_nothing_is_lost(tmp_path: Path, kb: Path, capsys):
    there, more = tmp_path / "kb", tmp_path / "more"
    shutil.copytree(kb, there)
    assert (there / "catalogue.sqlite").stat().st_size > LARGEST
    more.mkdir()
    (more / "b.txt").write_text("Der Filter wird gewechselt, sobald er verstopft ist.")

    def command(*arguments: object) -> tuple[int, str, str]:
        return main([*map(str, arguments)]), *capsys.readouterr()

    alone = run("index", more, "--kb", there, "--json", largest=LARGEST)
    with no_room():
        new = command("index", more, "--kb", tmp_path / "new", "--json")
        plain = command("index", more, "--kb", there)
        found = command("search", "Dichtung", "--kb", there, "--json")
    for status, out in ((alone.returncode, alone.stdout), new[:2]):
        assert status == Exit.STORAGE
        printed = json.loads(out)
        assert (printed["ok"], printed["error"]["type"]) == (False, "StorageFailed")
    assert plain[:2] == (Exit.STORAGE, "")
    assert plain[2].count("\n") == 1
    assert found[0] == Exit.DONE
    assert [hit["document"] for hit in json.loads(found[1])["result"]["hits"]] == ["docs/a.txt"]
    assert command("index", more, "--kb", there)[0] == Exit.DONE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NOT TRIED: there is no /dev/full")
def test_an_output_that_takes_nothing(kb: Path):
    with Path("/dev/full").open("w") as full:
        said = run("search", "Pumpe", "--kb", kb, "--json", stdout=full)
        assert said.returncode == Exit.STORAGE
        assert said.stderr.startswith("rag-engine: the output can not be written")
        assert said.stderr.count("\n") == 1
        unheard = run("search", "Pumpe", "--kb", kb / "none", "--json", stderr=full)
    assert unheard.returncode == Exit.FAILED
    assert json.loads(unheard.stdout)["error"]["type"] == "StoreNotFound"


def test_an_output_that_is_closed(kb: Path):
    command = f"'{sys.executable}' -m rag_engine.pipelines.cli search Pumpe --kb '{kb}' >&-"
    said = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=False)
    assert (said.returncode, said.stderr) == (Exit.DONE, b"")


@pytest.mark.parametrize("raised", [TypeError("x"), RecursionError("deep"), MemoryError()])
def test_a_fault_of_ours_is_said_to_be_one(tmp_path: Path, capsys, monkeypatch, raised):
    def fall_over(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(inspect_command, "inspect_location", fall_over)
    status = main(["inspect", "--kb", str(tmp_path), "--json"])
    printed = capsys.readouterr()
    assert status == (Exit.FAILED if isinstance(raised, MemoryError) else Exit.FAULT)
    assert json.loads(printed.out)["error"]["type"] == type(raised).__name__
    assert printed.err.count("\n") == 1
    monkeypatch.setenv("RAG_ENGINE_TRACEBACK", "1")
    assert main(["inspect", "--kb", str(tmp_path)]) == status
    assert "fall_over" in capsys.readouterr().err


def test_an_interruption_prints_its_object_too(tmp_path: Path, capsys, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(inspect_command, "inspect_location", interrupt)
    assert main(["inspect", "--kb", str(tmp_path), "--json"]) == Exit.INTERRUPTED
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "Interrupted"


def test_a_name_that_is_no_text_is_valid_json(tmp_path: Path, kb: Path):
    folder = tmp_path / "docs"
    folder.mkdir()
    try:
        (folder / os.fsdecode(b"b\xffse.xyz")).write_text("x")
    except OSError:
        pytest.skip("NOT TRIED: this file system takes only text as names")
    said = run("index", folder, "--kb", tmp_path / "kb", "--json")
    with contextlib.suppress(ValueError):
        assert json.loads(said.stdout)["command"] == "index"
        return
    pytest.fail(f"no JSON: {said.stdout!r} {said.stderr!r}")
