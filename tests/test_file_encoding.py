"""``--encoding``: what text files are in, said by somebody who knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.errors import InvalidInput
from rag_engine.file_encoding import checked_encoding
from rag_engine.pipelines.cli import main

TEXT = "Smörgåsbord à la crème"
FILES = {
    "a.txt": TEXT,
    "b.md": f"# {TEXT}\n\n{TEXT}",
    "c.html": f"<meta charset=utf-8><p>{TEXT}</p>",
    "d.csv": f"id,text\n1,{TEXT}\n",
    "e.jsonl": f'{{"id": "1", "text": "{TEXT}"}}\n',
    "f.json": f'[{{"id": "1", "text": "{TEXT}"}}]',
    "g.adoc": f"= {TEXT}\n\n{TEXT}",
    "h.rst": f"{TEXT}\n{'=' * 22}\n\n{TEXT}",
    "i.srt": f"1\n00:00:01,000 --> 00:00:02,000\n{TEXT}\n",
    "j.po": f'msgid ""\nmsgstr "Content-Type: charset=utf-8\\n"\n\nmsgid "a"\nmsgstr "{TEXT}"\n',
    "k.xml": f'<?xml version="1.0" encoding="utf-8"?><a>{TEXT}</a>',
    "l.rss": f"<rss><channel><item><title>{TEXT}</title></item></channel></rss>",
    "m.ipynb": f'{{"cells": [{{"cell_type": "raw", "source": "{TEXT}"}}]}}',
}


@pytest.fixture
def kb(tmp_path: Path, quick_components) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "old"
    home.mkdir()
    for name, text in FILES.items():
        (home / name).write_bytes(text.encode("cp437"))
    return home


def test_every_kind_of_text_is_read_in_it(kb: KnowledgeBase, folder: Path):
    report = kb.add_files(folder, encoding="IBM437")
    assert (report.added, report.problems) == (len(FILES), ())
    for name in kb.document_ids():
        document = kb.document(name)
        assert document is not None
        assert TEXT in document.text
        if "#" not in name:
            assert document.metadata["encoding"] == "cp437"
    assert kb.add_files(folder, encoding="cp437").unchanged_files == len(FILES)
    assert kb.add_files(folder, encoding="cp850").unchanged_files == 0


def test_a_file_that_is_not_in_it_is_a_problem_and_the_others_are_read(
    kb: KnowledgeBase, folder: Path
):
    (folder / "y.txt").write_text(TEXT, encoding="utf-8")
    (folder / "z.csv").write_text(f"id,text\n1,{TEXT}\n", encoding="utf-8")
    report = kb.add_files(folder, encoding="utf-8")
    assert report.added == 2
    assert [problem.source for problem in report.problems] == [f"old/{name}" for name in FILES]
    reasons = [problem.reason for problem in report.problems]
    assert reasons[0].startswith("it is not in utf-8: byte 2 begins no character of it;")
    assert reasons[3].startswith("it is not in utf-8: byte 12 begins no character of it;")


def test_every_kind_of_text_tells_what_was_lost(kb: KnowledgeBase, folder: Path):
    for name, content in FILES.items():
        data = content.replace(TEXT, f"{TEXT} " * 20).encode()
        (folder / name).write_bytes(data.replace(b"cr\xc3\xa8me", b"cr\xffme", 1))
    report = kb.add_files(folder)
    assert report.added == len(FILES)
    assert [problem.source for problem in report.problems] == [f"old/{name}" for name in FILES]
    for problem in report.problems:
        assert problem.reason.startswith("1 characters could not be decoded as utf-8; ")


@pytest.mark.parametrize("name", ["cp9999", "rot13", "base64", "unicode_escape", "idna", "", "\0"])
def test_no_encoding_of_text(kb: KnowledgeBase, folder: Path, name: str):
    with pytest.raises(InvalidInput, match="there is no text encoding"):
        checked_encoding(name)
    with pytest.raises(InvalidInput, match="there is no text encoding"):
        kb.add_files(folder, encoding=name)


def test_a_file_that_says_its_own_takes_none(kb: KnowledgeBase, tmp_path: Path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(InvalidInput, match=r"\.pdf files say theirs themselves"):
        kb.add_files(tmp_path / "a.pdf", encoding="cp437")


def test_on_the_command_line(tmp_path: Path, folder: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["index", str(folder / "a.txt"), "--kb", "kb", "--encoding", "cp9999"]) == 1
    assert "cp9999" in capsys.readouterr().err
    assert not (tmp_path / "kb").exists()
    assert main(["index", str(folder / "a.txt"), "--kb", "kb", "--encoding", "cp437"]) == 0


def test_lost_characters_are_printed(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(("вода " * 50).encode() + b"\xff " + "вода".encode())
    assert main(["index", "a.txt", "--kb", "kb"]) == 3
    printed = capsys.readouterr()
    assert "1 added" in printed.out
    assert "1 characters could not be decoded as utf-8" in printed.err
