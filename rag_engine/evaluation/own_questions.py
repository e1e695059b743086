"""Two knowledge bases of the same documents side by side, on one's own questions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.evaluation.bootstrap import Difference, paired_bootstrap
from rag_engine.evaluation.ndcg import ndcg
from rag_engine.evaluation.verdict import by_language
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.ports import LanguageDetector
from rag_engine.records import UNDETERMINED

__all__ = ["MEASURES", "OwnQuestion", "SideBySide", "compare_on_questions", "read_questions"]

MEASURES = ("hit@1", "mrr@10", "ndcg@10")
_DEPTH = 10
_PER_DOCUMENT = 5
"""Passages, rows and pictures of one file may stand before others: so much deeper is looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnQuestion:
    """A question and the documents that answer it; ``language`` is "" where nobody said it."""

    text: str
    documents: frozenset[str]
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """Means of two runs over the same questions; ``difference`` is the new one's less the old's."""

    questions: int
    old: dict[str, float]
    new: dict[str, float]
    difference: dict[str, Difference]


def read_questions(path: Path) -> list[OwnQuestion]:
    """Read lines ``{"question": ..., "document": ...}``, perhaps with a ``language``.

    A document is named by its id; a file's rows, pages and pictures (``FILE#ROW``) are the file's.
    Lines with the same question name several documents that answer it.

    Raises:
        InvalidInput: the file can not be read, holds no question, or a line is none; it says which.
    """
    found: dict[str, OwnQuestion] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"questions {path}: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        question, document, language = _values(line, f"{path}, line {number}")
        known = found.get(question)
        documents = frozenset({document}) | (known.documents if known else frozenset())
        language = language or (known.language if known else "")
        found[question] = OwnQuestion(text=question, documents=documents, language=language)
    if not found:
        raise InvalidInput(
            f'questions {path}: it holds none; write lines {{"question": ..., "document": ...}}'
        )
    return list(found.values())


def _values(line: str, where: str) -> tuple[str, str, str]:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"{where}: it is no JSON ({error})") from error
    if not isinstance(data, dict):
        raise InvalidInput(f"{where}: a line is a JSON object, got {line!r:.80}")
    values = [data.get("question"), data.get("document"), data.get("language") or ""]
    if not all(isinstance(value, str) for value in values) or not all(values[:2]):
        raise InvalidInput(
            f'{where}: a line is {{"question": TEXT, "document": ID}}, perhaps with a "language", '
            f"got {line!r:.120}"
        )
    return str(values[0]), str(values[1]), str(values[2])


def compare_on_questions(
    old: KnowledgeBase,
    new: KnowledgeBase,
    questions: Sequence[OwnQuestion],
    detector: LanguageDetector,
) -> dict[str, SideBySide]:
    """Ask both the same; return what is found over all questions (""), and by their language.

    A language that nobody said is detected; questions of none are in "" alone.

    Raises:
        InvalidInput: no document that a question names is there.
    """
    _check_named(new.document_ids(), questions)
    values = {name: _values_of(kb, questions) for name, kb in (("old", old), ("new", new))}
    languages = {str(place): _language(one, detector) for place, one in enumerate(questions)}
    groups = {"": list(languages), **by_language(languages)}
    return {
        group: _side_by_side(
            [values["old"][int(place)] for place in places],
            [values["new"][int(place)] for place in places],
        )
        for group, places in groups.items()
    }


def _check_named(ids: Iterable[str], questions: Sequence[OwnQuestion]) -> None:
    there = {name for document in ids for name in (document, document.partition("#")[0])}
    for question in questions:
        if not question.documents & there:
            raise InvalidInput(
                f"the question {question.text!r:.80} names {min(question.documents)!r}, and there "
                "is no such document; `rag-engine search` prints how documents are called"
            )


def _language(question: OwnQuestion, detector: LanguageDetector) -> str:
    language = question.language or detector.detect(question.text).language
    return "" if language == UNDETERMINED else language


def _values_of(kb: KnowledgeBase, questions: Sequence[OwnQuestion]) -> list[dict[str, float]]:
    ranked = kb.rank([one.text for one in questions], depth=_PER_DOCUMENT * _DEPTH)
    return [
        _measured([document.document_id for document in found], one.documents)
        for one, found in zip(questions, ranked, strict=True)
    ]


def _measured(found: Sequence[str], right: frozenset[str]) -> dict[str, float]:
    """Return the measures of one question.

    >>> _measured(["b", "a#2", "a#1"], frozenset({"a"}))
    {'hit@1': 0.0, 'mrr@10': 0.5, 'ndcg@10': 0.6309297535714575}
    """
    named = dict.fromkeys(name if name in right else name.partition("#")[0] for name in found)
    grades = [int(name in right) for name in named][:_DEPTH]
    first = grades.index(1) + 1 if 1 in grades else inf
    return {
        "hit@1": float(first == 1),
        "mrr@10": 1 / first,
        "ndcg@10": ndcg(grades, [1] * len(right), _DEPTH),
    }


def _side_by_side(old: Sequence[dict[str, float]], new: Sequence[dict[str, float]]) -> SideBySide:
    by_old = {name: [each[name] for each in old] for name in MEASURES}
    by_new = {name: [each[name] for each in new] for name in MEASURES}
    return SideBySide(
        questions=len(old),
        old={name: sum(values) / len(values) for name, values in by_old.items()},
        new={name: sum(values) / len(values) for name, values in by_new.items()},
        difference={name: paired_bootstrap(by_new[name], by_old[name]) for name in MEASURES},
    )
