"""When a factory of indexes is told which knowledge base it works for, and what is current."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.connectors.lexical.rank_bm25_index import RankBm25Factory


class ServedVectors(ExactIndexFactory):
    """A factory that behaves as if its indexes lived in a service."""

    def __init__(self, bound_to: Path | None = None, fields=None, garbage=()) -> None:
        self.root, self.fields, self.garbage = bound_to, fields, garbage
        self.built: list[int] = []

    local = ExactIndexFactory()

    def bind(self, root, fields):
        return ServedVectors(root, fields, self.garbage)

    def build(self, ids, vectors):
        assert self.root is not None
        known = self.fields(ids)
        assert [known[each].language for each in ids.tolist()] == ["de"] * len(ids)
        self.built.append(len(ids))
        return super().build(ids, vectors)

    def collect_garbage(self, current):
        assert self.root is not None
        self.garbage.append(current)


class ServedTerms(RankBm25Factory):
    def __init__(self, bound_to: Path | None = None, garbage=()) -> None:
        self.root, self.garbage = bound_to, garbage

    def bind(self, root):
        return ServedTerms(root, self.garbage)

    def collect_garbage(self, current):
        assert self.root is not None
        self.garbage.append(current)


def test_a_service_is_told_its_knowledge_base_and_what_is_current(tmp_path, quick_components):
    old_vectors: list[object] = []
    old_terms: list[object] = []
    components = dataclasses.replace(
        quick_components,
        dense=ServedVectors(garbage=old_vectors),
        lexical=ServedTerms(garbage=old_terms),
    )
    texts = ["Die Pumpe wird im Herbst geprüft.", "Der Filter wird im Frühjahr gereinigt."]
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add([Document(id="a", text=texts[0])])
        kb.publish()
        dense = kb._index._dense
        assert dense.root == tmp_path / "kb"
        assert dense.built == [1]
        assert [len(index) for index in old_vectors] == [len(index) for index in old_terms] == [1]
        kb.add([Document(id="b", text=texts[1])])
        assert len(kb.search("Pumpe")) == 2
        assert dense.built == [1], "what was just added stays in this process"
        kb.publish()
        assert dense.built == [1, 2]
        assert (
            [len(index) for index in old_vectors] == [len(index) for index in old_terms] == [1, 2]
        )


def test_a_factory_without_a_service_needs_none_of_it(tmp_path: Path):
    dense, lexical = ExactIndexFactory(), RankBm25Factory()
    assert dense.bind(tmp_path, lambda _: {}) is dense is dense.local
    assert dense.collect_garbage(dense.build(np.array([1]), np.eye(1, 4, dtype=np.float32))) is None
    assert lexical.bind(tmp_path) is lexical
    assert lexical.collect_garbage(lexical.build(iter([]))) is None
