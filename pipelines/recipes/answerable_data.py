"""Questions of which it is known whether a knowledge base answers them, for ``make_answerable``.

Three kinds of knowledge bases are made in ``WORK``, all of public sets:

- ``judged``: questions of NoMIRACL (``TRAIN/nomiracl.jsonl.gz``) with the ten passages of each.
  Half have an answer among them, half have ten near misses, as people judged. Those of
  ``nomiracl_dev`` are left out. To them come questions of the set whose passages are not there;
- ``removed``: ``EVAL/native_kb_dev``, each question once with its right passage and once without;
- ``small``: 1, 3, 10, 50 and 200 passages of that set, with questions about them and about others.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.components import Components, default_components
from rag_engine.evaluation.cached_embedder import cached_embedder
from rag_engine.evaluation.datasets import TestQuestion, TestSet, load_test_set
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.opening import open_store
from rag_engine.own_parts import OwnParts
from rag_engine.pipelines.recipes.adapter_news import read_rows
from rag_engine.ports import IdSelector
from rag_engine.records import Document
from rag_engine.retrieval.answerable import Signs, signs
from rag_engine.retrieval.retriever import Retriever
from rag_engine.settings import Settings
from rag_engine.store.view import View

__all__ = [
    "Case",
    "Seen",
    "cached_components",
    "dev_ids",
    "every_case",
    "judged_case",
    "judged_questions",
    "passages",
    "see",
]

_SEED = 20_261_129
_FOREIGN = 120
_REMOVED = 300
_SMALL = ((1, 12), (3, 12), (10, 5), (50, 2), (200, 1))
"""Passages of small knowledge bases, and how many of these are made."""
_MOST_QUESTIONS = 60

_Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question, whether it has an answer, and what is left out of the knowledge base for it.

    ``group`` is what is held out together: a language, or an article. ``kind`` names the question's
    place in a table.
    """

    question: str
    answerable: bool
    group: str
    kind: str
    without: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A case, the best score, and the signs: with the model's usual cosines, and without."""

    case: Case
    best: float
    usual: Signs
    other: Signs


def cached_components(work: Path) -> Components:
    """Return the default parts; what was embedded once is kept in ``work``."""
    parts = default_components(Settings())
    assert parts.token_space is not None
    cache = VectorCache(work / "vectors")
    return replace(
        parts, embedder=cached_embedder(parts.embedder, cache, basis=parts.token_space.basis)
    )


def every_case(
    evaluation: Path, train: Path, work: Path, parts: Components, count: int
) -> Iterator[Seen]:
    """Make all knowledge bases and ask them; ``count`` judged questions a language and label."""
    dev = dev_ids(evaluation)
    rows = [row for row in read_rows(train / "nomiracl.jsonl.gz") if row["id"] not in dev]
    judged, rest = judged_questions(rows, count)
    foreign = random.Random(_SEED).sample(rest, min(_FOREIGN, len(rest)))
    yield from see(
        work / f"judged{count}",
        parts,
        passages(judged),
        [
            *(judged_case(row, "judged", answerable=row["answerable"]) for row in judged),
            *(judged_case(row, "elsewhere", answerable=False) for row in foreign),
        ],
    )
    native = load_test_set(evaluation / "native_kb_dev")
    yield from see(work / "removed", parts, native.corpus, list(_removed(native)))
    yield from _small(native, work, parts)


def dev_ids(evaluation: Path) -> set[str]:
    """Return the ids of the questions of ``nomiracl_dev``."""
    text = (evaluation / "nomiracl_dev" / "queries.jsonl").read_text(encoding="utf-8")
    return {json.loads(line)["_id"] for line in text.splitlines()}


def judged_questions(rows: _Rows, count: int) -> tuple[_Rows, _Rows]:
    """Return ``count`` questions of each language and label, and all others."""
    groups: dict[tuple[str, bool], _Rows] = defaultdict(list)
    for row in rows:
        groups[row["language"], row["answerable"]].append(row)
    chosen: _Rows = []
    rest: _Rows = []
    for name, group in sorted(groups.items()):
        random.Random(str(name)).shuffle(group)
        chosen += group[:count]
        rest += group[count:]
    return chosen, rest


def passages(rows: _Rows) -> list[Document]:
    """Return the judged passages of some questions, each once."""
    found = {
        each["id"]: Document(id=each["id"], title=each["title"], text=each["text"])
        for row in rows
        for each in row["passages"]
    }
    return list(found.values())


def judged_case(row: Mapping[str, Any], kind: str, *, answerable: bool) -> Case:
    """Return a question of NoMIRACL, its language for its group."""
    language = row["language"]
    return Case(question=row["question"], answerable=answerable, group=language, kind=kind)


def _removed(native: TestSet) -> Iterator[Case]:
    for question in random.Random(1).sample(native.questions, _REMOVED):
        right = native.qrels[question.id]
        about = {"question": question.text, "group": _article(min(right)), "kind": "removed"}
        yield Case(answerable=True, **about)
        yield Case(answerable=False, without=list(right), **about)


def _small(native: TestSet, work: Path, parts: Components) -> Iterator[Seen]:
    by_passage: dict[str, list[TestQuestion]] = defaultdict(list)
    for question in native.questions:
        by_passage[min(native.qrels[question.id])].append(question)
    documents = {document.id: document for document in native.corpus}
    chance = random.Random(5)
    for size, times in _SMALL:
        for time in range(times):
            some = chance.sample(sorted(by_passage), size)
            others = sorted(by_passage.keys() - set(some))
            cases = [
                Case(
                    question=chance.choice(by_passage[passage]).text,
                    answerable=here,
                    group=_article(passage),
                    kind=f"small {size}",
                )
                for here, among in ((True, some), (False, others))
                for passage in chance.choices(among, k=min(_MOST_QUESTIONS, 2 * size))
            ]
            yield from see(
                work / f"small_{size}_{time}", parts, [documents[name] for name in some], cases
            )


def _article(passage: str) -> str:
    return f"article {passage.split('-')[1]}"


def see(
    path: Path, parts: Components, documents: Sequence[Document], cases: Sequence[Case]
) -> list[Seen]:
    """Make the knowledge base at ``path``, ask it, and return what was seen."""
    with KnowledgeBase.open(path, components=parts) as kb:
        kb.add(documents)
    opened = open_store(path, OwnParts(), None, parts, read_only=True, create=False)
    retriever = Retriever(opened.components, opened.settings)
    try:
        return opened.index.read(lambda view: list(_seen(retriever, view, cases)))
    finally:
        opened.close(publish=False)


def _seen(retriever: Retriever, view: View, cases: Sequence[Case]) -> Iterator[Seen]:
    names = view.documents_of_chunks()
    snapshot = view.snapshot
    embedded = retriever.embed_questions([case.question for case in cases])
    for case, question in zip(cases, embedded, strict=True):
        chunks = [chunk for chunk, name in names.items() if name not in case.without]
        allowed = IdSelector(np.array(sorted(chunks), dtype=np.int64)) if case.without else None
        found = retriever.rank(view, [question], k=10, allowed=allowed).candidates
        size = snapshot.effective_corpus_size * len(chunks) / len(names)
        usual = signs(found, snapshot, size)
        assert usual is not None
        other = replace(usual, nearest=float(found.z_scores.max()), usual=False)
        yield Seen(case=case, best=float(found.scores[0]), usual=usual, other=other)
