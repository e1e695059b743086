"""``rag-engine health``: a report on a knowledge base without labels."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag_engine.components import default_embedder
from rag_engine.errors import MissingExtra, ModelError, ServiceError
from rag_engine.folder_listing import shown_name
from rag_engine.health.absent_embedder import AbsentEmbedder
from rag_engine.health.extent import QUESTIONS, SAMPLE
from rag_engine.health.findings import Finding, State
from rag_engine.health.pseudo_questions import Asked
from rag_engine.health.report import HealthReport
from rag_engine.index_contract import settings_to_open
from rag_engine.inspection import inspect_location
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import Location, short_name
from rag_engine.opening import place_of
from rag_engine.pipelines.output import Outcome, note, safe
from rag_engine.pipelines.output_files import write_lines
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import Embedder
from rag_engine.settings import (
    AnsweringSettings,
    ExtractiveGeneratorSettings,
    ImagesSettings,
    NoRerankerSettings,
    Settings,
    read_stored,
)

__all__ = ["health"]

_EXAMPLES = 3
_WEAKEST = 12
_STATES: dict[State, str] = {"look": "LOOK", "not told": "not told", "ok": "ok  "}
"""As they are printed, in that order."""


def health(
    kb_path: Location,
    *,
    html: Path | None = None,
    sample: int = SAMPLE,
    questions: int = QUESTIONS,
    seed: int = 1,
) -> Outcome:
    """Look at a knowledge base, and write a page if one is named; nothing of it is changed.

    Without the model that it was built with, all is looked at but what needs one.

    Raises:
        StoreNotFound: there is none.
        InvalidInput: a ``sample``, ``questions`` or a ``seed`` that can not be meant.
        StorageFailed: the page can not be written.
    """
    with _opened(kb_path) as kb, Bar(unit="passage") as bar:
        report = kb.health(sample=sample, questions=questions, seed=seed, on_stage=bar.stage)
    if html is not None:
        from rag_engine.connectors.health_page import health_page

        page = health_page(report, shown_name(short_name(kb_path)))
        write_lines(html, "writing the page", [page])
        note(f"written: {html}")
    return Outcome(result=report.as_dict(), lines=list(_lines(report, kb_path)))


def _opened(path: Location) -> KnowledgeBase:
    settings = _needed(_stored_settings(path))
    return KnowledgeBase.open(
        path, settings=settings, embedder=_embedder(path, settings), read_only=True
    )


def _embedder(path: Location, settings: Settings) -> Embedder:
    """Return the model that the index was built with, or what stands for it."""
    try:
        embedder = default_embedder(settings)
        _ = embedder.contract  # of a remote one, its server tells
    except (MissingExtra, ModelError, ServiceError) as error:
        note(f"without a model: {error}")
        return AbsentEmbedder(inspect_location(path).contract)
    return embedder


def _stored_settings(path: Location) -> Settings:
    reader, _ = place_of(path).open_reader()
    try:
        settings = read_stored(reader.meta("settings"), origin=reader.name)
        return settings_to_open(reader.meta("contract"), settings)
    finally:
        reader.close()


def _needed(settings: Settings) -> Settings:
    """Leave out what asks another model than the embedder; it may not be installed here."""
    return settings.model_copy(
        update={
            "reranker": NoRerankerSettings(),
            "generator": ExtractiveGeneratorSettings(),
            "answering": AnsweringSettings(),
            "images": ImagesSettings(),
            "retrieval": settings.retrieval.model_copy(update={"translate": ()}),
        }
    )


def _lines(report: HealthReport, kb_path: Location) -> Iterator[str]:
    if report.looked_at == 0:
        yield (
            "nothing to look at: index something first: rag-engine index FOLDER --kb "
            f"{shlex.quote(safe(str(kb_path)))}"
        )
        return
    yield (
        f"{report.holds()}; looked at: "
        + (
            "all"
            if report.looked_at == report.passages
            else f"{report.looked_at:,}, drawn with --seed {report.seed}"
        )
    )
    yield from table(_languages(report))
    if report.pseudo_questions is not None:
        yield from _pairs(report.pseudo_questions.translations)
    for state in _STATES:
        for finding in report.findings:
            if finding.state == state:
                yield from _finding(finding)


def _languages(report: HealthReport) -> list[dict[str, Any]]:
    placed = {} if report.placement is None else {p.language: p for p in report.placement.languages}
    total = max(1, sum(report.languages.values()))
    rows = []
    for language, count in report.languages.items():
        place = placed.get(language)
        rows.append(
            {
                "language": language,
                "passages": count,
                "share": f"{count / total:.1%}",
                "kin nearer, before": None if place is None else f"{place.nearer_before:.0%}",
                "and after": None if place is None else f"{place.nearer_after:.0%}",
            }
        )
    return rows


def _pairs(asked: dict[str, Asked]) -> list[str]:
    """Return the pairs of languages between which least is found."""
    weakest = sorted(asked.items(), key=lambda pair: (pair[1].found / pair[1].asked, pair[0]))
    rows: list[dict[str, Any]] = [
        {"finds a translation": pair, **asdict(each)} for pair, each in weakest[:_WEAKEST]
    ]
    more = len(weakest) - len(rows)
    return [*table(rows), *([f"and {more:,} more pairs (--json, --html)"] if more > 0 else [])]


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{_STATES[finding.state]} {finding.check}: {finding.says}"
    if finding.fine:
        return
    if finding.has_advice:
        yield f"     -> {finding.advice}"
    for each in finding.examples[:_EXAMPLES]:
        more = f" ({safe(each.note)})" if each.note else ""
        yield f"        [{each.language}] {safe(each.passage)}{more}: {safe(each.text)[:80]}"
