"""What ``rag-engine evaluate`` shows of its figures: tables as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rag_engine.evaluation.verdict import LEAST_QUESTIONS
from rag_engine.pipelines.tables import table

__all__ = [
    "ablation_of_sets",
    "by_language",
    "calibration_lines",
    "figures_of_rows",
    "pair_matrix",
]

_WIDEST = 24

Runs = Mapping[str, Mapping[str, Any]]
"""Reports by the names of their rows."""


def figures_of_rows(corner: str, reports: Runs, *, cached: bool = False) -> list[str]:
    """Return a line of figures for each report; ``corner`` says what their names are.

    With ``cached`` the milliseconds are said to be without those of embedding.
    """
    return table(
        [{corner: name, **_figures(report, cached=cached)} for name, report in reports.items()]
    )


def _figures(report: Mapping[str, Any], *, cached: bool) -> dict[str, str | None]:
    return {
        "nDCG@10": f"{report['ndcg@10']:.3f}",
        "mAP": f"{report['map']:.3f}",
        "R@100": f"{report['recall@100']:.3f}",
        "cross": _if_measured(report["cross_language"]["ndcg@10"]),
        "same": _if_measured(report["same_language"]["ndcg@10"]),
        "top1 home": _if_measured(report["top1_in_query_language"]),
        "ms, cached" if cached else "ms/query": f"{report['ms_per_query']:.2f}",
    }


def _if_measured(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def ablation_of_sets(sets: Mapping[str, Runs]) -> list[str]:
    """Return a line a set: nDCG@10 of every row of the ablation, then other figures of the last."""
    rows = []
    for name, runs in sets.items():
        last = list(runs)[-1]
        rows.append(
            {
                "nDCG@10": name,
                **{row: f"{report['ndcg@10']:.3f}" for row, report in runs.items()},
                f"mAP of {last}": f"{runs[last]['map']:.3f}",
                "top1 home": _if_measured(runs[last]["top1_in_query_language"]),
                "questions": runs[last]["queries"],
            }
        )
    return table(rows)


def by_language(sets: Mapping[str, Runs], rows: Sequence[str]) -> list[str]:
    """Return a line for every language of a set's questions: nDCG@10 of some rows.

    Languages with too few questions to be judged alone are marked.
    """
    lines = []
    for name, runs in sets.items():
        for language, values in runs[rows[0]]["by_language"].items():
            count = values["queries"]
            figures = {row: f"{runs[row]['by_language'][language]['ndcg@10']:.3f}" for row in rows}
            lines.append(
                {
                    "nDCG@10 by language": f"{name} {language}",
                    **figures,
                    "questions": f"{count:,}" if count >= LEAST_QUESTIONS else f"(few) {count:,}",
                }
            )
    return table(lines)


def calibration_lines(scored: Mapping[str, Any]) -> Iterator[str]:
    """Yield what scores are worth: how far from the truth, by score, and by threshold."""
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


def pair_matrix(report: Mapping[str, Any]) -> list[str]:
    """Return nDCG@10 by the question's language (rows) and the passage's (columns).

    With more than ``_WIDEST`` languages on a side a line says so instead.

    >>> pairs = {"de->en": {"ndcg@10": 0.5}, "en->en": {"ndcg@10": 1.0}}
    >>> pair_matrix({"by_pair": pairs})
    ['nDCG@10     en', 'de in    0.500', 'en in    1.000']
    """
    pairs = report["by_pair"]
    split = [name.split("->", 1) for name in pairs]
    rows, columns = (sorted({pair[side] for pair in split}) for side in (0, 1))
    if max(len(rows), len(columns)) > _WIDEST:
        return [f"{len(pairs):,} pairs of languages: --report FILE and --json have them all"]
    return table(
        [
            {
                "nDCG@10": f"{row} in",
                **{
                    column: f"{pairs[f'{row}->{column}']['ndcg@10']:.3f}"
                    if f"{row}->{column}" in pairs
                    else None
                    for column in columns
                },
            }
            for row in rows
        ]
    )
