"""What a question sees while the knowledge base changes: one revision, or a newer one, whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from rag_engine import Document, Equals, KnowledgeBase
from rag_engine.store.view import View, ViewOutdated
from tests.samples import ids

DOCUMENTS = [
    Document(id=name, text=f"Die Regel {name} gilt.", metadata={"kind": "rule"})
    for name in ("a", "b", "c")
]


class ByLength:
    name = "by length"

    def score(self, question, passages):
        return np.array([len(passage) for passage in passages], dtype=np.float32)


@pytest.fixture
def kb(location, quick_components):
    with KnowledgeBase.open(location, components=quick_components) as opened:
        opened.add(DOCUMENTS)
        yield opened


@pytest.fixture
def interfere(monkeypatch):
    """Let something happen right after each of the first ``times`` views was taken."""

    def patch(kb: KnowledgeBase, change: Callable[[int], object], times: int = 1) -> list[View]:
        views: list[View] = []
        take = kb._index.view

        def view() -> View:
            views.append(take())
            if len(views) <= times:
                change(len(views))
            return views[-1]

        monkeypatch.setattr(kb._index, "view", view)
        return views

    return patch


def new_text(kb: KnowledgeBase, name: str, number: int = 0) -> None:
    text = f"Die Regel {name} gilt neu, Fassung {number}."
    kb.add([Document(id=name, text=text, metadata={"kind": "rule"})])


def test_what_is_deleted_meanwhile_is_left_out(kb: KnowledgeBase, interfere):
    views = interfere(kb, lambda _: kb.delete(["b"]))
    assert sorted(ids(kb.search("Regel"))) == ["a", "c"]
    assert len(views) == 2


def test_what_is_replaced_meanwhile_is_found_anew(kb: KnowledgeBase, interfere):
    views = interfere(kb, lambda _: new_text(kb, "b"))
    found = {hit.chunk.document_id: hit.chunk.text for hit in kb.search("Regel")}
    assert found["b"] == "Die Regel b gilt neu, Fassung 0."
    assert sorted(found) == ["a", "b", "c"]
    assert len(views) == 2


def test_what_never_stays_is_left_out_in_the_end(kb: KnowledgeBase, interfere):
    views = interfere(kb, lambda number: new_text(kb, "b", number), times=9)
    hits = kb.search("Regel")
    assert sorted(ids(hits)) == ["a", "c"]
    assert [hit.rank for hit in hits] == [1, 2]
    assert len(views) == 3


def test_additions_meanwhile_cost_nothing(kb: KnowledgeBase, interfere):
    views = interfere(kb, lambda _: kb.add([Document(id="d", text="Die Regel d gilt.")]))
    assert sorted(ids(kb.search("Regel"))) == ["a", "b", "c"]
    assert len(views) == 1


@pytest.mark.parametrize(("times", "found"), [(1, ["a", "b", "c"]), (9, ["a", "c"])])
def test_a_filter_is_of_the_same_revision(kb: KnowledgeBase, interfere, times: int, found):
    interfere(kb, lambda number: new_text(kb, "b", number), times)
    assert sorted(ids(kb.search("Regel", where=Equals("kind", "rule")))) == found


def test_a_ranking_is_of_one_revision(kb: KnowledgeBase, interfere):
    views = interfere(kb, lambda _: new_text(kb, "b"))
    rankings = kb.rank(["Regel", "Fassung"])
    assert len(views) == 2
    first = next(rankings)
    kb.delete(["a"])
    for ranking in (first, next(rankings)):
        assert sorted(ranked.document_id for ranked in ranking) == ["a", "b", "c"]


@pytest.mark.parametrize(("times", "found"), [(1, ["a", "b", "c"]), (9, ["a", "c"])])
def test_a_reranker_reads_what_is_there(tmp_path, quick_components, interfere, times, found):
    components = dataclasses.replace(quick_components, reranker=ByLength())
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add(DOCUMENTS)
        interfere(kb, lambda number: new_text(kb, "b", number), times)
        assert sorted(ids(kb.search("Regel"))) == found


def test_passages_are_read_from_what_is_there(kb: KnowledgeBase, interfere):
    known = kb.passage_ids()
    interfere(kb, lambda _: kb.delete(["b"]))
    passages = kb.passages([*known, 10**9])
    assert [passage.chunk.document_id for passage in passages] == ["a", "c"]


def test_only_passages_of_the_revision_are_missed(kb: KnowledgeBase):
    old = kb._index.view()
    first, second, third = kb.passage_ids()
    kb.delete(["b"])
    with pytest.raises(ViewOutdated):
        old.chunks([first, second])
    assert sorted(old.chunks([first, third])) == [first, third]
    assert sorted(old.without_vanished().chunks([first, second])) == [first]
    new = kb._index.view()
    assert sorted(new.chunks([first, second, 10**9])) == [first]
    with pytest.raises(ViewOutdated):
        old.documents_of_chunks()
    with pytest.raises(ViewOutdated):
        old.matching(Equals("kind", "rule"))
    assert old.without_vanished().matching(Equals("kind", "rule")).ids.tolist() == [first, third]
    assert new.matching(None) is None
