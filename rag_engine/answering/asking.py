"""``KnowledgeBase.ask``: from a question, by a search, to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from rag_engine.answering.answer import answer_question
from rag_engine.answering.answer_language import WantedLanguage, wanted_language
from rag_engine.answering.answer_prompt import Templates
from rag_engine.answering.drafting import OnText
from rag_engine.answering.rewriting import Rewriting, RewritingTemplates, rewrite
from rag_engine.filters import Filter
from rag_engine.opening import OpenedStore
from rag_engine.records import UNDETERMINED, Answer, Hit, Message
from rag_engine.search_arguments import History, check_question, checked_history
from rag_engine.settings import Settings

__all__ = ["ask", "least_score"]


class Search(Protocol):
    """Finds passages: ``KnowledgeBase.search``."""

    def __call__(
        self,
        question: str,
        *,
        also: Sequence[str],
        history: History,
        k: int,
        where: Filter | None,
        language: str | None,
        min_score: float,
    ) -> list[Hit]:
        """Return the best passages."""
        ...


def ask(
    question: str,
    search: Search,
    store: OpenedStore,
    *,
    also: Sequence[str],
    history: History,
    where: Filter | None,
    language: str | None,
    answer_language: str | None,
    on_text: OnText | None,
) -> Answer:
    """Answer a question from what a search finds; the rest is as ``KnowledgeBase.ask`` says."""
    components, settings = store.components, store.settings
    check_question(question)
    said = checked_history(history)
    wanted = wanted_language(
        _telling(question, said, store),
        components.detector,
        language=language,
        answer_language=answer_language,
    )
    rewriting = _rewritten(question, said, store, language)
    asked = question if rewriting is None or rewriting.question is None else rewriting.question
    hits = search(
        asked,
        also=also,
        history=said if rewriting is None or rewriting.question is None else (),
        k=settings.answering.hits,
        where=where,
        language=language,
        min_score=least_score(settings),
    )
    answer = answer_question(
        asked,
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
    if rewriting is not None and rewriting.failure:
        warnings.append(f"{rewriting.failure}; the conversation was used without it")
    return replace(
        answer,
        warnings=(*answer.warnings, *warnings),
        rewritten=None if asked == question else asked,
    )


def _telling(question: str, history: Sequence[Message], store: OpenedStore) -> str:
    """Return the text that tells a question's language: of one too short, with those before it."""
    if store.components.detector.detect(question).language != UNDETERMINED:
        return question
    return "\n".join(
        [message.content for message in history if message.role == "user"] + [question]
    )


def _rewritten(
    question: str, history: Sequence[Message], store: OpenedStore, language: str | None
) -> Rewriting | None:
    """Let a language model write the question so that it stands alone; None: there is no need."""
    components, settings = store.components, store.settings.answering
    if not history or components.generator.quotes:
        return None
    own: WantedLanguage = wanted_language(
        _telling(question, history, store),
        components.detector,
        language=language,
        answer_language=None,
    )
    return rewrite(
        question,
        history,
        generator=components.generator,
        language=own,
        templates=RewritingTemplates(
            system=settings.rewriting_system_prompt, user=settings.rewriting_prompt
        ),
    )


def least_score(settings: Settings) -> float:
    """Return the score from which on a hit is read; 0 in modes whose scores say little.

    >>> least_score(Settings.model_validate({"retrieval": {"mode": "bm25"}}))
    0.0
    """
    probable = settings.retrieval.mode not in {"bm25", "rrf"}
    return settings.answering.min_score if probable else 0.0
