"""Whether an engine knows what it can answer: ``measure_answerable SET_DIR KB_DIR [COUNT]``.

``SET_DIR`` is a set in BEIR's layout. Where its questions say ``answerable`` (NoMIRACL), each is
asked once. Else ``COUNT`` of them (300) are asked twice, once with the right passages left out.
With ``sample`` for ``SET_DIR`` the questions of the sample knowledge base are asked, with their
document and without. The knowledge base in ``KB_DIR`` is made if there is none.

Prints the area under the ROC curve of the best score alone and of ``answerable``, and what is
answered, rightly and falsely, at each strictness, also by language.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_engine.evaluation.datasets import load_test_set
from rag_engine.filters import In, Not
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.demo import sample_documents, sample_questions
from rag_engine.pipelines.output import note
from rag_engine.pipelines.recipes.make_answerable import rows_of
from rag_engine.pipelines.tables import table

__all__ = ["Asked", "main", "questions_of"]

_COUNT = 300
_SEED = 7
_SAMPLE = "sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, whether it has an answer, and the documents that are left out for it."""

    text: str
    language: str
    answerable: bool
    without: tuple[str, ...] = ()


def questions_of(folder: Path, count: int) -> list[Asked]:
    """Return the questions of a set, or of the sample knowledge base."""
    if str(folder) == _SAMPLE:
        right = [(each.question, each.language, (each.document,)) for each in sample_questions()]
        return list(_twice(right))
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    if all("answerable" in row for row in rows):
        return [
            Asked(text=row["text"], language=row["language"], answerable=row["answerable"])
            for row in rows
        ]
    test_set = load_test_set(folder)
    some = random.Random(_SEED).sample(test_set.questions, min(count, len(test_set.questions)))
    return list(_twice([(q.text, q.language, tuple(test_set.qrels[q.id])) for q in some]))


def _twice(right: Sequence[tuple[str, str, tuple[str, ...]]]) -> Iterator[Asked]:
    for text, language, documents in right:
        yield Asked(text=text, language=language, answerable=True)
        yield Asked(text=text, language=language, answerable=False, without=documents)


def main(arguments: Sequence[str]) -> None:
    """Ask all questions and print what came of it."""
    folder, path = map(Path, arguments[:2])
    questions = questions_of(folder, int(arguments[2]) if len(arguments) > 2 else _COUNT)
    best, told = [], []
    with KnowledgeBase.open(path) as kb:
        if str(folder) == _SAMPLE:
            kb.add_files(sample_documents(), prefix="")
        else:
            kb.add(load_test_set(folder).corpus)
        for asked in questions:
            where = Not(In("document_id", asked.without)) if asked.without else None
            [hit] = kb.search(asked.text, k=1, where=where)
            best.append(hit.score)
            told.append(hit.parts.answerable or 0.0)
    labels = np.array([float(asked.answerable) for asked in questions])
    languages = np.array([asked.language for asked in questions])
    places = {"all": np.full(len(labels), True)}
    places |= {name: languages == name for name in sorted(set(languages.tolist()))}
    rows = [
        rows_of(name, labels[own], np.array(best)[own], np.array(told)[own])
        for name, own in places.items()
    ]
    note("\n".join(table(rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
