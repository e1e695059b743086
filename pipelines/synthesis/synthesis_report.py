"""What is told of a run at its end: how many questions were asked, kept and dropped, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag_engine.connectors.training.synthesis.question_checks import Verdict
from rag_engine.pipelines.synthesis.question_journal import Tally
from rag_engine.pipelines.tables import table

__all__ = ["tally_data", "tally_table"]


def tally_data(tally: Tally, languages: Sequence[str]) -> dict[str, Any]:
    """Return a tally as plain data: of all questions, and of those of each language."""
    rows = {language: _row(tally, [language]) for language in languages}
    return {**_row(tally, languages), "languages": rows}


def tally_table(tally: Tally, languages: Sequence[str]) -> list[str]:
    r"""Return a tally as a table: a row a language, a column a fate that occurred.

    >>> tally = Tally({("de", Verdict.KEPT): 2, ("de", Verdict.KEPT_UNSURE): 1})
    >>> tally["sw", Verdict.COPY] = 1
    >>> print("\n".join(tally_table(tally, ["de", "sw"])))
    language  asked  kept  of them unsure  copied
    de            3     3               1       0
    sw            1     0               0       1
    all           4     3               1       1
    """
    dropped = [
        fate for fate in Verdict if not fate.good and any(tally[each, fate] for each in languages)
    ]
    groups = [*((language, [language]) for language in languages), ("all", languages)]
    rows = []
    for name, group in groups:
        row = _row(tally, group)
        rows.append(
            {
                "language": name,
                "asked": row["asked"],
                "kept": row["kept"],
                "of them unsure": row["kept_unsure"],
                **{fate.value: row["dropped"].get(fate.value, 0) for fate in dropped},
            }
        )
    return table(rows)


def _row(tally: Tally, languages: Sequence[str]) -> Mapping[str, Any]:
    counts = {fate: sum(tally[each, fate] for each in languages) for fate in Verdict}
    return {
        "asked": sum(counts.values()),
        "kept": counts[Verdict.KEPT] + counts[Verdict.KEPT_UNSURE],
        "kept_unsure": counts[Verdict.KEPT_UNSURE],
        "dropped": {fate.value: count for fate, count in counts.items() if count and not fate.good},
    }
