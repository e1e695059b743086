"""A report of one run over a test set: overall, across languages, and by pair of languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag_engine.evaluation.datasets import TestSet
from rag_engine.evaluation.metrics import Run, mean, measure_by, measure_each
from rag_engine.evaluation.verdict import by_language

__all__ = ["build_report"]


def build_report(
    test_set: TestSet, run: Run, *, ms_per_query: float, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the report as plain data; its keys are those that ``evaluate --report`` documents.

    ``cross_language`` and ``same_language`` look at judged pairs by the set's own language
    fields; ``top1_in_query_language`` is the share of questions whose first document is in their
    language, whatever it says. Where the set does not say the language of a question or of a
    document, they are in none of these; what is so of nothing is None. ``by_language`` looks at the
    questions of each language with all their right answers.
    """
    query_languages = {question.id: question.language for question in test_set.questions}
    qrels = {identifier: test_set.qrels[identifier] for identifier in query_languages}

    def pair(question: str, document: str) -> str:
        return f"{query_languages[question]}->{test_set.languages.get(document, '')}"

    def side(question: str, document: str) -> str:
        languages = {query_languages[question], test_set.languages.get(document, "")}
        if "" in languages:
            return "unknown"
        return "same_language" if len(languages) == 1 else "cross_language"

    pairs = sorted(
        {
            pair(question, document)
            for question, judged in qrels.items()
            for document, grade in judged.items()
            if grade > 0 and side(question, document) != "unknown"
        }
    )
    at_home = [
        first == query_languages[question]
        for question, ranked in run.items()
        if ranked and query_languages[question] and (first := test_set.languages.get(ranked[0]))
    ]
    each = measure_each(run, qrels)
    return {
        **mean(each),
        "queries": len(qrels),
        "top1_in_query_language": sum(at_home) / len(at_home) if at_home else None,
        "ms_per_query": ms_per_query,
        **measure_by(run, qrels, side, ("cross_language", "same_language")),
        "by_language": {
            language: {**mean({one: each[one] for one in questions}), "queries": len(questions)}
            for language, questions in by_language(query_languages).items()
        },
        "by_pair": measure_by(run, qrels, pair, pairs),
        "settings": dict(settings),
    }
