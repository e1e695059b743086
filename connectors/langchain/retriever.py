"""A LangChain retriever over a knowledge base: passages in any language, with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self, TypedDict

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, PlainValidator, PrivateAttr, SkipValidation, field_validator

from rag_engine.connectors.langchain.documents import as_passage
from rag_engine.connectors.langchain.filters import Condition, as_filter
from rag_engine.connectors.langchain.messages import Said, as_messages
from rag_engine.connectors.owned import OwnsKnowledgeBase
from rag_engine.filters import Filter, all_of
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Message
from rag_engine.search_arguments import checked_language
from rag_engine.searchable import Searchable
from rag_engine.settings import Settings

__all__ = ["RagEngineRetriever"]


class _Asked(TypedDict):
    k: int
    where: Filter | None
    language: str | None
    min_score: float
    also: Sequence[str]
    instruction: str | None
    history: Sequence[Message]


class RagEngineRetriever(OwnsKnowledgeBase, BaseRetriever):
    """Finds the ``k`` best passages of an open knowledge base, whatever their language.

    Or of several: ``knowledge_base`` may be a ``Federation``.

    ``where`` filters (a typed filter, or a mapping of fields to values), ``language`` states the
    question's language (BCP-47), ``min_score`` leaves out hits below it, ``instruction`` tells a
    model that was trained with instructions what is looked for, as in ``KnowledgeBase.search``. All
    of them may be given for one call too: ``invoke(question, k=10)``, and ``also``, other
    formulations of that question, and ``history``, the messages before it (LangChain's; those of
    the system and of tools are not read). A call's ``where`` narrows the retriever's own and never
    replaces it, so that whoever asks can not reach beyond it.

    A passage's metadata is its document's own, and what ``rag_engine.serialisation.HitOut`` tells
    of a hit beside its text, under the same names: ``document`` (the id), ``source``, ``title``,
    ``language``, ``section``, ``page``, ``start`` and ``end`` (characters of the document's text),
    ``score`` (0 to 1), ``rank`` (from 1), ``parts`` of the score, ``twins`` (who says the same in
    other languages), ``direction``; and ``question_language``. Where the document has a field of
    such a name, that stays, and the retriever's, if it is another, is found under ``hit_`` and the
    name.

    Async calls are ``KnowledgeBase.asearch``; the event loop goes on. Errors are those of
    ``KnowledgeBase.search``; a constructor argument that can not be used is pydantic's
    ``ValidationError``.

    Example::

        with RagEngineRetriever.open("kb", k=3) as retriever:
            for passage in retriever.invoke("How long is the warranty?"):
                print(passage.metadata["language"], passage.metadata["score"], passage.page_content)
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    knowledge_base: Searchable = Field(exclude=True, repr=False)
    k: int = Field(4, ge=1, le=1000)
    where: Annotated[SkipValidation[Condition | None], PlainValidator(as_filter)] = None
    language: str | None = None
    min_score: float = Field(0.0, ge=0, le=1)
    instruction: str | None = None

    _owned: bool = PrivateAttr(default=False)

    @field_validator("language")
    @classmethod
    def _check_language(cls, language: str | None) -> str | None:
        return checked_language(language)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        k: int = 4,
        where: Condition | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
        settings: Settings | None = None,
    ) -> Self:
        """Open the knowledge base in ``path`` for reading; ``close`` closes it again.

        Without ``settings`` those that it was made with are used.

        Raises:
            StoreNotFound: there is none.
            StoreCorrupt: it is damaged.
            ContractMismatch: it was built with another model than its settings name.
            MissingExtra: its settings name a part whose package is not installed.
        """
        make = partial(
            cls,
            k=k,
            where=where,
            language=language,
            min_score=min_score,
            instruction=instruction,
        )
        return cls._owning(KnowledgeBase.open(path, settings=settings, read_only=True), make)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        return [
            as_passage(hit) for hit in self.knowledge_base.search(query, **self._asked(**options))
        ]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        hits = await self.knowledge_base.asearch(query, **self._asked(**options))
        return [as_passage(hit) for hit in hits]

    def _asked(
        self,
        *,
        k: int | None = None,
        where: Condition | None = None,
        language: str | None = None,
        min_score: float | None = None,
        also: Sequence[str] = (),
        instruction: str | None = None,
        history: Sequence[Said] = (),
    ) -> _Asked:
        """Return what a search is asked with: the retriever's options, and those of one call."""
        return _Asked(
            k=self.k if k is None else k,
            where=all_of(as_filter(self.where), as_filter(where)),
            language=language or self.language,
            min_score=self.min_score if min_score is None else min_score,
            also=also,
            instruction=instruction or self.instruction,
            history=as_messages(history),
        )
