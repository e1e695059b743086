"""``rag-engine bench mteb``: tasks of MTEB, or of its classes over files of one's own.

Three models are measured, with the same texts: ``plain``, the bundled model as it was published;
``raw``, the settings' model (the bundled one with its adapter) without a correction of languages;
``corrected``, the same with it. Another model than the bundled one is measured raw and corrected.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Any

from rag_engine.components import default_detector
from rag_engine.connectors.mteb.local_tasks import local_task
from rag_engine.connectors.mteb.model import MtebModel, loaded_mteb
from rag_engine.connectors.wiring import build_embedder
from rag_engine.errors import InvalidInput, ModelError
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import Embedder
from rag_engine.records import Problem
from rag_engine.settings import BundledEmbedderSettings, Settings
from rag_engine.store.failures import storage

__all__ = ["Variant", "bench_mteb"]

_SHOWN = ("ndcg_at_10", "recall_at_100")
"""Of a search, both are shown: nDCG@10 and R@100 are MIRACL's."""


class Variant(StrEnum):
    """A model that is measured."""

    PLAIN = "plain"
    RAW = "raw"
    CORRECTED = "corrected"


def bench_mteb(
    settings: Settings,
    *,
    tasks: Sequence[str],
    local: Sequence[Path],
    languages: Sequence[str],
    variants: Sequence[Variant],
    out: Path,
    cache: Path | None,
) -> Outcome:
    """Run MTEB's ``tasks`` by name, in some ``languages`` or all, and ``local`` ones.

    Results are written below ``out`` as MTEB writes them. What it finds there of MTEB's own tasks
    is not measured again; local ones are, for their files may have changed.

    Raises:
        InvalidInput: no task; names that MTEB does not know; what ``local_task`` refuses.
        MissingExtra: mteb is not installed.
        ModelError: no task could be run.
        StorageFailed: ``out`` can not be written.
    """
    if not tasks and not local:
        raise InvalidInput(
            "no task is named: --tasks takes names of MTEB's (Tatoeba,MIRACLRetrieval), --local a "
            "folder or file of one's own"
        )
    if languages and not tasks:
        raise InvalidInput("--languages has no effect without --tasks; leave it out")
    os.environ.setdefault("TQDM_DISABLE", "1")  # read when it is imported: bars beside ours
    own = [local_task(path) for path in local]
    logging.getLogger("mteb").setLevel(logging.CRITICAL)  # what fails becomes a problem
    named, problems = _named(tasks, languages)
    wanted = list(variants) or _usual(settings)
    with storage("making the folder of results", out):
        out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    with ExitStack() as opened, Bar(unit="text") as bar:
        vectors = None if cache is None else opened.enter_context(VectorCache(cache))
        for variant, model in _models(wanted, settings, vectors, bar):
            for group, fresh in ((own, True), (named, False)):
                found, failed = _run(model, group, out, fresh=fresh)
                rows += [{"model": str(variant), **row} for row in found]
                problems += failed
    if not rows:
        raise ModelError(f"no task could be run: {problems[0].source}: {problems[0].reason}")
    result = {"machine": machine(), "out": str(out), "rows": rows}
    return Outcome(result=result, lines=table(_shown(rows)), problems=problems)


def _named(tasks: Sequence[str], languages: Sequence[str]) -> tuple[list[Any], list[Problem]]:
    """Return MTEB's tasks of these names, and those that have nothing in the languages."""
    mteb = loaded_mteb()
    if not tasks:
        return [], []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is left out: it becomes a problem
            found = list(mteb.get_tasks(tasks=list(tasks), languages=list(languages) or None))
    except (KeyError, ValueError) as error:
        reason = str(error.args[0] if error.args else error).removeprefix("KeyError: ")
        raise InvalidInput(f"--tasks {','.join(tasks)}: {reason}") from error
    left_out = sorted(set(tasks) - {task.metadata.name for task in found})
    if not found:
        raise InvalidInput(
            f"none of {', '.join(tasks)} has texts in {', '.join(languages)}; --languages takes "
            "ISO 639-3 (deu,swh)"
        )
    reason = f"it has no texts in {', '.join(languages)}: left out"
    return found, [Problem(source=name, reason=reason) for name in left_out]


def _usual(settings: Settings) -> list[Variant]:
    return list(Variant) if _has_plain(settings) else [Variant.RAW, Variant.CORRECTED]


def _has_plain(settings: Settings) -> bool:
    return isinstance(settings.embedder, BundledEmbedderSettings) and settings.embedder.adapter


def _models(
    variants: Sequence[Variant], settings: Settings, vectors: VectorCache | None, bar: Bar
) -> Iterator[tuple[Variant, MtebModel]]:
    """Yield the models, one after the other: the first is let go before the next is loaded."""
    embedder: Embedder | None = None
    for variant in Variant:
        if variant not in variants:
            continue
        if variant is Variant.PLAIN:
            if not _has_plain(settings):
                raise InvalidInput(
                    "--variant plain is the bundled model without its adapter, and the settings "
                    "name another; leave it out"
                )
            used = settings.embedder.model_copy(update={"adapter": False})
            found = _cached(build_embedder(used), vectors)
        else:
            embedder = embedder or _cached(build_embedder(settings.embedder), vectors)
            found = embedder
        detector = default_detector() if variant is Variant.CORRECTED else None
        name = re.sub(r"[^\w.-]+", "-", found.contract.model.rpartition("/")[2]).strip("-")
        model = MtebModel(found, f"{name}-{variant}", detector=detector, on_stage=bar.stage)
        yield variant, model


def _cached(embedder: Embedder, vectors: VectorCache | None) -> Embedder:
    return embedder if vectors is None else CachedEmbedder(embedder, vectors)


def _run(
    model: MtebModel, tasks: Sequence[Any], out: Path, *, fresh: bool
) -> tuple[list[dict[str, Any]], list[Problem]]:
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    mteb = loaded_mteb()
    for task in tasks:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MTEB's own code's, and scikit-learn's of rare labels
            found = mteb.evaluate(
                model,
                task,
                cache=mteb.ResultCache(cache_path=out),
                overwrite_strategy="always" if fresh else "only-missing",
                raise_error=False,
                show_progress_bar=False,
                encode_kwargs={"show_progress_bar": False, "batch_size": 1_024},
            )
        for error in found.exceptions or ():
            told = next(iter(str(error.exception).splitlines()), "") or "it failed"
            problems.append(Problem(source=task.metadata.name, reason=told))
        for result in found.task_results:
            rows.extend(_scores(result, task.metadata))
    return rows, problems


def _scores(result: Any, metadata: Any) -> Iterator[dict[str, Any]]:
    """Yield a task's scores: the mean over its subsets, and of several each of them."""
    found = [scores for subsets in result.scores.values() for scores in subsets]
    measures = [metadata.main_score, *(n for n in _SHOWN if n in found[0])]
    for measure in dict.fromkeys(measures):
        by_subset = {scores["hf_subset"]: float(scores[measure]) for scores in found}
        yield {
            "task": metadata.name,
            "measure": measure,
            "score": sum(by_subset.values()) / len(by_subset),
            "by_subset": by_subset,
        }


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
    """Return a row for each task and measure, a column for each model."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    score = {(row["task"], row["measure"], row["model"]): row["score"] for row in rows}
    return [
        {
            "task": task,
            "measure": measure,
            **{
                model: None
                if (told := score.get((task, measure, model))) is None
                else f"{told:.4f}"
                for model in models
            },
        }
        for task, measure in dict.fromkeys((row["task"], row["measure"]) for row in rows)
    ]
