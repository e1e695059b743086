"""``rag-engine evaluate SET_DIR``: how well the engine answers test sets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rag_engine.components import Components, default_components
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.cached_embedder import CachedEmbedder, Counts, Side, cached_embedder
from rag_engine.evaluation.counted import counted
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.evaluation.metrics import check_extra
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.evaluation.verdict import Comparison, verdict_lines
from rag_engine.pipelines.evaluation_files import Found, write_calibration, write_report
from rag_engine.pipelines.evaluation_runs import (
    BASELINES,
    OURS,
    compare_rows,
    evaluate_calibration,
    evaluate_rows,
)
from rag_engine.pipelines.evaluation_tables import (
    ablation_of_sets,
    by_language,
    calibration_lines,
    figures_of_rows,
)
from rag_engine.pipelines.output import Outcome, note
from rag_engine.records import Problem
from rag_engine.settings import Settings
from rag_engine.store.recognised import find_catalogue

__all__ = ["check_folders", "counts_of", "evaluate", "of_several", "remembering"]


def evaluate(
    folders: Sequence[Path],
    *,
    settings: Settings,
    kb_path: Path | None = None,
    cache: Path | None = None,
    report: Path | None = None,
    ablation: bool = False,
    strict: bool = False,
    calibration: Path | None = None,
) -> Outcome:
    """Evaluate test sets with the settings, or every row of the ablation table.

    A corpus is indexed into ``kb_path`` (where it stays, and is reused; of several sets each into
    a folder of its name below) or a temporary folder. ``cache`` keeps vectors between runs.
    ``report`` receives the figures as JSON and, beside it, a heat map of the language pairs as
    PNG; ``calibration`` what the scores are worth, as JSON with a chart beside it. With
    ``ablation`` the last lines say where ours is below a plain baseline by more than noise; with
    ``strict`` each such place is a problem of the outcome, and a set without a verdict; what a
    set's qrels name that it does not hold always is.

    Raises:
        InvalidInput: a folder is no test set, two have the same name, or ``strict`` without
            ``ablation``.
        StoreCorrupt: the cache is damaged.
        MissingExtra: ir_measures is not installed.
    """
    if strict and not ablation:
        raise InvalidInput("--strict asks for the verdict that --ablation gives; add --ablation")
    check_extra()
    check_folders(folders, kb_path)
    sets = [load_test_set(folder) for folder in folders]
    found: dict[str, Found] = {}
    with ExitStack() as stack:
        components = default_components(settings)
        if cache is not None:
            components = stack.enter_context(remembering(components, settings, cache))
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number, test_set in enumerate(sets, start=1):
            note(
                f"{of_several(number, sets)}{test_set.name}: "
                f"{counted(len(test_set.corpus), 'passage')}, "
                f"{counted(len(test_set.questions), 'question')}"
            )
            base = kb_path or temporary / "kb"
            path = base if kb_path is not None and len(sets) == 1 else base / test_set.name
            measured = evaluate_rows(test_set, path, settings, components, ablation=ablation)
            one = Found(
                runs={name: each.report for name, each in measured.items()},
                unmeasured=test_set.unnamed_languages,
            )
            if ablation:
                one.comparisons = compare_rows(test_set, measured)
            if calibration is not None:
                one.scored = evaluate_calibration(test_set, path, settings, components)
            found[test_set.name] = one
        counts = counts_of(components)
    if report is not None:
        write_report(report, found, all_rows=ablation)
    if calibration is not None:
        write_calibration(calibration, found)
    comparisons = [each for one in found.values() for each in one.comparisons]
    return Outcome(
        result=_result(found, comparisons, counts, ablation=ablation),
        lines=list(_lines(found, comparisons, ablation=ablation, cached=cache is not None)),
        problems=[
            *(problem for test_set in sets for problem in test_set.problems),
            *(_problems(found) if strict else ()),
        ],
    )


def check_folders(folders: Sequence[Path], kb_path: Path | None) -> None:
    """Refuse sets of one name, and a knowledge base in the place of a folder for several."""
    names = [folder.resolve().name for folder in folders]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(
                f"two sets are named {name!r}; a set is known by its folder's name: give each "
                "once, or rename one"
            )
    if kb_path is not None and len(folders) > 1 and find_catalogue(kb_path) is not None:
        raise InvalidInput(
            f"--kb {kb_path} is a knowledge base; with {len(folders)} sets it is a folder that "
            "holds one for each, by the set's name: name another"
        )


def of_several(number: int, sets: Sequence[TestSet]) -> str:
    """Return which set of how many it is, where there are several."""
    return f"{number}/{len(sets)} " if len(sets) > 1 else ""


@contextmanager
def remembering(components: Components, settings: Settings, folder: Path) -> Iterator[Components]:
    """Give the parts with an embedder that keeps what it embeds in a folder; say how much it was.

    It is said after an error or Ctrl-C too: that much is kept.
    """
    if components.sparse:
        raise InvalidInput(
            f"--cache {folder}: {components.embedder.contract.model!r} tells what tokens weigh, "
            "which the cache does not keep; leave --cache out, or set embedder.sparse_vectors = "
            "false"
        )
    with VectorCache(folder) as cache:
        space = components.token_space
        embedder = cached_embedder(
            components.embedder,
            cache,
            basis=None if space is None else space.basis,
            is_remote=settings.embedder.kind == "openai-compatible",
        )
        try:
            yield replace(components, embedder=embedder)
        finally:
            passages, questions = embedder.counts["passage"], embedder.counts["query"]
            note(
                f"in the cache {cache.path}: {passages.known:,} of {passages.all:,} passages, "
                f"{questions.known:,} of {questions.all:,} questions; embedded and kept there now: "
                f"{passages.embedded + questions.embedded:,}"
            )


def counts_of(components: Components) -> dict[Side, Counts]:
    """Return how many texts were in the cache, where there is one."""
    embedder = components.embedder
    return embedder.counts if isinstance(embedder, CachedEmbedder) else {}


def _result(
    found: dict[str, Found],
    comparisons: list[Comparison],
    counts: dict[Side, Counts],
    *,
    ablation: bool,
) -> dict[str, Any]:
    """Return everything as plain data; of one set without a level for the sets."""
    sets = {
        name: {"set": name, "runs": one.runs, **({"calibration": one.scored} if one.scored else {})}
        for name, one in found.items()
    }
    result: dict[str, Any] = next(iter(sets.values())) if len(sets) == 1 else {"sets": sets}
    if ablation:
        result = {**result, "comparisons": [each.as_dict() for each in comparisons]}
    if counts:
        result = {**result, "cache": {side: asdict(count) for side, count in counts.items()}}
    return result


def _lines(
    found: dict[str, Found], comparisons: list[Comparison], *, ablation: bool, cached: bool
) -> Iterator[str]:
    sets = {name: one.runs for name, one in found.items()}
    if len(found) == 1:
        [(name, runs)] = sets.items()
        yield from figures_of_rows(name, runs, cached=cached)
    elif ablation:
        yield from ablation_of_sets(sets)
    else:
        [mode] = next(iter(sets.values()))
        yield from figures_of_rows(
            mode, {name: runs[mode] for name, runs in sets.items()}, cached=cached
        )
    yield from (one.unmeasured for one in found.values() if one.unmeasured)
    for name, one in found.items():
        if one.scored:
            yield ""
            if len(found) > 1:
                yield f"{name}:"
            yield from calibration_lines(one.scored)
    if ablation:
        if lines := by_language(sets, [*BASELINES, OURS]):
            yield ""
            yield from lines
        yield ""
        yield from verdict_lines(comparisons)


def _problems(found: dict[str, Found]) -> Iterator[Problem]:
    for name, one in found.items():
        if not one.comparisons:
            reason = "no verdict: no question of it has an answer; see its qrels"
            yield Problem(source=name, reason=reason)
        for each in one.comparisons:
            if each.difference.standing == "below":
                yield Problem(source=each.place, reason=f"below {each.baseline}: {each.figures}")
