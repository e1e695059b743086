"""The same file by a name in another Unicode form: macOS writes NFD, a keyboard NFC."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag_engine import AddReport, Document, KnowledgeBase, files
from rag_engine.errors import InvalidInput
from rag_engine.file_names import one_form, spellings
from rag_engine.filters import And, Equals, In, Not
from rag_engine.pipelines.cli import main

TEXT = "도서관은 여섯 시에 닫습니다."
NFC = unicodedata.normalize("NFC", "안내/도서관 é.txt")
NFD = unicodedata.normalize("NFD", NFC)
MIXED = f"{NFC.partition('/')[0]}/{NFD.partition('/')[2]}"


@pytest.fixture
def kb(tmp_path: Path, quick_components) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as macOS writes it, in which one file lies."""
    file = tmp_path / NFD
    file.parent.mkdir()
    file.write_text(TEXT, encoding="utf-8")
    return file.parent


def as_an_earlier_version(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, **source: str
) -> None:
    """Index files under their names as they are."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "one_form", lambda name: name)
        for name, text in source.items():
            path = kb.path.parent / "a.txt"
            path.write_text(text, encoding="utf-8")
            kb.add_file(path, source=name)


def test_names_are_kept_in_one_form(kb: KnowledgeBase, folder: Path):
    assert kb.add_files(folder) == AddReport(added=1, chunks=1, files=1)
    assert kb.document_ids() == [NFC]
    (folder / NFD.partition("/")[2]).rename(folder / NFC.partition("/")[2])
    folder.rename(folder.with_name(NFC.partition("/")[0]))
    again = kb.add_files(folder.with_name(NFC.partition("/")[0]), sync=True)
    assert again == AddReport(files=1, unchanged_files=1)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_one_file_and_a_prefix(kb: KnowledgeBase, folder: Path, form: str):
    [path] = folder.iterdir()
    kb.add_files(path, prefix=unicodedata.normalize(form, "안내"))
    assert list(kb.sources()) == [NFC]
    assert kb.add_file(path, source=NFD).unchanged_files == 1


def test_another_folder_of_the_same_name_is_another_folder(kb: KnowledgeBase, folder: Path):
    kb.add_files(folder)
    other = folder.with_name(one_form(folder.name))
    other.mkdir()
    (other / "a.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(InvalidInput, match="another prefix"):
        kb.add_files(other)


@pytest.mark.parametrize("name", [NFC, NFD])
@pytest.mark.parametrize("kept", [NFC, NFD, MIXED])
def test_deleted_and_read_by_either_form(kb: KnowledgeBase, monkeypatch, kept: str, name: str):
    as_an_earlier_version(kb, monkeypatch, **{kept: TEXT})
    assert kb.document_ids() == [kept]
    document = kb.document(name)
    assert document is not None
    assert document.text == TEXT
    assert kb.delete([name]) == [kept]
    as_an_earlier_version(kb, monkeypatch, **{kept: f"{TEXT} {TEXT}"})
    assert kb.delete_source(name) == [kept]
    assert kb.sources() == {}


def test_an_id_that_is_there_is_meant_as_it_is(kb: KnowledgeBase):
    kb.add(Document(id=form, text=TEXT) for form in (NFC, NFD))
    assert kb.delete([NFD]) == [NFD]
    assert kb.document_ids() == [NFC]


@pytest.mark.parametrize("name", [NFC, NFD])
@pytest.mark.parametrize("kept", [NFC, NFD, MIXED])
def test_filtered_by_either_form(kb: KnowledgeBase, monkeypatch, kept: str, name: str):
    as_an_earlier_version(kb, monkeypatch, **{kept: TEXT, "other.txt": f"{TEXT} {TEXT}"})
    for key in ("source", "document_id"):
        wanted = [Equals(key, name), In(key, (name, "none")), And(Not(Not(Equals(key, name))))]
        for where in wanted:
            assert [hit.source for hit in kb.search(TEXT, where=where)] == [kept]
        assert [hit.source for hit in kb.search(TEXT, where=Not(wanted[0]))] == ["other.txt"]


def test_a_filter_of_many_names(kb: KnowledgeBase):
    kb.add([Document(id=NFD, text=TEXT)])
    many = In("source", (*(f"é{number}/é.txt" for number in range(9_999)), NFC))
    assert [hit.source for hit in kb.search(TEXT, where=And(many, many))] == [NFD]


def test_what_an_earlier_version_kept_is_replaced(kb: KnowledgeBase, folder: Path, monkeypatch):
    as_an_earlier_version(kb, monkeypatch, **{NFD: TEXT, MIXED: "It was here twice.", "b": TEXT})
    assert kb.add_files(folder) == AddReport(added=1, deleted=2, chunks=1, files=1)
    assert list(kb.sources()) == ["b", NFC] or list(kb.sources()) == [NFC, "b"]
    assert kb.document_ids() == sorted(kb.sources())
    assert kb.add_files(folder).unchanged_files == 1


def test_twice_where_one_is_unchanged(kb: KnowledgeBase, folder: Path, monkeypatch):
    kb.add_files(folder)
    as_an_earlier_version(kb, monkeypatch, **{NFD: TEXT})
    assert kb.add_files(folder).deleted == 1
    assert kb.document_ids() == [NFC]


@pytest.mark.parametrize("now", ["a link to nothing", "a folder", "too long"])
def test_a_file_that_can_not_be_read_keeps_what_was(
    kb: KnowledgeBase, folder: Path, monkeypatch, now: str
):
    as_an_earlier_version(kb, monkeypatch, **{NFD: TEXT})
    [path] = folder.iterdir()
    if now == "too long":
        path.write_bytes(b"x" * 10_000_001)
    else:
        path.unlink()
        if now == "a link to nothing":
            path.symlink_to("nothing")
        else:
            path.mkdir()
    kept = kb.add_files(folder, sync=True, allow_empty=True).deleted == 0
    assert kept == (now != "a folder")
    assert kb.document_ids() == [NFD] * kept


def test_two_files_in_two_forms_are_told_of(kb: KnowledgeBase, folder: Path):
    name = NFC.partition("/")[2]
    (folder / name).write_text("It is the NFC one.", encoding="utf-8")
    report = kb.add_files(folder)
    assert [problem.source for problem in report.problems] == [NFC]
    reason = report.problems[0].reason
    assert ascii(name)[1:-1] in reason.partition(" is read")[0]
    assert ascii(NFD.partition("/")[2])[1:-1] in reason.partition(" is read")[2]
    document = kb.document(NFC)
    assert document is not None
    assert document.text == "It is the NFC one."


def test_deleted_by_the_name_of_the_listing_and_indexed_again(
    tmp_path: Path, folder: Path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["index", str(folder), "--kb", "kb"]) == 0
    assert main(["delete", NFD, "--kb", "kb"]) == 0
    assert f"deleted: {NFC}" in capsys.readouterr().out
    assert main(["index", str(folder), "--kb", "kb"]) == 0
    assert "1 added" in capsys.readouterr().out


def test_spellings():
    assert set(spellings(MIXED)) >= {NFC, NFD, MIXED}
    assert len(spellings("/".join(["é"] * 40))) == 2
