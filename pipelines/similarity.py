"""``rag-engine similarity``: two texts, or two files with a text a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.components import default_detector, default_embedder
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.output_files import write_lines
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.text_arguments import (
    check_no_path,
    embedded_texts,
    is_file,
    shortened,
)
from rag_engine.pipelines.text_lines import TextLines
from rag_engine.ports import Float32Array
from rag_engine.records import Problem
from rag_engine.settings import Settings
from rag_engine.tasks.similarity import (
    Side,
    checked_texts,
    compared,
    scaled_prior,
    unread,
)

__all__ = ["compare"]

_LARGEST = 20_000_000
"""Figures that a matrix may have: more fit no memory, nor anybody's eyes."""


def compare(
    one: str,
    other: str,
    settings: Settings,
    *,
    matrix: bool,
    raw: bool,
    language: str | None,
    other_language: str | None,
    out: Path | None,
) -> Outcome:
    """Compare two texts, or the lines of two files: the first with the first, or all with all.

    Raises:
        InvalidInput: a text beside a file; files of different lengths without ``matrix``; what
            ``rag_engine.tasks.similarity`` refuses; what looks like the path of a file that is not
            there.
        StorageFailed: the figures can not be written.
    """
    texts, others = _read(one, other, matrix=matrix)
    if raw and (language or other_language):
        raise InvalidInput(
            "--language and --other-language have no effect with --raw: plain cosines are the same "
            "for all languages; leave them or --raw out"
        )
    embedder = default_embedder(settings)
    prior = None if raw else scaled_prior(embedder)
    detector = None if raw else default_detector()
    with Bar(unit="text") as bar:
        sides = [
            embedded_texts(given, embedder, detector, said, bar, name)
            for given, said, name in (
                (texts, language, "the first texts"),
                (others, other_language, "the others"),
            )
        ]
    figures = compared(sides[0], sides[1], prior, matrix=matrix)
    lost = [] if prior is None else unread([*sides[0].languages, *sides[1].languages], prior)
    problems = [
        Problem(source=name, reason="the model can not read it: nothing is told of texts in it")
        for name in lost
    ]
    result: dict[str, Any] = {
        "figure": "cosine" if raw else "probability",
        "matrix": matrix,
        "languages": None if raw else list(sides[0].languages),
        "other_languages": None if raw else list(sides[1].languages),
        "out": None if out is None else str(out),
    }
    if out is not None:
        write_lines(out, "writing the figures", _plain(figures))
        told = [f"{out}: {figures.size:,} figures"]
        return Outcome(result=result, lines=told, problems=problems)
    lines = list(_plain(figures)) if matrix else list(_lines(texts, others, sides, figures, raw))
    return Outcome(
        result={**result, "similarity": _as_data(figures)}, lines=lines, problems=problems
    )


def _read(one: str, other: str, *, matrix: bool) -> tuple[list[str], list[str]]:
    files = [is_file(each) for each in (one, other)]
    if not any(files):
        for each in (one, other):
            check_no_path(each)
        return checked_texts("A", [one]), checked_texts("B", [other])
    if not all(files):
        path, text = (one, other) if files[0] else (other, one)
        raise InvalidInput(
            f"two texts or two files are compared, got the file {path} and {text!r:.80}, which is "
            "none; write the text into a file, or name one that is there"
        )
    texts, others = (_lines_of(Path(each)) for each in (one, other))
    if not matrix and len(texts) != len(others):
        raise InvalidInput(
            f"files are compared line by line, and {one} has {len(texts):,} lines, {other} "
            f"{len(others):,}; give both as many, or compare all with all (--matrix)"
        )
    if matrix and len(texts) * len(others) > _LARGEST:
        raise InvalidInput(
            f"--matrix of {len(texts):,} and {len(others):,} lines has {len(texts) * len(others):,}"
            f" figures, at most {_LARGEST:,} are; to find pairs in large files: rag-engine mine"
        )
    return texts, others


def _lines_of(path: Path) -> list[str]:
    """Return all lines of a file; here each counts, so none may be blank or unreadable."""
    lines = TextLines.read(path)
    if lines.blank or len(lines.problems):
        bad = np.flatnonzero(lines.rows[1:] < 0) + 1
        raise InvalidInput(
            f"{path}, line {bad[0]:,}: every line needs a text in UTF-8, as it is compared with "
            "that of the other file; mend or delete it in both"
        )
    texts = lines.texts(0, len(lines))
    return [texts[row] for row in lines.rows[1:]]


def _plain(figures: Float32Array) -> Iterator[str]:
    """Yield a line for each row: its figures, with tabs between."""
    for row in np.atleast_2d(figures.T).T if figures.ndim == 1 else figures:
        yield "\t".join(_figure(float(value)) for value in np.atleast_1d(row))


def _lines(
    texts: list[str], others: list[str], sides: list[Side], figures: Float32Array, raw: bool
) -> Iterator[str]:
    for place, value in enumerate(figures.tolist()):
        cells = [_figure(value)]
        for given, side in zip((texts, others), sides, strict=True):
            shown = shortened(given[place])
            cells.append(shown if raw else f"[{side.languages[place]}] {shown}")
        yield "  ".join(cells)


def _figure(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _as_data(figures: Float32Array) -> Any:
    """Return figures as lists, six places, None where nothing is told."""
    rounded = np.round(figures.astype(np.float64), 6)
    data = rounded.astype(object)
    data[np.isnan(rounded)] = None
    return data.tolist()
