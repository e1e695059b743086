"""From files of every office format, book and mail to the passage that answers a question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from tests.connectors.loaders.office.facts import FACTS
from tests.connectors.loaders.office.make import office_file

pytestmark = pytest.mark.slow


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path):
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)["result"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    """A knowledge base of the folder, made by the command line."""
    folder = tmp_path_factory.mktemp("formats") / "files"
    folder.mkdir()
    for name in FACTS:
        (folder / name).write_bytes(office_file(name))
    kb = folder.parent / "kb"
    assert main(["index", str(folder), "--kb", str(kb)]) == Exit.DONE
    return kb


def test_every_file_is_a_document_and_what_is_left_out_is_told(capsys, found: Path) -> None:
    status, report = run_json(capsys, "inspect", "--kb", found)
    assert status == Exit.DONE
    assert report["documents"] == len(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_an_english_question_finds_the_passage(capsys, found: Path, name: str) -> None:
    sentence, question = FACTS[name]
    status, result = run_json(capsys, "search", question, "--kb", found, "-k", "10")
    assert status == Exit.DONE
    places = [hit["source"] for hit in result["hits"] if sentence in hit["text"]]
    assert places == [f"files/{name}"]
