"""``rag-engine bench typing``: what it costs when a question is typed otherwise than the passage.

People leave accents out, type their language in Latin letters, write a number as a word or as a
digit, a name in the script of its bearer. The set ``typed_otherwise`` beside this file holds each
question twice: as the passage writes it, and typed otherwise, its id with ``-bare`` at the end.
Both have the same right passage, so that the difference is the typing's alone.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rag_engine.components import default_components
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.settings import Settings

__all__ = ["AskedTwice", "bench_typing", "mean_reciprocal_rank", "typed_otherwise_set"]

_OTHERWISE = "-bare"
_DEPTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTwice:
    """A question of the set, and where its right passage stood: 1 is first, None not found."""

    id: str
    kind: str
    language: str
    as_written: int | None
    otherwise: int | None


def typed_otherwise_set() -> Path:
    """Return the folder of the set that comes with the package (BEIR's layout)."""
    with as_file(files("rag_engine.pipelines") / "bench" / "typed_otherwise") as folder:
        return folder


def bench_typing(
    settings: Settings, folder: Path | None = None, kb_path: Path | None = None
) -> Outcome:
    """Ask every question of a set as written and typed otherwise, with the settings' search.

    ``folder`` is a set in place of the package's: its questions have a ``kind``, and for every id
    there is one with ``-bare`` at the end. The knowledge base stays at
    ``kb_path``, if that is given.

    Raises:
        InvalidInput: the folder is no test set, or its questions are not in pairs.
    """
    test_set = load_test_set(folder or typed_otherwise_set())
    kinds = _kinds(test_set)
    with tempfile.TemporaryDirectory() as temporary:
        ranks = _ranks(test_set, kb_path or Path(temporary) / "kb", settings)
    language = {question.id: question.language for question in test_set.questions}
    asked = [
        AskedTwice(
            id=identifier,
            kind=kind,
            language=language[identifier],
            as_written=ranks[identifier],
            otherwise=ranks[identifier + _OTHERWISE],
        )
        for identifier, kind in kinds.items()
    ]
    by_kind = _rows("kind", asked, lambda each: each.kind)
    by_language = _rows("language", asked, lambda each: each.language)
    everything = _figures(asked)
    lines = [
        *table([_shown(row) for row in (*by_kind, {"kind": "all", **everything})]),
        "",
        *table([_shown(row) for row in by_language]),
    ]
    result = {
        "set": test_set.name,
        "machine": machine(),
        "all": everything,
        "kinds": by_kind,
        "languages": by_language,
        "questions": [asdict(each) for each in asked],
    }
    return Outcome(result=result, lines=lines)


def mean_reciprocal_rank(ranks: Sequence[int | None]) -> float:
    """Return the mean of 1/rank, where a question without its passage (None) counts 0.

    >>> mean_reciprocal_rank([1, 2, None, None])
    0.375
    """
    return sum(1 / rank for rank in ranks if rank is not None) / len(ranks)


def _kinds(test_set: TestSet) -> dict[str, str]:
    """Return how each question is typed otherwise, by the id of the one as written."""
    stated = {question.id: question.kind or "not stated" for question in test_set.questions}
    written = sorted(each for each in stated if not each.endswith(_OTHERWISE))
    paired = stated.keys() & {each + _OTHERWISE for each in written}
    lone = stated.keys() - paired - {each.removesuffix(_OTHERWISE) for each in paired}
    if lone:
        raise InvalidInput(
            f"{test_set.name}: question {min(lone)!r} has no pair with a right passage; each "
            f"question needs another one with the same id and {_OTHERWISE!r} at its end"
        )
    if not written:
        raise InvalidInput(f"{test_set.name} holds no question with a right passage")
    return {each: stated[each + _OTHERWISE] for each in written}


def _ranks(test_set: TestSet, path: Path, settings: Settings) -> dict[str, int | None]:
    """Return the best place of a right passage for each question."""
    components = default_components(settings)
    texts = [question.text for question in test_set.questions]
    ranks: dict[str, int | None] = {}
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        with Bar("indexing", len(test_set.corpus), "passage") as bar:
            kb.add(test_set.corpus, on_progress=bar.to)
            kb.publish(on_stage=bar.stage)
        with Bar("asking", len(texts), "question") as bar:
            found = bar.each(kb.rank(texts, depth=_DEPTH))
            for question, documents in zip(test_set.questions, found, strict=True):
                grades = test_set.qrels[question.id]
                places = (
                    place
                    for place, document in enumerate(documents, start=1)
                    if grades.get(document.document_id, 0) > 0
                )
                ranks[question.id] = next(places, None)
    return ranks


def _rows(
    name: str, asked: Sequence[AskedTwice], group: Callable[[AskedTwice], str]
) -> list[dict[str, Any]]:
    """Return the figures of each group, in the order of their names."""
    groups: dict[str, list[AskedTwice]] = defaultdict(list)
    for each in asked:
        groups[group(each)].append(each)
    return [{name: key, **_figures(groups[key])} for key in sorted(groups)]


def _figures(asked: Sequence[AskedTwice]) -> dict[str, Any]:
    written, otherwise = ([each.as_written for each in asked], [each.otherwise for each in asked])
    return {
        "questions": len(asked),
        "first_as_written": written.count(1),
        "first_otherwise": otherwise.count(1),
        "mrr_as_written": mean_reciprocal_rank(written),
        "mrr_otherwise": mean_reciprocal_rank(otherwise),
    }


def _shown(row: dict[str, Any]) -> dict[str, object]:
    [name] = row.keys() & {"kind", "language"}
    return {
        name: row[name],
        "questions": row["questions"],
        "first as written": row["first_as_written"],
        "first otherwise": row["first_otherwise"],
        "MRR as written": f"{row['mrr_as_written']:.3f}",
        "MRR otherwise": f"{row['mrr_otherwise']:.3f}",
    }
