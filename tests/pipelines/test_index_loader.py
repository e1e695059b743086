"""``rag-engine index --loader``: what a document loader gives, indexed by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from tests.waiting import PATIENCE_S

WIKI = """
import json
from pathlib import Path

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

class Wiki(BaseLoader):
    def lazy_load(self):
        for page in json.loads(Path(__file__).with_name("pages.json").read_text("utf-8")):
            if page is None:
                raise ConnectionError("the wiki is gone")
            yield Document(**page)

def broken():
    return 5
"""


def page(text: str, source: str, **metadata: Any) -> dict[str, Any]:
    return {"page_content": text, "metadata": {"source": source, **metadata}}


PAGES: list[dict[str, Any] | None] = [
    page(
        "Die Garantie der Pumpe gilt vier Jahre.", "https://example.org/garantie", title="Garantie"
    ),
    page("يغلق المتجر يوم الجمعة.", "https://example.org/hours"),
    page("倉庫の鍵は受付にあります。", "https://example.org/key"),
]


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    pytest.importorskip("langchain_core")
    (tmp_path / "own_wiki.py").write_text(WIKI, encoding="utf-8")
    write(tmp_path, PAGES)
    return tmp_path


def write(wiki: Path, pages: list[dict[str, Any] | None]) -> None:
    (wiki / "pages.json").write_text(json.dumps(pages), encoding="utf-8")


def rag_engine(wiki: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run the command in a process of its own, as a person does."""
    paths = os.pathsep.join([str(wiki), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "rag_engine.pipelines.cli", *words, "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": paths},
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_a_loader_of_langchain_is_indexed_asked_and_kept_in_step(wiki: Path) -> None:
    index = ("index", "--loader", "own_wiki:Wiki", "--kb", str(wiki / "kb"), "--sync")
    status, told = rag_engine(wiki, *index)
    assert status == Exit.DONE
    assert told["result"] == {
        "prefix": "own_wiki:Wiki",
        "added": 3,
        "updated": 0,
        "unchanged": 0,
        "deleted": 0,
        "chunks": 3,
    }
    question = "How long is the pump guaranteed?"
    _, found = rag_engine(wiki, "search", question, "--kb", str(wiki / "kb"), "-k", "1")
    [hit] = found["result"]["hits"]
    assert hit["document"] == "own_wiki:Wiki/https://example.org/garantie"
    assert (hit["source"], hit["title"]) == ("https://example.org/garantie", "Garantie")

    write(wiki, [PAGES[0], page("Der Laden schließt am Freitag.", "https://example.org/hours")])
    status, told = rag_engine(wiki, *index)
    result = told["result"]
    assert (result["unchanged"], result["updated"], result["deleted"]) == (1, 1, 1)
    assert (status, result["chunks"]) == (Exit.DONE, 1)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.fixture
def index(wiki: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.syspath_prepend(wiki)
    monkeypatch.delitem(sys.modules, "own_wiki", raising=False)
    return ("index", "--loader", "own_wiki:Wiki", "--prefix", "wiki", "--kb", str(wiki / "kb"))


def test_nothing_is_dropped_when_the_loader_fails_or_gives_nothing(
    capsys: pytest.CaptureFixture[str], wiki: Path, index: tuple[str, ...]
) -> None:
    run(capsys, *index)
    write(wiki, [PAGES[0], None])
    status, told = run(capsys, *index, "--sync")
    assert (status, told["error"]["type"]) == (Exit.FAILED, "LoadError")
    assert "failed after 1 documents: ConnectionError: the wiki is gone" in told["error"]["message"]
    write(wiki, [])
    status, told = run(capsys, *index, "--sync")
    assert (status, told["error"]["type"]) == (Exit.FAILED, "FolderEmpty")
    _, told = run(capsys, "inspect", "--kb", str(wiki / "kb"))
    assert told["result"]["documents"] == 3
    status, told = run(capsys, *index, "--sync", "--allow-empty")
    assert (status, told["result"]["deleted"]) == (Exit.DONE, 3)


def test_a_bad_document_is_listed_and_the_others_are_indexed(
    capsys: pytest.CaptureFixture[str], wiki: Path, index: tuple[str, ...]
) -> None:
    write(wiki, [page("", "https://example.org/empty"), *PAGES])
    status, told = run(capsys, *index)
    assert (status, told["result"]["added"]) == (Exit.PROBLEMS, 3)
    assert told["problems"] == [
        {"source": "wiki/https://example.org/empty", "reason": "it holds no text"}
    ]
    main(list(index))
    assert "documents: 0 added, 0 updated, 3 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["index", "--kb", "kb"], Exit.USAGE, "got neither"),
        (["index", "docs", "--loader", "own_wiki:Wiki", "--kb", "kb"], Exit.USAGE, "got both"),
        (["index", "--loader", "own_wiki:none", "--kb", "kb"], Exit.FAILED, "holds no 'none'"),
        (["index", "--loader", "own_wiki:broken", "--kb", "kb"], Exit.FAILED, "gives int, which"),
    ],
)
@pytest.mark.usefixtures("index")
def test_what_can_not_be_done_is_told_before_a_knowledge_base_is_made(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    status: Exit,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == status
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "kb").exists()
