"""``rag-engine evaluate SET_DIR``: how well the engine answers a test set."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipelines.output import Outcome, note
from rag_engine.components import Components, default_components
from rag_engine.engine import KnowledgeBase
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.evaluation.report import build_report
from rag_engine.settings import Settings

__all__ = ["ABLATION", "evaluate", "evaluate_set"]

_DEPTH = 100

ABLATION: tuple[tuple[str, str, bool], ...] = (
    ("plain dense", "dense", False),
    ("plain lexical (BM25)", "bm25", False),
    ("plain RRF(dense, BM25)", "rrf", False),
    ("centred dense", "dense", True),
    ("lexical coverage", "lexical", True),
    ("ours", "hybrid", True),
)
"""Rows of the ablation table: a name, the retrieval mode, and whether languages are centred."""

_COLUMNS = ("ndcg@10", "map", "recall@100", "cross_language", "same_language")


def evaluate(
    folder: Path,
    *,
    settings: Settings,
    kb_path: Path | None,
    report: Path | None,
    ablation: bool,
) -> Outcome:
    """Evaluate a test set with the settings, or every row of the ablation table.

    The corpus is indexed into ``kb_path`` (where it stays, and is reused) or a temporary folder.

    Raises:
        InvalidInput: the folder is no test set.
    """
    test_set = load_test_set(folder)
    note(f"{test_set.name}: {len(test_set.corpus)} passages, {len(test_set.questions)} questions")
    rows = (
        ABLATION
        if ablation
        else ((settings.retrieval.mode, settings.retrieval.mode, settings.fairness.enabled),)
    )
    with tempfile.TemporaryDirectory() as temporary:
        path = kb_path or Path(temporary) / "kb"
        found = dict(_evaluated(test_set, path, settings, rows))
    if report is not None:
        data = found if ablation else next(iter(found.values()))
        report.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    return Outcome(
        result={"set": test_set.name, "runs": found}, lines=list(_table(test_set.name, found))
    )


def _evaluated(
    test_set: TestSet,
    path: Path,
    settings: Settings,
    rows: tuple[tuple[str, str, bool], ...],
) -> Iterator[tuple[str, dict[str, Any]]]:
    components = default_components(settings)
    for name, mode, fair in rows:
        data = settings.model_dump()
        data["retrieval"]["mode"] = mode
        data["fairness"]["enabled"] = fair
        used = Settings.checked(data, origin="evaluate")
        yield name, evaluate_set(test_set, path, used, components)


def evaluate_set(
    test_set: TestSet, path: Path, settings: Settings, components: Components
) -> dict[str, Any]:
    """Index a test set's corpus at ``path`` (what is there already costs nothing) and ask it."""
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        kb.add(test_set.corpus)
        kb.publish()
        started = time.perf_counter()
        texts = [question.text for question in test_set.questions]
        ranked = tqdm(
            kb.rank(texts, depth=_DEPTH),
            desc=settings.retrieval.mode,
            total=len(texts),
            unit="question",
            disable=not sys.stderr.isatty(),
            leave=False,
        )
        run = {
            question.id: [each.document_id for each in documents]
            for question, documents in zip(test_set.questions, ranked, strict=True)
        }
        ms_per_query = 1e3 * (time.perf_counter() - started) / max(1, len(texts))
    return build_report(
        test_set,
        run,
        ms_per_query=round(ms_per_query, 3),
        settings=settings.model_dump(mode="json"),
    )


def _table(name: str, runs: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield (
        f"{name:<24}{'nDCG@10':>9}{'mAP':>8}{'R@100':>8}{'cross':>8}{'same':>8}"
        f"{'top1 home':>11}{'ms/query':>10}"
    )
    for row, report in runs.items():
        values = [
            report[column]["ndcg@10"] if column.endswith("language") else report[column]
            for column in _COLUMNS
        ]
        widths = (9, 8, 8, 8, 8)
        cells = "".join(f"{value:>{width}.3f}" for value, width in zip(values, widths, strict=True))
        yield (
            f"{row:<24}{cells}{report['top1_in_query_language']:>11.3f}"
            f"{report['ms_per_query']:>10.2f}"
        )
