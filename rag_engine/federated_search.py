"""One search in several knowledge bases: what ``Federation`` finds, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from rag_engine.answering.translations import NO_TRANSLATIONS, Translations
from rag_engine.cancellation import check_cancelled
from rag_engine.errors import ServiceError, StoreError
from rag_engine.filters import Filter
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Hit, Problem
from rag_engine.search_arguments import History

if TYPE_CHECKING:
    from rag_engine.retrieval.query import EmbeddedQuery
    from rag_engine.retrieval.retriever import Embed, Retriever

__all__ = ["FederatedHits", "FederatedSearch"]

T = TypeVar("T")


class FederatedHits(list[Hit]):
    """Hits, best first; ``left_out`` tells of each knowledge base that failed why."""

    def __init__(self, hits: Sequence[Hit], left_out: Sequence[Problem]) -> None:
        super().__init__(hits)
        self.left_out = tuple(left_out)


class FederatedSearch:
    """Searches knowledge bases one after the other; safe to share between threads."""

    def __init__(self, bases: Sequence[KnowledgeBase], *, partial: bool) -> None:
        self._bases, self._partial = bases, partial
        self.not_opened: tuple[Problem, ...] = ()
        """Those that were left out before."""

    def translate(
        self, question: str, *, also: Sequence[str], language: str | None
    ) -> Translations:
        """Translate a question as the first knowledge base does that can be asked."""
        return self._by_first(
            lambda base: base.translate(question, also=also, language=language), NO_TRANSLATIONS
        )

    def languages_to_translate(
        self, question: str, *, also: Sequence[str], language: str | None
    ) -> list[str]:
        """Return the languages that ``translate`` would have a model write."""
        return self._by_first(
            lambda base: base.languages_to_translate(question, also=also, language=language), []
        )

    def _by_first(self, ask: Callable[[KnowledgeBase], T], otherwise: T) -> T:
        """Return what the first knowledge base says that can be asked."""
        for base in self._bases:
            try:
                return ask(base)
            except StoreError as error:
                if not self._partial:
                    raise _named(base, error) from error
        return otherwise

    def search(
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
        images: bool = False,
    ) -> FederatedHits:
        """Return the best hits of all; the arguments are those of ``KnowledgeBase.search``.

        Raises:
            StoreError: one can not be searched, and is not to be left out; or none can.
            ServiceError: a remote model failed.
        """
        from rag_engine.retrieval.federated import BEST, FoundIn, answerable_of_all, merged

        once = _EmbeddedOnce()
        found: list[FoundIn] = []
        left_out = list(self.not_opened)
        for base in self._bases:
            check_cancelled()
            try:
                hits, size = base._found(
                    question,
                    translations,
                    also=also,
                    history=history,
                    k=max(k, BEST),
                    where=where,
                    language=language,
                    min_score=0.0,
                    instruction=instruction,
                    images=images,
                    embed=once.by(base._retriever),
                )
            except (StoreError, ServiceError) as error:
                if self._partial:
                    left_out.append(Problem(source=base.location, reason=str(error)))
                    continue
                if isinstance(error, ServiceError):
                    raise
                raise _named(base, error) from error
            known = base._opened.components.prior is not None
            found.append(FoundIn(name=base.location, hits=hits, size=size, known_model=known))
        if not found:
            raise StoreError(
                f"none of {len(self._bases)} knowledge bases can be searched; "
                f"{left_out[-1].source}: {left_out[-1].reason}"
            )
        everything = merged(found)
        answerable = None
        if self._bases[0].settings.retrieval.mode == "hybrid":
            answerable = answerable_of_all(found, everything)
        best = [hit for hit in everything[:k] if hit.score >= min_score]
        return FederatedHits(
            [
                replace(hit, rank=rank, parts=replace(hit.parts, answerable=answerable))
                for rank, hit in enumerate(best, start=1)
            ],
            left_out,
        )


def _named(base: KnowledgeBase, error: StoreError) -> StoreError:
    return StoreError(
        f"the knowledge base {base.location} can not be searched: {error}; with partial=True the "
        "others are searched without it"
    )


class _EmbeddedOnce:
    """Embeds the texts of one search once for all knowledge bases with the same model."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], list[EmbeddedQuery]] = {}

    def by(self, retriever: Retriever) -> Embed:
        def embed(
            texts: Sequence[str], language: str | None, instruction: str | None, /
        ) -> list[EmbeddedQuery]:
            key = (retriever.embeds_as, tuple(texts), language, instruction)
            if key not in self._known:
                self._known[key] = retriever.embed_questions(texts, language, instruction)
            return self._known[key]

        return embed
