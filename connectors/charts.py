"""Pictures of what was measured, as PNG files, by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.errors import MissingExtra
from rag_engine.evaluation.score_calibration import Bin

__all__ = ["language_pair_heat_map", "premium_chart", "reliability_chart"]

_INCHES_A_LANGUAGE = 0.45
_SMALLEST_INCHES = 4.0
_MOST_WITH_NUMBERS = 24
"""Languages up to which every cell says its number."""
_MARGIN_INCHES = 1.6
_PREMIUM_INCHES = 0.16


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("evaluate", package="matplotlib") from error
    # A figure of its own: no window, no state that is shared with a program's other pictures.
    return Figure(figsize=(width, height), layout="constrained")


def language_pair_heat_map(
    by_pair: Mapping[str, Mapping[str, float]], path: Path, *, measure: str, title: str
) -> None:
    """Draw one measure for each pair of a question's and a passage's language.

    ``by_pair`` maps ``"de->en"`` to measures, as an evaluation's report does. A pair that no
    question has stays white.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    pairs = {name: name.split("->", 1) for name in by_pair}
    rows = sorted({question for question, _ in pairs.values()})
    columns = sorted({passage for _, passage in pairs.values()})
    values = np.full((len(rows), len(columns)), np.nan)
    for name, (question, passage) in pairs.items():
        values[rows.index(question), columns.index(passage)] = by_pair[name][measure]
    width, height = (
        max(_SMALLEST_INCHES, _INCHES_A_LANGUAGE * count + _MARGIN_INCHES)
        for count in (len(columns), len(rows))
    )
    figure = _figure(width, height)
    axes = figure.add_subplot()
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("language of the passage")
    axes.set_ylabel("language of the question")
    axes.set_title(title)
    if max(len(rows), len(columns)) <= _MOST_WITH_NUMBERS:
        for row, column in np.argwhere(np.isfinite(values)).tolist():
            value = float(values[row, column])
            colour = "black" if value > 0.6 else "white"
            text = f"{value:.2f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
    figure.colorbar(image, ax=axes, label=measure)
    figure.savefig(path, format="png", dpi=120)


def reliability_chart(curves: Mapping[str, Sequence[Bin]], path: Path, *, title: str) -> None:
    """Draw how often hits are right against how probable they were said to be, a curve a kind.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure = _figure(_SMALLEST_INCHES + _MARGIN_INCHES, _SMALLEST_INCHES + _MARGIN_INCHES)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="as said")
    for name, bins in curves.items():
        axes.plot(
            [each.predicted for each in bins],
            [each.observed for each in bins],
            marker="o",
            label=name,
        )
    axes.set_xlabel("score of the hits")
    axes.set_ylabel("share of them that are right")
    axes.set_title(title)
    axes.legend()
    figure.savefig(path, format="png", dpi=120)


def premium_chart(
    premiums: Mapping[str, Mapping[str, float]], path: Path, *, reference: str, title: str
) -> None:
    """Draw the premium of each language, a point for each tokenizer.

    ``premiums`` maps a tokenizer's name to premiums by language, 1 for the ``reference``. Languages
    stand in the order of the first tokenizer's, those that it can not read last.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    first = next(iter(premiums.values()))
    rest = sorted({name for each in premiums.values() for name in each} - first.keys())
    order = [*sorted(first, key=lambda name: (first[name], name)), *rest]
    height = _PREMIUM_INCHES * len(order) + _MARGIN_INCHES
    figure = _figure(_SMALLEST_INCHES + 2 * _MARGIN_INCHES, max(_SMALLEST_INCHES, height))
    axes = figure.add_subplot()
    for name, by_language in premiums.items():
        rows = [row for row, language in enumerate(order) if language in by_language]
        values = [by_language[order[row]] for row in rows]
        axes.plot(values, rows, linestyle="", marker="o", markersize=4, label=name)
    axes.axvline(1, color="grey", linestyle=":")
    axes.set_yticks(range(len(order)), order, fontsize=7)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlabel(f"tokens of the same content, {reference} = 1")
    axes.set_title(title)
    if len(premiums) > 1:
        axes.legend()
    figure.savefig(path, format="png", dpi=120)
