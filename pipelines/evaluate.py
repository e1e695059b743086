"""``rag-engine evaluate SET_DIR``: how well the engine answers a test set."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag_engine.components import Components, default_components
from rag_engine.connectors.charts import language_pair_heat_map, reliability_chart
from rag_engine.evaluation.datasets import TestQuestion, TestSet, load_test_set
from rag_engine.evaluation.retrieval_report import build_report
from rag_engine.evaluation.score_calibration import Bin, calibration_report
from rag_engine.knowledge_base import KnowledgeBase, RankedDocument
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.settings import (
    FairnessSettings,
    HybridRetrievalSettings,
    NoRerankerSettings,
    RetrievalMode,
    Settings,
)

__all__ = ["ABLATION", "evaluate", "evaluate_set"]

_DEPTH = 100

ABLATION: tuple[tuple[str, RetrievalMode, bool, bool], ...] = (
    ("plain dense", "dense", False, False),
    ("plain lexical (BM25)", "bm25", False, False),
    ("plain RRF(dense, BM25)", "rrf", False, False),
    ("centred dense", "dense", True, False),
    ("lexical coverage", "lexical", True, False),
    ("ours without late interaction", "hybrid", True, False),
    ("ours", "hybrid", True, True),
)
"""Rows of the ablation table: a name, the retrieval mode, whether languages are made comparable,
and whether the best candidates are compared token by token."""


def evaluate(
    folder: Path,
    *,
    settings: Settings,
    kb_path: Path | None,
    report: Path | None,
    ablation: bool,
    calibration: Path | None = None,
) -> Outcome:
    """Evaluate a test set with the settings, or every row of the ablation table.

    The corpus is indexed into ``kb_path`` (where it stays, and is reused) or a temporary folder.
    ``report`` receives the figures as JSON and, beside it, a heat map of the language pairs as
    PNG; ``calibration`` what the scores are worth, as JSON with a chart beside it.

    Raises:
        InvalidInput: the folder is no test set.
    """
    test_set = load_test_set(folder)
    note(f"{test_set.name}: {len(test_set.corpus)} passages, {len(test_set.questions)} questions")
    components = default_components(settings)
    reports: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        path = kb_path or Path(temporary) / "kb"
        for name, used in _rows(settings, components, ablation=ablation):
            reranks = not isinstance(used.reranker, NoRerankerSettings)
            parts = components if reranks else replace(components, reranker=None)
            reports[name] = evaluate_set(test_set, path, used, parts)
        lines = _table(test_set.name, reports)
        scored: dict[str, Any] = {}
        if calibration is not None:
            scored = _calibration(test_set, path, settings, components)
            lines += ["", *_calibration_lines(scored)]
    last = list(reports.values())[-1]
    if report is not None:
        _write(report, reports if ablation else last)
        note(f"written: {report}")
        if last["by_pair"]:
            title = f"{test_set.name}: nDCG@10 ({list(reports)[-1]})"
            chart = report.with_suffix(".png")
            language_pair_heat_map(last["by_pair"], chart, measure="ndcg@10", title=title)
            note(f"written: {chart}")
    if calibration is not None:
        _write(calibration, scored)
        curves = {
            name: [Bin(**values) for values in bins] for name, bins in scored["reliability"].items()
        }
        reliability_chart(curves, calibration.with_suffix(".png"), title=test_set.name)
        note(f"written: {calibration}, {calibration.with_suffix('.png')}")
    result: dict[str, Any] = {"set": test_set.name, "runs": reports}
    return Outcome(result={**result, "calibration": scored} if scored else result, lines=lines)


def _write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")


def _rows(
    settings: Settings, components: Components, *, ablation: bool
) -> Iterator[tuple[str, Settings]]:
    """Yield a name and settings for each row of the table."""
    if not ablation:
        yield settings.retrieval.mode, settings
        return
    for name, mode, fair, late in ABLATION:
        row = settings.of_kind("retrieval", mode)
        retrieval = row.retrieval
        if isinstance(retrieval, HybridRetrievalSettings):
            retrieval = retrieval.model_copy(update={"late_interaction": late})
        changed = {
            "retrieval": retrieval,
            "fairness": FairnessSettings(enabled=fair),
            "reranker": NoRerankerSettings(),
        }
        yield name, row.model_copy(update=changed)
    if components.reranker is not None:
        yield f"ours + {components.reranker.name}", settings


def evaluate_set(
    test_set: TestSet, path: Path, settings: Settings, components: Components
) -> dict[str, Any]:
    """Index a test set's corpus at ``path`` (what is there already costs nothing) and ask it."""
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        with Bar("indexing", len(test_set.corpus), "passage") as bar:
            kb.add(test_set.corpus, on_progress=bar.to)
            kb.publish(on_stage=bar.stage)
        started = time.perf_counter()
        run = {
            identifier: [document.document_id for document in documents]
            for identifier, documents in _ranked(kb, test_set.questions)
        }
        ms_per_query = 1e3 * (time.perf_counter() - started) / max(1, len(test_set.questions))
    return build_report(
        test_set,
        run,
        ms_per_query=round(ms_per_query, 3),
        settings=settings.model_dump(mode="json"),
    )


def _ranked(
    kb: KnowledgeBase,
    questions: Sequence[TestQuestion],
    without: Sequence[Collection[str]] | None = None,
) -> Iterator[tuple[str, list[RankedDocument]]]:
    texts = [question.text for question in questions]
    ranked = kb.rank(texts, depth=_DEPTH, without=without)
    with Bar(f"asking ({kb.settings.retrieval.mode})", len(texts), "question") as bar:
        for question, documents in zip(questions, bar.each(ranked), strict=True):
            yield question.id, documents


def _calibration(
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


def _table(name: str, runs: dict[str, dict[str, Any]]) -> list[str]:
    return table([{name: row, **_figures(report)} for row, report in runs.items()])


def _figures(report: dict[str, Any]) -> dict[str, str]:
    return {
        "nDCG@10": f"{report['ndcg@10']:.3f}",
        "mAP": f"{report['map']:.3f}",
        "R@100": f"{report['recall@100']:.3f}",
        "cross": f"{report['cross_language']['ndcg@10']:.3f}",
        "same": f"{report['same_language']['ndcg@10']:.3f}",
        "top1 home": f"{report['top1_in_query_language']:.3f}",
        "ms/query": f"{report['ms_per_query']:.2f}",
    }


def _calibration_lines(scored: dict[str, Any]) -> Iterator[str]:
    errors = scored["expected_calibration_error"]
    yield "score and truth are apart by " + ", ".join(
        f"{value:.3f} ({name})" for name, value in errors.items()
    )
    yield from table(
        [
            {
                "score": f"{reliability['predicted']:.3f}",
                "right": f"{reliability['observed']:.3f}",
                "hits": reliability["count"],
            }
            for reliability in scored["reliability"]["all"]
        ]
    )
    yield from table(
        [
            {
                "min_score": f"{threshold['min_score']:.2f}",
                "answered": f"{threshold['answered']:.3f}",
                "right": f"{threshold['right']:.3f}",
                "false answers": f"{threshold['false_answers']:.3f}",
            }
            for threshold in scored["thresholds"]
        ]
    )
