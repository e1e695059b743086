"""``KnowledgeBase.ask``: from a question, by a search, to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from rag_engine.answering.answer import answer_question
from rag_engine.answering.answer_language import wanted_language
from rag_engine.answering.answer_prompt import Templates
from rag_engine.answering.drafting import OnText
from rag_engine.answering.rewriting import RewritingTemplates, rewrite
from rag_engine.answering.strictness import LEAST_PROBABILITY, Strictness, checked_strictness
from rag_engine.answering.translations import Translations
from rag_engine.answering.written_question import WrittenQuestion
from rag_engine.components import Components
from rag_engine.errors import InvalidInput
from rag_engine.filters import Filter
from rag_engine.ports import LanguageDetector
from rag_engine.records import UNDETERMINED, Answer, Hit, Message
from rag_engine.search_arguments import (
    MAX_ALSO,
    History,
    check_k,
    check_min_score,
    checked_formulations,
    checked_history,
    checked_language,
)
from rag_engine.settings import Settings

__all__ = ["AnsweringParts", "Search", "Translate", "ask", "least_score"]

_QUESTIONS, _READ = 3, 1_000
"""Questions before one whose language can not be told, and characters of each, that tell it."""


class Search(Protocol):
    """Finds passages as ``KnowledgeBase.search`` does, of a question that was translated."""

    def __call__(
        self,
        question: str,
        translations: Translations,
        *,
        also: Sequence[str],
        history: History,
        k: int,
        where: Filter | None,
        language: str | None,
        min_score: float,
        instruction: str | None,
    ) -> list[Hit]:
        """Return the best passages."""
        ...


class Translate(Protocol):
    """Translates a question as the settings say."""

    def __call__(self, question: str, *, also: Sequence[str], language: str | None) -> Translations:
        """Return its translations."""
        ...


class AnsweringParts(Protocol):
    """What an answer is written by."""

    @property
    def components(self) -> Components:
        """The generator, the detector, the embedder that counts tokens."""
        ...

    @property
    def settings(self) -> Settings:
        """How answers are to be."""
        ...


def ask(
    question: str,
    search: Search,
    translate: Translate,
    store: AnsweringParts,
    *,
    also: Sequence[str],
    history: History,
    k: int | None,
    where: Filter | None,
    language: str | None,
    answer_language: str | None,
    min_score: float | None,
    strictness: Strictness | None,
    instruction: str | None,
    on_text: OnText | None,
) -> Answer:
    """Answer a question from what a search finds; the rest is as ``KnowledgeBase.ask`` says."""
    components, settings = store.components, store.settings
    checked_formulations(question, also)
    k = settings.answering.hits if k is None else k
    check_k(k)
    checked_language(language)
    if min_score is None:
        min_score = least_score(settings)
    check_min_score(min_score)
    least = _least_probability(settings, strictness)
    said = checked_history(history)
    telling = _telling(question, said, components.detector)
    own = wanted_language(telling, components.detector, language=language, answer_language=None)
    wanted = own
    if answer_language is not None:
        wanted = wanted_language(
            telling, components.detector, language=language, answer_language=answer_language
        )
    rewriting = WrittenQuestion(None)
    if said and not components.generator.quotes:
        rewriting = rewrite(
            question,
            said,
            generator=components.generator,
            language=own,
            templates=RewritingTemplates(
                system=settings.answering.rewriting_system_prompt,
                user=settings.answering.rewriting_prompt,
            ),
        )
    rewritten = None if rewriting.text == question.strip() else rewriting.text
    asked = rewritten or question
    translations = translate(asked, also=also, language=language)
    hits = search(
        question,
        translations,
        also=_with_rewriting(question, also, rewritten),
        history=said,
        k=k,
        where=where,
        language=language,
        min_score=0.0,
        instruction=instruction,
    )
    answerable = _answerable(hits, settings)
    read = [hit for hit in hits if hit.score >= min_score]
    if answerable is not None and answerable < least:
        read = []
    answer = answer_question(
        asked,
        read,
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
    if rewriting.failure:
        warnings.append(f"{rewriting.failure}; the conversation was used without it")
    warnings += [f"{why}; the question was searched without it" for why in translations.failures]
    return replace(
        answer,
        hits=tuple(read or hits),
        warnings=(*answer.warnings, *warnings),
        rewritten=rewritten,
        translations=translations.texts,
        answerable=answerable,
    )


def _with_rewriting(question: str, also: Sequence[str], rewritten: str | None) -> list[str]:
    """Return a question's other formulations, as many as may be, the rewritten one among them.

    A rewriting is searched beside the question and what was said before, never in their place: many
    a model repeats the question, or writes another one. One that is no longer than the question
    adds nothing that this leaves out, and is not searched.
    """
    if rewritten is None or len(rewritten) <= len(question.strip()):
        return list(also)
    return [rewritten, *also][:MAX_ALSO]


def _telling(question: str, history: Sequence[Message], detector: LanguageDetector) -> str:
    """Return the text that tells a question's language: of one too short, with those before it."""
    if not history or detector.detect(question).language != UNDETERMINED:
        return question
    before = [message.content[:_READ] for message in history if message.role == "user"]
    return "\n".join([*before[-_QUESTIONS:], question])


def _least_probability(settings: Settings, strictness: Strictness | None) -> float:
    """Return how probable an answer has to be; what is asked for must have an effect."""
    if strictness is None:
        return LEAST_PROBABILITY[settings.answering.strictness]
    checked = checked_strictness(strictness)
    if settings.retrieval.mode != "hybrid":
        raise InvalidInput(
            f"strictness = {strictness!r} has no effect: retrieval.mode = "
            f"{settings.retrieval.mode!r} tells no probability that anything answers; 'hybrid' does"
        )
    return LEAST_PROBABILITY[checked]


def _answerable(hits: Sequence[Hit], settings: Settings) -> float | None:
    """Return the probability that anything answers, which all hits tell; of no hit it is 0."""
    if not hits:
        return 0.0 if settings.retrieval.mode == "hybrid" else None
    return hits[0].parts.answerable


def least_score(settings: Settings) -> float:
    """Return the score from which on a hit is read; 0 in modes whose scores say little.

    >>> least_score(Settings.model_validate({"retrieval": {"mode": "bm25"}}))
    0.0
    """
    probable = settings.retrieval.mode not in {"bm25", "rrf"}
    return settings.answering.min_score if probable else 0.0
