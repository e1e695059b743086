"""``rag-engine health``: lines for people, one object, a page."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase, Settings
from rag_engine.errors import MissingExtra, ServiceUnreachable
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from tests.doubles import ColourImages
from tests.health.test_report import FAULTS, Writer, documents


@pytest.fixture(scope="module")
def kb(tmp_path_factory, real_components):
    path = tmp_path_factory.mktemp("health") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add([*documents(), *FAULTS])
    return str(path)


def test_lines_a_page_and_what_to_do(kb, tmp_path, capsys):
    page = tmp_path / "health.html"
    assert main(["health", "--kb", kb, "--html", str(page)]) == Exit.DONE
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "16 passages of 16 documents in 2 languages; looked at: all"
    at = next(
        number
        for number, line in enumerate(lines)
        if line.startswith("LOOK copies: passages that repeat")
    )
    assert lines[at + 1].startswith("     -> they take each other's place")
    assert lines[at + 2].startswith("        [en] en/0#0 (as copy#0): The bakery")
    assert any(line.startswith("not told hubs:") for line in lines)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"written: {page}" in printed.err


def test_one_object(kb, capsys):
    assert main(["health", "--kb", kb, "--json", "--questions", "0", "--sample", "5"]) == Exit.DONE
    result = json.loads(capsys.readouterr().out)["result"]
    assert (result["passages"], result["looked_at"], result["asked"]) == (16, 5, None)
    assert {each["check"] for each in result["findings"]} >= {"copies", "hubs", "garbage"}


@pytest.mark.parametrize(
    "error",
    [MissingExtra("cpu", package="openvino"), ServiceUnreachable("no server answers")],
    ids=lambda error: type(error).__name__,
)
def test_without_the_model(kb, capsys, monkeypatch, error):
    def missing(*_, **__):
        raise error

    monkeypatch.setattr("rag_engine.connectors.wiring.build_embedder", missing)
    assert main(["health", "--kb", kb]) == Exit.DONE
    printed = capsys.readouterr()
    assert "without a model: " in printed.err
    assert "not told pseudo-questions: none were asked: the model " in printed.out
    assert "LOOK copies: passages that repeat another one to the letter: 1 of 16" in printed.out


def test_an_empty_one_says_what_to_do(tmp_path, real_components, capsys):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=real_components):
        pass
    assert main(["health", "--kb", str(path)]) == Exit.DONE
    assert capsys.readouterr().out.splitlines() == [
        f"nothing to look at: index something first: rag-engine index FOLDER --kb {path}"
    ]


def test_one_is_said_as_one(tmp_path, real_components, capsys):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add(list(documents())[:1])
    assert main(["health", "--kb", str(path), "--questions", "0"]) == Exit.DONE
    out = capsys.readouterr().out
    assert out.startswith("1 passage of 1 document in 1 language; looked at: all\n")
    assert "not told copies: fewer than two passages: there is nothing to compare" in out
    assert "ok   garbage" in out
    assert main(["health", "--kb", str(path), "--sample", "0"]) != Exit.DONE
    assert "sample is a whole number, 1 to 20,000; got 0" in capsys.readouterr().err


def test_what_is_not_there_is_told(tmp_path, capsys):
    assert main(["health", "--kb", str(tmp_path / "none")]) == Exit.FAILED
    assert "no knowledge base" in capsys.readouterr().err


def test_a_part_that_health_does_not_need_may_be_missing(
    tmp_path, real_components, capsys, monkeypatch
):
    settings = Settings.model_validate(
        {
            "reranker": {"kind": "cross-encoder", "model": "not-here"},
            "generator": {"kind": "openai-compatible", "model": "m", "base_url": "http://[::1]:9"},
            "retrieval": {"translate": ["en"]},
            "answering": {"prompt": "{sources} {question}"},
            "images": {"model": "not-here"},
        }
    )
    path = tmp_path / "kb"
    components = replace(real_components, generator=Writer(), images=ColourImages())
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        kb.add(documents())
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra):
        KnowledgeBase.open(path, read_only=True)
    assert main(["health", "--kb", str(path)]) == Exit.DONE
    printed = capsys.readouterr()
    assert "without a model" not in printed.err
    assert "found across languages" in printed.out


def test_a_folder_whose_name_is_no_text(kb, tmp_path):
    path = tmp_path / os.fsdecode(b"kb-\xe9")
    shutil.copytree(kb, path)
    page = tmp_path / "health.html"
    assert main(["health", "--kb", str(path), "--questions", "0", "--html", str(page)]) == Exit.DONE
    assert r"kb-\xe9" in page.read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_page_that_can_not_be_written_names_its_file(kb, capsys):
    options = ["--questions", "0", "--html", "/dev/full"]
    assert main(["health", "--kb", kb, *options]) == Exit.STORAGE
    assert "writing the page failed: /dev/full: No space left" in capsys.readouterr().err
