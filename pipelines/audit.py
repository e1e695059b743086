"""``rag-engine evaluate SET_DIR --retriever MODULE:OBJECT``: anybody's retriever, as ours is."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_engine.components import default_components
from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.connectors.foreign_retrievers.opening import open_retriever
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.audit import Audit, audit
from rag_engine.evaluation.counted import counted
from rag_engine.evaluation.datasets import TestQuestion, TestSet, load_test_set
from rag_engine.evaluation.home_bias import HomeBias, home_bias
from rag_engine.evaluation.metrics import check_extra, measure_each
from rag_engine.evaluation.retrieval_report import build_report
from rag_engine.evaluation.verdict import Comparison, compare, verdict_lines
from rag_engine.pipelines.evaluate import check_folders, of_several, remembering
from rag_engine.pipelines.evaluation_files import Found, write_report
from rag_engine.pipelines.evaluation_runs import DEPTH, Measured, evaluate_rows
from rag_engine.pipelines.evaluation_tables import by_language, figures_of_rows, pair_matrix
from rag_engine.pipelines.output import Outcome, note, safe
from rag_engine.pipelines.progress import Bar
from rag_engine.records import Problem
from rag_engine.settings import Settings

__all__ = ["Beside", "audit_retriever"]

_SCORED = 10
"""Hits that nDCG@10 looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """How this engine is measured on the same sets, as ``evaluate`` does."""

    settings: Settings
    kb_path: Path | None = None
    cache: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Audited:
    test_set: TestSet
    audit: Audit
    bias: HomeBias | None
    found: Found


def audit_retriever(
    folders: Sequence[Path],
    name: str,
    *,
    id_key: str | None = None,
    beside: Beside | None = None,
    report: Path | None = None,
) -> Outcome:
    """Ask a retriever the questions of test sets, and measure what it finds.

    ``name`` is ``module:object`` (``connectors.foreign_retrievers.opening`` says what it may be);
    ``id_key`` the field of its documents' metadata that holds a passage's id. ``beside`` has this
    engine measured too, and compared with it. Questions on which it fails are problems of the
    outcome, and count as without hits; what qrels name that the set does not hold is one too.

    Raises:
        InvalidInput: a folder is no test set; the object is no retriever; what it gives are no
            passages of the set; or it fails on every question.
        SettingsError: there is no such module or object.
        MissingExtra: ir_measures is not installed.
    """
    check_extra()
    check_folders(folders, None if beside is None else beside.kb_path)
    sets = [load_test_set(folder) for folder in folders]
    if empty := [each.name for each in sets if not each.questions]:
        raise InvalidInput(f"no question of {empty[0]} has a right answer; see its qrels")
    done = []
    for number, (folder, test_set) in enumerate(zip(folders, sets, strict=True), start=1):
        note(
            f"{of_several(number, sets)}{test_set.name}: "
            f"{counted(len(test_set.corpus), 'passage')}, "
            f"{counted(len(test_set.questions), 'question')}"
        )
        done.append(_audited(folder, test_set, name, id_key))
    if beside is not None:
        _measure_ours(done, name, beside)
    found = {one.test_set.name: one.found for one in done}
    if report is not None:
        write_report(report, found, all_rows=beside is not None)
    results = [_result(one) for one in done]
    return Outcome(
        result=results[0]
        if len(results) == 1
        else {"sets": {each["set"]: each for each in results}},
        lines=[line for one in done for line in _lines(one, name, several=len(done) > 1)],
        problems=[problem for one in done for problem in _problems(one)],
    )


