"""The files that ``rag-engine evaluate`` writes: figures as JSON, and charts beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag_engine.connectors.charts import language_pair_heat_map, reliability_chart
from rag_engine.evaluation.score_calibration import Bin
from rag_engine.evaluation.verdict import Comparison
from rag_engine.pipelines.output import note
from rag_engine.pipelines.output_files import write_lines

__all__ = ["Found", "write_calibration", "write_report"]


@dataclass(slots=True, kw_only=True)
class Found:
    """What was measured on one set: reports by row, and what was asked for.

    ``unmeasured`` says what was not, and why; "": nothing.
    """

    runs: dict[str, dict[str, Any]]
    unmeasured: str = ""
    comparisons: list[Comparison] = field(default_factory=list)
    scored: dict[str, Any] = field(default_factory=dict)


def write_report(path: Path, found: dict[str, Found], *, all_rows: bool) -> None:
    """Write the figures, by set if there are several, and a heat map a set.

    With ``all_rows`` those of every run by its name, else those of the last alone.
    """
    reports = {
        name: one.runs if all_rows else list(one.runs.values())[-1] for name, one in found.items()
    }
    if len(found) == 1:
        [data] = reports.values()
    else:
        comparisons = [each.as_dict() for one in found.values() for each in one.comparisons]
        data = {"sets": reports, **({"comparisons": comparisons} if all_rows else {})}
    _write(path, data)
    note(f"written: {path}")
    for name, one in found.items():
        row = list(one.runs)[-1]
        if pairs := one.runs[row]["by_pair"]:
            chart = _chart(path, name, found)
            title = f"{name}: nDCG@10 ({row})"
            language_pair_heat_map(pairs, chart, measure="ndcg@10", title=title)
            note(f"written: {chart}")


def write_calibration(path: Path, found: dict[str, Found]) -> None:
    """Write what scores are worth, by set if there are several, and a chart a set."""
    scored = {name: one.scored for name, one in found.items()}
    _write(path, next(iter(scored.values())) if len(scored) == 1 else {"sets": scored})
    note(f"written: {path}")
    for name, of_set in scored.items():
        curves = {
            kind: [Bin(**values) for values in bins] for kind, bins in of_set["reliability"].items()
        }
        chart = _chart(path, name, found)
        reliability_chart(curves, chart, title=name)
        note(f"written: {chart}")


def _chart(path: Path, name: str, found: dict[str, Found]) -> Path:
    """Return where a set's picture goes: beside the data, of several sets with the set's name."""
    return path.with_suffix(".png") if len(found) == 1 else path.with_suffix(f".{name}.png")


def _write(path: Path, data: dict[str, Any]) -> None:
    write_lines(path, "writing the report", [json.dumps(data, ensure_ascii=False, indent=1)])
