"""The measures of a run, by ir-measures (which calls trec_eval), overall and by language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rag_engine.errors import MissingExtra

__all__ = [
    "MEASURES",
    "Qrels",
    "Run",
    "check_extra",
    "judged_pairs",
    "mean",
    "measure",
    "measure_by",
    "measure_each",
]

Run = Mapping[str, Sequence[str]]
"""A question's id and its ranked documents, best first."""

Qrels = Mapping[str, Mapping[str, int]]
"""A question's id, its judged documents and their grades."""

MEASURES = ("ndcg@10", "map", "mrr@10", "recall@10", "recall@100")


def _measures() -> tuple[Any, dict[Any, str]]:
    try:
        import ir_measures
    except ImportError as error:
        raise MissingExtra("evaluate", package="ir_measures") from error
    kinds = (
        ir_measures.nDCG @ 10,
        ir_measures.AP,
        ir_measures.RR @ 10,
        ir_measures.R @ 10,
        ir_measures.R @ 100,
    )
    return ir_measures, dict(zip(kinds, MEASURES, strict=True))


def check_extra() -> None:
    """Look for the library, before questions are asked for hours and can not be measured.

    Raises:
        MissingExtra: ir_measures is not installed.
    """
    _measures()


def measure(run: Run, qrels: Qrels) -> dict[str, float]:
    """Return the mean of each measure over all questions of ``qrels``.

    A question that the run does not answer counts as 0. Documents count by their place in the
    run, so that equal scores can not be reordered.

    >>> measure({"q": ["b", "a"]}, {"q": {"a": 1}})["mrr@10"]
    0.5
    """
    return mean(measure_each(run, qrels))


def measure_each(run: Run, qrels: Qrels) -> dict[str, dict[str, float]]:
    """Return each measure of every question of ``qrels``, in their order.

    >>> measure_each({"q": ["b", "a"]}, {"q": {"a": 1}, "lost": {"a": 1}})["q"]["mrr@10"]
    0.5
    """
    each = {question: dict.fromkeys(MEASURES, 0.0) for question in qrels}
    scored = {
        question: {document: float(-place) for place, document in enumerate(ranked)}
        for question, ranked in run.items()
        if question in qrels and ranked
    }
    if scored:
        library, names = _measures()
        plain = {question: dict(judged) for question, judged in qrels.items()}
        for result in library.iter_calc(list(names), plain, scored):
            each[result.query_id][names[result.measure]] = result.value
    return each


def mean(each: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each measure over questions; 0 over none.

    >>> mean({"p": dict.fromkeys(MEASURES, 0.0), "q": dict.fromkeys(MEASURES, 1.0)})["map"]
    0.5
    """
    return {
        name: sum(values[name] for values in each.values()) / max(1, len(each)) for name in MEASURES
    }


def judged_pairs(
    run: Run, qrels: Qrels, keep: Callable[[str, str], bool]
) -> tuple[dict[str, list[str]], dict[str, dict[str, int]]]:
    """Look at some of the right answers only: those that ``keep(question, document)`` names.

    The other right answers are taken out of run and judgements alike: a run is neither praised
    nor blamed for them. Questions without a right answer left are left out.
    """
    kept_qrels: dict[str, dict[str, int]] = {}
    kept_run: dict[str, list[str]] = {}
    for question, judged in qrels.items():
        named = {
            document: grade
            for document, grade in judged.items()
            if grade <= 0 or keep(question, document)
        }
        if not any(grade > 0 for grade in named.values()):
            continue
        unnamed = judged.keys() - named.keys()
        kept_qrels[question] = named
        kept_run[question] = [
            document for document in run.get(question, ()) if document not in unnamed
        ]
    return kept_run, kept_qrels


def measure_by(
    run: Run, qrels: Qrels, group: Callable[[str, str], str], groups: Iterable[str]
) -> dict[str, dict[str, float | None]]:
    """Measure each group of judged pairs alone; ``group(question, document)`` names a pair's.

    A group without pairs is not measured: None, which is not the 0 of a run that finds nothing.

    >>> found = measure_by({"q": ["a"]}, {"q": {"a": 1}}, lambda q, d: d, ["a", "b"])
    >>> found["a"]["ndcg@10"], found["b"]["ndcg@10"], found["b"]["queries"]
    (1.0, None, 0.0)
    """
    members: dict[str, dict[str, None]] = defaultdict(dict)  # a set would change order by run
    for question, judged in qrels.items():
        for document, grade in judged.items():
            if grade > 0:
                members[group(question, document)][question] = None
    measures: dict[str, dict[str, float | None]] = {}
    for name in groups:
        group_qrels = {question: qrels[question] for question in members.get(name, ())}
        part = judged_pairs(run, group_qrels, lambda q, d, name=name: group(q, d) == name)  # type: ignore[misc]
        found = measure(*part) if part[1] else dict.fromkeys(MEASURES)
        measures[name] = {**found, "queries": float(len(part[1]))}
    return measures
