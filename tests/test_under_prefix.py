"""Documents under a prefix: added again they cost nothing, and what comes no more can go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import FolderEmpty, InvalidInput
from rag_engine.records import Problem
from tests.doubles import HashEmbedder

TEXTS = {"a": "Die Pumpe läuft.", "b": "水泵在运行。", "c": "المضخة تعمل."}


def documents(*ids: str) -> list[Document | Problem]:
    return [
        Document(id=name, text=TEXTS[name], source=f"https://example.org/{name}") for name in ids
    ]


@pytest.fixture
def kb(tmp_path, quick_components) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as opened:
        yield opened


def test_ids_get_the_prefix_and_sources_stay(kb):
    assert kb.add(documents("a", "b"), prefix="/wiki/").added == 2
    assert kb.document_ids() == ["wiki/a", "wiki/b"]
    assert kb.document("wiki/a").source == "https://example.org/a"


def test_what_did_not_change_is_not_embedded_again(kb, monkeypatch):
    kb.add(documents("a", "b"), prefix="wiki")
    embedded = []
    real = HashEmbedder.embed_passages
    monkeypatch.setattr(
        HashEmbedder,
        "embed_passages",
        lambda self, texts: embedded.append(texts) or real(self, texts),
    )
    changed = [*documents("a"), Document(id="b", text="Neu.", source="https://example.org/b")]
    report = kb.add(changed, prefix="wiki")
    assert (report.unchanged, report.updated) == (1, 1)
    assert embedded == [["Neu."]]


def test_sync_drops_what_comes_no_more_under_this_prefix_alone(kb, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "rows.csv").write_text("id,text\na#b,Zeile\n", encoding="utf-8")
    kb.add_files(folder, prefix="wiki/files")
    kb.add(documents("a", "b", "c"), prefix="wiki")
    kb.add(documents("a"), prefix="wiki2")
    kb.add(documents("a"))
    report = kb.add(documents("a"), prefix="wiki", sync=True)
    assert report.deleted == 2
    assert kb.document_ids() == ["a", "wiki/a", "wiki/files/rows.csv#a#b", "wiki2/a"]


def test_without_sync_nothing_goes(kb):
    kb.add(documents("a", "b"), prefix="wiki")
    assert kb.add(documents("a"), prefix="wiki").deleted == 0
    assert len(kb.document_ids()) == 2


def test_a_loader_that_fails_on_the_way_drops_nothing(kb):
    def failing():
        yield from documents("a")
        raise ConnectionError("gone")

    kb.add(documents("a", "b"), prefix="wiki")
    with pytest.raises(ConnectionError):
        kb.add(failing(), prefix="wiki", sync=True)
    assert kb.document_ids() == ["wiki/a", "wiki/b"]


def test_nothing_at_all_needs_a_word(kb):
    kb.add(documents("a", "b"), prefix="wiki")
    for nothing in ([], [Problem(source="x", reason="bad")]):
        with pytest.raises(FolderEmpty, match="would drop all 2 documents under it"):
            kb.add(nothing, prefix="wiki", sync=True)
    assert kb.add([], prefix="wiki", sync=True, allow_empty=True).deleted == 2
    assert kb.add([], prefix="wiki", sync=True).deleted == 0


def test_a_bad_document_is_a_problem_and_keeps_what_was_there(kb):
    kb.add(documents("a", "b", "c"), prefix="wiki")
    records = [
        *documents("a"),
        Problem(source="b", reason="bad"),
        Document(id="c", text=" "),
        *documents("a"),
        Document(id="x" * 1_022, text="lang"),
    ]
    report = kb.add(records, prefix="wiki", sync=True)
    assert [(problem.source[:6], problem.reason[:22]) for problem in report.problems] == [
        ("wiki/b", "bad"),
        ("wiki/c", "it holds no text"),
        ("wiki/a", "the id 'a' stands ther"),
        ("xxxxxx", "a document id is a tex"),
    ]
    assert kb.document_ids() == ["wiki/a", "wiki/b"]  # an emptied one is gone


def test_problems_are_told_without_a_prefix_too(kb):
    problem = Problem(source="x", reason="bad")
    report = kb.add([problem, *documents("a")])
    assert (report.added, report.problems) == (1, (problem,))


def test_a_prefix_belongs_to_files_or_to_documents(kb, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("Text", encoding="utf-8")
    kb.add_files(folder)
    with pytest.raises(InvalidInput, match="the names under 'docs' are those of files, from"):
        kb.add(documents("a"), prefix="docs")
    kb.add(documents("a"), prefix="other")
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidInput, match="come from documents that were added"):
        kb.add_files(tmp_path / "other")


@pytest.mark.parametrize("prefix", ["", "/", 5])
def test_a_prefix_is_a_name(kb, prefix):
    with pytest.raises(InvalidInput, match="a prefix is what the ids of documents begin with"):
        kb.add(documents("a"), prefix=prefix)


@pytest.mark.parametrize("options", [{"sync": True}, {"allow_empty": True}])
def test_sync_needs_a_prefix(kb, options):
    with pytest.raises(InvalidInput, match="give one, such as prefix='wiki'"):
        kb.add(documents("a"), **options)
