"""``rag-engine classify``: a text, or a file with a text a line, and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.components import default_detector, default_embedder
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.output import Outcome, safe
from rag_engine.pipelines.output_files import write_lines
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.text_arguments import check_no_path, embedded_texts, is_file, shortened
from rag_engine.pipelines.text_lines import TextLines, read_utf8
from rag_engine.records import Problem
from rag_engine.settings import Settings
from rag_engine.tasks.classification import (
    Classification,
    Label,
    checked_labels,
    classified,
    embedded_labels,
    labelled_prior,
)
from rag_engine.tasks.similarity import Side, checked_texts, unread

__all__ = ["classify_texts", "read_labels"]

_NONE = "(none of these)"
_COLUMNS = 3


def read_labels(path: Path) -> list[Label]:
    """Read labels: a line is a name, and behind tabs what describes it, and its language.

    Blank lines are passed over.

    Raises:
        InvalidInput: the file can not be read as UTF-8, or a line has more columns.
    """
    labels = []
    for number, line in enumerate(read_utf8(path).splitlines(), start=1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) > _COLUMNS or not cells[0]:
            raise InvalidInput(
                f"{path}, line {number}: a label is a name, a tab, a description, a tab, a "
                f"language (the last two may be left out), got {line!r:.80}"
            )
        name, description, language = [*cells, "", ""][:_COLUMNS]
        labels.append(Label(name, description, language or None))
    return labels


def classify_texts(
    given: str,
    labels: Sequence[str | Label],
    settings: Settings,
    *,
    language: str | None,
    label_language: str | None,
    own_means: bool,
    raw: bool,
    out: Path | None,
) -> Outcome:
    """Tell which labels a text is about, or each line of a file.

    Raises:
        InvalidInput: what ``rag_engine.tasks.classification`` refuses; a file without a text; what
            looks like the path of a file that is not there.
        StorageFailed: ``out`` can not be written.
    """
    said = checked_labels(labels)
    if raw and (language or label_language or own_means):
        raise InvalidInput(
            "--language, --label-language and --own-means have no effect with --raw; leave them or "
            "--raw out"
        )
    texts, numbers, problems = _read(given)
    embedder = default_embedder(settings)
    prior = None if raw else labelled_prior(embedder)
    detector = None if raw else default_detector()
    with Bar(unit="text") as bar:
        of_labels = embedded_labels(said, embedder, detector, label_language, prior)
        side = embedded_texts(texts, embedder, detector, language, bar, "texts")
        lined = _of_lines(side, numbers)
        found = classified(lined, of_labels, said, prior, own_means=own_means)
    if prior is not None:
        problems += [
            Problem(source=name, reason="the model can not read it: nothing is told of texts in it")
            for name in unread(found.languages, prior)
        ]
    result: dict[str, Any] = {
        "figure": "cosine" if raw else "probability",
        "labels": list(found.labels),
        "label_languages": None if raw else list(found.label_languages),
        "out": None if out is None else str(out),
    }
    each = [texts[row] for _, row in numbers]
    if out is not None:
        write_lines(out, "writing the labels", _table(found, numbers))
        told = [f"{out}: {len(numbers):,} texts"]
        return Outcome(result=result, lines=told, problems=problems)
    rows = [
        _as_data(found, place, numbers[place][0], name) for place, name in enumerate(found.best())
    ]
    return Outcome(
        result={**result, "texts": rows},
        lines=list(_lines(found, each, raw=raw)),
        problems=problems,
    )


def _read(given: str) -> tuple[list[str], list[tuple[int, int]], list[Problem]]:
    """Return the different texts, and of each line that has one its number and its text's row."""
    if not is_file(given):
        check_no_path(given)
        return checked_texts("TEXT", [given]), [(1, 0)], []
    lines = TextLines.read(Path(given))
    numbers = [(int(line), int(lines.rows[line])) for line in np.flatnonzero(lines.rows >= 0)]
    return lines.texts(0, len(lines)), numbers, list(lines.problems)


def _of_lines(side: Side, numbers: Sequence[tuple[int, int]]) -> Side:
    """Return the texts of all lines, repeated ones again."""
    rows = [row for _, row in numbers]
    return Side(side.vectors[rows], [side.languages[row] for row in rows])


def _lines(found: Classification, texts: Sequence[str], *, raw: bool) -> Iterator[str]:
    for place, (name, text) in enumerate(zip(found.best(), texts, strict=True)):
        figure, label = _first(found, place, name)
        shown = "-" if figure is None else f"{figure:.3f}"
        language = "" if raw else f"[{found.languages[place]}] "
        yield f"{shown:>5}  {safe(label)}  {language}{shortened(text)}"


def _first(found: Classification, place: int, name: str | None) -> tuple[float | None, str]:
    """Return the likeliest label of a text and its figure; None where nothing is told."""
    row = found.probabilities[place]
    if np.isnan(row).any():
        return None, "-"
    if name is None:
        assert found.none is not None
        return float(found.none[place]), _NONE
    return float(row.max()), name


def _as_data(found: Classification, place: int, line: int, name: str | None) -> dict[str, Any]:
    row = found.probabilities[place]
    told = not np.isnan(row).any()
    return {
        "line": line,
        "language": found.languages[place] if found.none is not None else None,
        "label": name,
        "figures": [round(float(value), 6) for value in row] if told else None,
        "none": round(float(found.none[place]), 6) if told and found.none is not None else None,
    }


def _table(found: Classification, numbers: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Yield a head, and a line for each text: its number, the label, all figures, with tabs."""
    names = [*found.labels, *([] if found.none is None else [_NONE])]
    yield "\t".join(["line", "label", *map(safe, names)])
    best = found.best()
    for place, (line, _) in enumerate(numbers):
        row = found.probabilities[place].tolist()
        row += [] if found.none is None else [float(found.none[place])]
        _, label = _first(found, place, best[place])
        figures = ["-" if np.isnan(value) else f"{value:.3f}" for value in row]
        yield "\t".join([str(line), safe(label), *figures])