def _audited(folder: Path, test_set: TestSet, name: str, id_key: str | None) -> _Audited:
    def shown(questions: Sequence[TestQuestion]) -> Iterable[TestQuestion]:
        with Bar(f"asking {name}", len(questions), "question") as bar:
            yield from bar.each(iter(questions))

    with redirect_stdout(sys.stderr), EventLoop() as loop:  # stdout is the figures', or the JSON's
        retriever = open_retriever(name, folder.resolve(), loop)
        audited = audit(test_set, retriever, k=DEPTH, id_key=id_key, asked=shown)
    report = build_report(
        test_set,
        audited.run,
        ms_per_query=audited.ms_per_query,
        settings={"retriever": name, "class": retriever.name, "id_key": id_key, "k": DEPTH},
    )
    bias = home_bias(test_set, audited.run)
    report["home_bias"] = None if bias is None else bias.as_dict()
    report["audit"] = audited.as_dict()
    found = Found(runs={name: report}, unmeasured=test_set.unnamed_languages)
    return _Audited(test_set=test_set, audit=audited, bias=bias, found=found)


def _measure_ours(done: Sequence[_Audited], name: str, beside: Beside) -> None:
    """Measure this engine on the same sets, and compare it with the retriever."""
    with ExitStack() as stack:
        components = default_components(beside.settings)
        if beside.cache is not None:
            components = stack.enter_context(remembering(components, beside.settings, beside.cache))
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for one in done:
            base = beside.kb_path or temporary
            kept = beside.kb_path is not None and len(done) == 1
            path = base if kept else base / one.test_set.name
            rows = evaluate_rows(one.test_set, path, beside.settings, components, ablation=False)
            [(mode, ours)] = rows.items()
            one.found.runs[f"rag-engine ({mode})"] = ours.report
            one.found.comparisons = _compared(one, name, ours)


def _compared(one: _Audited, name: str, ours: Measured) -> list[Comparison]:
    questions = one.test_set.questions
    qrels = {question.id: one.test_set.qrels[question.id] for question in questions}
    each = measure_each(one.audit.run, qrels)
    return compare(
        one.test_set.name,
        {question.id: question.language for question in questions},
        ours.ndcg,
        {name: {question: values["ndcg@10"] for question, values in each.items()}},
    )


def _result(one: _Audited) -> dict[str, Any]:
    result: dict[str, Any] = {"set": one.test_set.name, "runs": one.found.runs}
    if one.found.comparisons:
        result["comparisons"] = [each.as_dict() for each in one.found.comparisons]
    return result


def _lines(one: _Audited, name: str, *, several: bool) -> Iterator[str]:
    runs = one.found.runs
    if several:
        yield f"{one.test_set.name}:"
    yield from figures_of_rows(one.test_set.name, runs)
    if one.found.unmeasured:
        yield one.found.unmeasured
    if lines := by_language({one.test_set.name: runs}, list(runs)):
        yield ""
        yield from lines
    if runs[name]["by_pair"]:
        yield ""
        yield from pair_matrix(runs[name])
    yield ""
    if one.bias is not None:
        yield one.bias.line
    yield from _how_it_went(one.audit, min(DEPTH, len(one.test_set.corpus)))
    if one.found.comparisons:
        yield from verdict_lines(one.found.comparisons)
    if several:
        yield ""


def _how_it_went(audited: Audit, wanted: int) -> Iterator[str]:
    """Yield what a reader has to know of the hits, of which ``wanted`` could come back."""
    told = ", ".join(f"{safe(name)} ({count:,})" for name, count in audited.told_by.items())
    yield f"passages told by: {told or 'none came back'}"
    most = audited.most_hits
    if 0 < most < wanted:
        short = f"never more than {counted(most, 'hit')} came back of {wanted} that are measured"
        if most < _SCORED:
            short += (
                f": nDCG@10 looks at {min(_SCORED, wanted)}; let the retriever give as many (k, "
                "similarity_top_k, top_k)"
            )
        yield short
    if none := audited.hits.get(0, 0):
        yield f"questions that came back without any hit: {none:,}"
    if audited.repeated:
        yield (f"hits that named a passage again (its first place counts): {audited.repeated:,}")


def _problems(one: _Audited) -> Iterator[Problem]:
    yield from one.test_set.problems
    for problem in one.audit.failures:
        yield Problem(
            source=f"{one.test_set.name}, question {problem.source}", reason=problem.reason
        )
