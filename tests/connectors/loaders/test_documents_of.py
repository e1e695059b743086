"""Documents of LangChain's loaders, of mappings, and by a loader's name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag_engine import Document
from rag_engine.connectors.loaders.documents_of import documents_of, named_documents
from rag_engine.errors import LoadError, SettingsError
from rag_engine.records import Problem

langchain = pytest.importorskip("langchain_core.documents")
base = pytest.importorskip("langchain_core.document_loaders")


class Wiki(base.BaseLoader):  # type: ignore[misc]
    """Pages, the second of which fails to be loaded if it is told to."""

    def __init__(self, pages: list[Any], *, fails: bool = False) -> None:
        self._pages, self._fails = pages, fails

    def lazy_load(self) -> Iterator[Any]:
        for page in self._pages:
            yield page
            if self._fails:
                raise ConnectionError("the wiki is gone")


def page(text: str, **metadata: Any) -> Any:
    return langchain.Document(text, metadata=metadata)


def test_a_loader_of_langchain() -> None:
    first = page("Die Pumpe.", source="a.pdf", page=0, title="Handbuch", language="de", tags=["x"])
    pages = [first, page("水泵。", source="a.pdf", page=1), page("نشرة", source="b")]
    found = list(documents_of(Wiki(pages)))
    assert all(isinstance(document, Document) for document in found)
    assert [document.id for document in found] == ["a.pdf", "a.pdf#2", "b"]  # type: ignore[union-attr]
    assert isinstance(found[0], Document)
    assert (found[0].text, found[0].title, found[0].language_hint) == (
        "Die Pumpe.",
        "Handbuch",
        "de",
    )
    assert (found[0].source, found[0].metadata["page"]) == ("a.pdf", 0)


def test_a_loader_that_only_loads_all_at_once() -> None:
    class Old(base.BaseLoader):  # type: ignore[misc]
        def load(self) -> list[Any]:
            return [page("alt", source="old")]

    assert [document.source for document in documents_of(Old())] == ["old"]


def test_ids_of_ones_own_come_first_and_places_last() -> None:
    own = langchain.Document("a", id="7", metadata={"source": "x"})
    found = documents_of([own, page("b"), {"text": "c"}, {"_id": 9, "text": "d", "source": "y"}])
    assert [getattr(document, "id", None) for document in found] == ["7", "2", "3", "9"]


def test_mappings_are_read_as_rows_are() -> None:
    row = {
        "title": "T",
        "text": "本文",
        "source": "https://example.org",
        "language": "ja",
        "year": 2026,
        "nested": {"lost": 1},
        "metadata": {"team": "A", "year": 1},
    }
    [document] = documents_of([row])
    assert document == Document(
        id="https://example.org",
        text="本文",
        title="T",
        source="https://example.org",
        language_hint="ja",
        metadata={"team": "A", "year": 2026, "source": "https://example.org", "language": "ja"},
    )


def test_a_bad_document_is_a_problem_with_its_id() -> None:
    ours = Document(id="ok", text="gut")
    items = [page("x", source="s", bad=object()), {"id": "e", "title": "nur"}, 5, None, ours]
    found = list(documents_of(items))
    assert found[-1] is ours
    assert [(item.source, item.reason[:30]) for item in found if isinstance(item, Problem)] == [
        ("s", "document 's': metadata holds w"),
        ("e", "no text in none of the known n"),
        ("3", "it is no document but int: 5"),
        ("4", "it is no document but NoneType"),
    ]
    surrogate = list(documents_of([page("\ud800", source="u"), {"id": "v", "text": "\ud800"}]))
    assert [item.source for item in surrogate if isinstance(item, Problem)] == ["u", "v"]


def test_a_loader_that_fails_says_how_far_it_came() -> None:
    documents = documents_of(Wiki([page("a"), page("b")], fails=True))
    assert isinstance(next(documents), Document)
    with pytest.raises(LoadError, match="failed after 1 documents: ConnectionError: the wiki is"):
        next(documents)


@pytest.mark.parametrize(
    "loaded", ["text", b"", 5, None, {"text": "one"}, Document(id="a", text="b")]
)
def test_what_gives_no_documents_is_refused(loaded: object) -> None:
    with pytest.raises(LoadError, match="no document loader of LangChain's and no list"):
        documents_of(loaded)


MODULE = """
from rag_engine import Document

class Reader:
    def lazy_load(self):
        yield Document(id="c", text="class")

def pages():
    yield Document(id="g", text="generator")

made = [Document(id="l", text="list")]

def with_arguments(path):
    return []

def fails():
    raise OSError("no route")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_readers.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_readers", raising=False)
    return "own_readers"


@pytest.mark.parametrize(
    ("name", "text"), [("Reader", "class"), ("pages", "generator"), ("made", "list")]
)
def test_a_loader_by_its_name(module: str, name: str, text: str) -> None:
    [document] = named_documents(f"{module}:{name}")
    assert isinstance(document, Document)
    assert document.text == text


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("own_readers", SettingsError, "a loader is named module:function"),
        ("own_readers:", SettingsError, "a loader is named module:function"),
        ("no_such_module:x", SettingsError, "there is no module 'no_such_module'"),
        ("own_readers:nothing", SettingsError, "its functions fails, pages, with_arguments"),
        ("own_readers:with_arguments", SettingsError, r"it takes \(path\)"),
        ("own_readers:fails", LoadError, "failed: OSError: no route"),
    ],
)
def test_a_name_that_leads_to_no_loader(
    module: str, name: str, kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        named_documents(name)
