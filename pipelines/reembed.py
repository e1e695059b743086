"""``rag-engine reembed``: another model or chunking while a knowledge base goes on being used."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag_engine.evaluation.own_questions import (
    MEASURES,
    SideBySide,
    compare_on_questions,
    read_questions,
)
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.output import Outcome, safe
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import LanguageDetector
from rag_engine.records import Problem
from rag_engine.reembedding import ReembedReport, go_back, reembed
from rag_engine.settings import Settings

__all__ = ["back_outcome", "reembed_outcome"]

_DECIDES = "ndcg@10"
"""The measure by which the new one is worse, or is not."""


def reembed_outcome(
    kb: Path,
    settings: Settings | None,
    *,
    questions: Path | None,
    only_if_better: bool,
    flip: bool,
) -> Outcome:
    """Embed the documents of a knowledge base anew, compare, and put the new one in its place.

    Raises:
        InvalidInput: the questions can not be read; and what ``reembed`` raises.
    """
    asked = None if questions is None else read_questions(questions)
    compared: dict[str, SideBySide] = {}

    def judge(old: KnowledgeBase, new: KnowledgeBase, detector: LanguageDetector) -> bool:
        assert asked is not None
        compared.update(compare_on_questions(old, new, asked, detector))
        return not (only_if_better and _is_worse(compared))

    with Bar(unit="document") as bar:
        report = reembed(
            kb,
            settings,
            flip=flip,
            judge=None if asked is None else judge,
            on_stage=bar.stage,
        )
    problems = []
    if only_if_better and compared and _is_worse(compared):
        difference = compared[""].difference[_DECIDES]
        problems.append(
            Problem(
                source=kb.name,
                reason=f"the new one is worse ({_DECIDES} {difference.mean:+.3f}, 95 % "
                f"{difference.low:+.3f} to {difference.high:+.3f}) and was not put in place; it "
                f"is at {report.beside}: delete it, or do without --only-if-better",
            )
        )
    return _outcome(kb, report, compared, problems)


def back_outcome(kb: Path, *, lose_newer: bool) -> Outcome:
    """Put the knowledge base before back in its place; the errors are those of ``go_back``."""
    with Bar(unit="document") as bar:
        report = go_back(kb, lose_newer=lose_newer, on_stage=bar.stage)
    return _outcome(kb, report, {}, [], lost=lose_newer)


def _is_worse(compared: Mapping[str, SideBySide]) -> bool:
    return compared[""].difference[_DECIDES].standing == "below"


def _outcome(
    kb: Path,
    report: ReembedReport,
    compared: Mapping[str, SideBySide],
    problems: list[Problem],
    *,
    lost: bool = False,
) -> Outcome:
    written = report.written
    counts = {
        "added": written.added,
        "updated": written.updated,
        "deleted": written.deleted,
        "chunks": written.chunks,
    }
    said = (
        f"documents: {written.added:,} added, {written.updated:,} replaced, {written.deleted:,} "
        f"deleted; {written.chunks:,} chunks embedded"
    )
    if lost:
        said = (
            f"left behind: {written.added:,} documents that were added since, {written.updated:,} "
            f"that were replaced; {written.deleted:,} that were deleted are there again"
        )
    beside = kb.with_name(report.beside.name) if kb.name else report.beside
    place = f"in place: {kb}; the other one is at {beside}"
    if not report.in_place:
        place = f"not in place: {beside}"
        if not problems:
            place += "; the same command without --no-flip puts it there"
    return Outcome(
        result={
            "documents": report.documents,
            "chunks": report.chunks,
            **({"lost": counts} if lost else {"written": counts}),
            "differing": {name: list(pair) for name, pair in report.differing.items()},
            "questions": {name or "all": _as_data(side) for name, side in compared.items()},
            "in_place": report.in_place,
            "beside": str(report.beside),
        },
        lines=[
            *(
                f"{name}: {safe(str(old))} -> {safe(str(new))}"
                for name, (old, new) in report.differing.items()
            ),
            said,
            f"holds {report.documents:,} documents, {report.chunks:,} chunks",
            *_measures(compared),
            place,
        ],
        problems=problems,
    )


def _as_data(side: SideBySide) -> dict[str, Any]:
    differences = {
        name: {**dataclasses.asdict(difference), "standing": difference.standing}
        for name, difference in side.difference.items()
    }
    return {
        "questions": side.questions,
        "old": side.old,
        "new": side.new,
        "difference": differences,
    }


def _measures(compared: Mapping[str, SideBySide]) -> list[str]:
    """Return a line for each measure over all questions, then nDCG@10 by language."""
    if not compared:
        return []
    rows = [("", name) for name in MEASURES]
    rows += [(language, _DECIDES) for language in compared if language]
    lines = []
    for language, name in rows:
        side = compared[language]
        difference = side.difference[name]
        lines.append(
            {
                "measure": f"{name} {language}".strip(),
                "old": f"{side.old[name]:.3f}",
                "new": f"{side.new[name]:.3f}",
                "difference": f"{difference.mean:+.3f}",
                "95 %": f"{difference.low:+.3f} to {difference.high:+.3f}",
                "new one is": _STANDINGS[difference.standing],
                "questions": side.questions,
            }
        )
    return table(lines)


_STANDINGS = {"above": "better", "below": "worse", "not told apart": "not told apart"}
