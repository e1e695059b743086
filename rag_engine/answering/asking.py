"""``KnowledgeBase.ask``: from a question, by a search, to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from rag_engine.answering.answer import answer_question
from rag_engine.answering.answer_language import wanted_language
from rag_engine.answering.answer_prompt import Templates
from rag_engine.answering.drafting import OnText
from rag_engine.filters import Filter
from rag_engine.opening import OpenedStore
from rag_engine.records import Answer, Hit
from rag_engine.search_arguments import check_question
from rag_engine.settings import Settings

__all__ = ["ask", "least_score"]


class Search(Protocol):
    """Finds passages: ``KnowledgeBase.search``."""

    def __call__(
        self,
        question: str,
        *,
        also: Sequence[str],
        k: int,
        where: Filter | None,
        language: str | None,
        min_score: float,
        instruction: str | None,
    ) -> list[Hit]:
        """Return the best passages."""
        ...


def ask(
    question: str,
    search: Search,
    store: OpenedStore,
    *,
    also: Sequence[str],
    where: Filter | None,
    language: str | None,
    answer_language: str | None,
    instruction: str | None,
    on_text: OnText | None,
) -> Answer:
    """Answer a question from what a search finds; the rest is as ``KnowledgeBase.ask`` says."""
    components, settings = store.components, store.settings
    check_question(question)
    wanted = wanted_language(
        question, components.detector, language=language, answer_language=answer_language
    )
    hits = search(
        question,
        also=also,
        k=settings.answering.hits,
        where=where,
        language=language,
        min_score=least_score(settings),
        instruction=instruction,
    )
    answer = answer_question(
        question,
        hits,
        wanted=wanted,
        generator=components.generator,
        detector=components.detector,
        count_tokens=components.embedder.count_tokens,
        max_tokens=settings.answering.context_tokens,
        on_text=on_text,
        templates=Templates(
            system=settings.answering.system_prompt, user=settings.answering.prompt
        ),
    )
    failures = dict.fromkeys(hit.parts.rerank_failure for hit in hits if hit.parts.rerank_failure)
    warnings = [f"{failure}; the order of retrieval stands" for failure in failures]
    return replace(answer, warnings=(*answer.warnings, *warnings)) if warnings else answer


def least_score(settings: Settings) -> float:
    """Return the score from which on a hit is read; 0 in modes whose scores say little.

    >>> least_score(Settings.model_validate({"retrieval": {"mode": "bm25"}}))
    0.0
    """
    probable = settings.retrieval.mode not in {"bm25", "rrf"}
    return settings.answering.min_score if probable else 0.0
