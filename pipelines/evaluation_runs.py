"""One test set, indexed and asked: with the settings, or with every row of the ablation."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag_engine.components import Components
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import TestQuestion, TestSet
from rag_engine.evaluation.metrics import measure_each
from rag_engine.evaluation.retrieval_report import build_report
from rag_engine.evaluation.score_calibration import calibration_report
from rag_engine.evaluation.verdict import Comparison, compare
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.progress import Bar
from rag_engine.retrieval.document_ranking import RankedDocument
from rag_engine.settings import (
    FairnessSettings,
    HybridRetrievalSettings,
    NoRerankerSettings,
    RetrievalMode,
    Settings,
)

__all__ = [
    "ABLATION",
    "BASELINES",
    "DEPTH",
    "OURS",
    "Measured",
    "compare_rows",
    "evaluate_calibration",
    "evaluate_rows",
    "evaluate_set",
]

DEPTH = 100
"""Documents of a ranking that are measured."""

OURS = "ours"
BASELINES = ("plain dense", "plain RRF(dense, BM25)")
"""Rows that any framework has by default: ours must not be below them."""

ABLATION: tuple[tuple[str, RetrievalMode, bool, bool], ...] = (
    ("plain dense", "dense", False, False),
    ("plain lexical (BM25)", "bm25", False, False),
    ("plain RRF(dense, BM25)", "rrf", False, False),
    ("centred dense", "dense", True, False),
    ("lexical coverage", "lexical", True, False),
    ("ours without late interaction", "hybrid", True, False),
    (OURS, "hybrid", True, True),
)
"""Rows of the ablation table: a name, the retrieval mode, whether languages are made comparable,
and whether the best candidates are compared token by token."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The report of one run, and nDCG@10 by question."""

    report: dict[str, Any]
    ndcg: dict[str, float]


def evaluate_rows(
    test_set: TestSet, path: Path, settings: Settings, components: Components, *, ablation: bool
) -> dict[str, Measured]:
    """Evaluate a test set with the settings, or with every row of the ablation table.

    Raises:
        InvalidInput: the knowledge base at ``path`` holds other documents.
    """
    measured = {}
    for name, used in _rows(settings, components, ablation=ablation):
        reranks = not isinstance(used.reranker, NoRerankerSettings)
        parts = components if reranks else replace(components, reranker=None)
        measured[name] = evaluate_set(test_set, path, used, parts)
    return measured


def _rows(
    settings: Settings, components: Components, *, ablation: bool
) -> Iterator[tuple[str, Settings]]:
    """Yield a name and settings for each row of the table."""
    if not ablation:
        yield settings.retrieval.mode, settings
        return
    for name, mode, fair, late in ABLATION:
        row = settings.of_kind("retrieval", mode)
        retrieval = row.retrieval.model_copy(update={"translate": ()})
        if isinstance(retrieval, HybridRetrievalSettings):
            retrieval = retrieval.model_copy(update={"late_interaction": late})
        changed = {
            "retrieval": retrieval,
            "fairness": FairnessSettings(enabled=fair),
            "reranker": NoRerankerSettings(),
        }
        yield name, row.model_copy(update=changed)
    more = [] if components.reranker is None else [components.reranker.name]
    more += ["translations"] if settings.retrieval.translate else []
    if more:
        yield " + ".join([OURS, *more]), settings


def evaluate_set(
    test_set: TestSet, path: Path, settings: Settings, components: Components
) -> Measured:
    """Index a test set's corpus at ``path`` (what is there already costs nothing) and ask it.

    Raises:
        InvalidInput: the knowledge base there holds other documents.
    """
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        _check_documents(kb, test_set)
        with Bar("indexing", len(test_set.corpus), "passage") as bar:
            kb.add(test_set.corpus, on_progress=bar.to)
            kb.publish(on_stage=bar.stage)
        started = time.perf_counter()
        run = {
            identifier: [document.document_id for document in documents]
            for identifier, documents in _ranked(kb, test_set.questions)
        }
        ms_per_query = 1e3 * (time.perf_counter() - started) / max(1, len(test_set.questions))
    report = build_report(
        test_set,
        run,
        ms_per_query=round(ms_per_query, 3),
        settings=settings.model_dump(mode="json"),
    )
    qrels = {question.id: test_set.qrels[question.id] for question in test_set.questions}
    each = measure_each(run, qrels)
    return Measured(report, {question: values["ndcg@10"] for question, values in each.items()})


def _check_documents(kb: KnowledgeBase, test_set: TestSet) -> None:
    """Refuse a knowledge base of something else, before anything is added to it."""
    foreign = sorted(set(kb.document_ids()) - {document.id for document in test_set.corpus})
    if foreign:
        raise InvalidInput(
            f"the knowledge base {kb.location} holds {len(foreign):,} documents that the set "
            f"{test_set.name} does not ({foreign[0]!r:.80}, ...); name another folder with --kb, "
            "or delete this one"
        )


def _ranked(
    kb: KnowledgeBase,
    questions: Sequence[TestQuestion],
    without: Sequence[Collection[str]] | None = None,
) -> Iterator[tuple[str, list[RankedDocument]]]:
    texts = [question.text for question in questions]
    ranked = kb.rank(texts, depth=DEPTH, without=without)
    with Bar(f"asking ({kb.settings.retrieval.mode})", len(texts), "question") as bar:
        for question, documents in zip(questions, bar.each(ranked), strict=True):
            yield question.id, documents


def evaluate_calibration(
    test_set: TestSet, path: Path, settings: Settings, components: Components
) -> dict[str, Any]:
    """Ask every question again, and once without its right passages."""
    with KnowledgeBase.open(path, settings=settings, components=components, read_only=True) as kb:
        right = [
            [document for document, grade in test_set.qrels[question.id].items() if grade > 0]
            for question in test_set.questions
        ]
        whole, without = (
            {
                identifier: [(document.document_id, document.score) for document in documents]
                for identifier, documents in _ranked(kb, test_set.questions, left_out)
            }
            for left_out in (None, right)
        )
    return calibration_report(test_set, whole, without)


def compare_rows(test_set: TestSet, measured: dict[str, Measured]) -> list[Comparison]:
    """Compare ours with the plain baselines, over all questions and by their languages."""
    return compare(
        test_set.name,
        {question.id: question.language for question in test_set.questions},
        measured[OURS].ndcg,
        {name: measured[name].ndcg for name in BASELINES},
    )
