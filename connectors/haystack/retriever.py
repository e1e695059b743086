"""A Haystack component that retrieves from a knowledge base: passages in any language."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import ChatMessage

from rag_engine.connectors.haystack.filters import as_filter
from rag_engine.connectors.haystack.messages import as_messages
from rag_engine.connectors.passage_metadata import passage_id, passage_metadata
from rag_engine.errors import InvalidInput
from rag_engine.filters import Filter, all_of
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import Location, parse_location
from rag_engine.records import Hit, Message
from rag_engine.search_arguments import check_k, check_min_score, checked_language
from rag_engine.settings import Settings

__all__ = ["RagEngineRetriever"]


class _Asked(TypedDict):
    k: int
    where: Filter | None
    language: str | None
    min_score: float
    also: Sequence[str]
    history: Sequence[Message]
    instruction: str | None


@component
class RagEngineRetriever:
    """Finds the ``top_k`` best passages of a knowledge base, whatever their language.

    ``knowledge_base`` is the folder of one, which ``warm_up`` opens for reading (the first run
    does, too) and ``close`` closes; or one that is open, which stays so. ``filters`` are Haystack's
    (see ``filters.as_filter``), ``language`` states the questions' language (BCP-47),
    ``min_score`` leaves out hits below it, ``instruction`` tells a model that was trained with
    instructions what is looked for. All may be given for one run too, where ``filters`` narrow the
    component's own and never replace them; and ``also``, other formulations of that question, and
    ``history``, the messages before it (those of the system and of tools are not read).

    A document is a passage. Its id is ``<document id>#<number>``; its ``meta`` is the document's
    own metadata, and what ``rag_engine.serialisation.HitOut`` tells of a hit, under ``hit_`` and
    the name where the document has such a field itself. Its score is the probability, 0 to 1, that
    it answers the question.

    A folder is opened with ``settings``, without them with those that it was made with. A pipeline
    is stored with the folder's path and ``settings``; a knowledge base that was open, with settings
    or parts that it does not keep itself, is opened with its own when the pipeline is loaded.

    Raises:
        InvalidInput: ``top_k`` out of 1 to 1,000, ``min_score`` out of 0 to 1, a ``language`` that
            is none, or ``settings`` for a knowledge base that is open.
        InvalidFilter: ``filters`` that are none, or have an operator that is not known.

    Example::

        pipeline = Pipeline()
        pipeline.add_component("retriever", RagEngineRetriever("kb", top_k=3))
        found = pipeline.run({"retriever": {"query": "How long is the warranty?"}})
        for document in found["retriever"]["documents"]:
            print(document.meta["language"], document.score, document.content)
    """

    def __init__(
        self,
        knowledge_base: KnowledgeBase | str | Path,
        *,
        top_k: int = 10,
        filters: dict[str, Any] | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        check_k(top_k)
        check_min_score(min_score)
        as_filter(filters)
        self.top_k = top_k
        self.filters = filters
        self.language = checked_language(language)
        self.min_score = min_score
        self.instruction = instruction
        self.settings = settings
        self._owned = not isinstance(knowledge_base, KnowledgeBase)
        self._opening = threading.Lock()
        self._kb: KnowledgeBase | None = None
        if isinstance(knowledge_base, KnowledgeBase):
            if settings is not None:
                raise InvalidInput(
                    "settings are for a folder that is opened; this knowledge base is open, and "
                    "has its own"
                )
            self._location: Location
            self._location, self._kb = parse_location(knowledge_base.location), knowledge_base
        else:
            self._location = parse_location(knowledge_base)

    def warm_up(self) -> None:
        """Open the knowledge base, if it is not open.

        Raises:
            StoreNotFound: there is none.
            StoreCorrupt: it is damaged.
            ContractMismatch: it was built with another model than its settings name.
            MissingExtra: its settings name a part whose package is not installed.
        """
        self._opened()

    async def warm_up_async(self) -> None:
        """Open the knowledge base as ``warm_up`` does; the event loop goes on."""
        await asyncio.to_thread(self._opened)

    def close(self) -> None:
        """Close the knowledge base if ``warm_up`` opened it; one that was given stays open.

        A later run opens it again.
        """
        with self._opening:
            if self._owned and self._kb is not None:
                self._kb.close()
                self._kb = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` makes such a component of."""
        stored: dict[str, Any] = default_to_dict(
            self,
            knowledge_base=str(self._location),
            top_k=self.top_k,
            filters=self.filters,
            language=self.language,
            min_score=self.min_score,
            instruction=self.instruction,
            settings=None if self.settings is None else self.settings.model_dump(mode="json"),
        )
        return stored

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RagEngineRetriever:
        """Return the component that ``to_dict`` stored; it opens the folder by its path."""
        parameters = dict(data.get("init_parameters", {}))
        if parameters.get("settings") is not None:
            parameters["settings"] = Settings.checked(
                parameters["settings"], origin="a stored pipeline", stored=True
            )
        made: RagEngineRetriever = default_from_dict(cls, {**data, "init_parameters": parameters})
        return made

    @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
    def run(
        self,
        query: str,
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
        language: str | None = None,
        min_score: float | None = None,
        also: list[str] | None = None,
        history: list[ChatMessage] | None = None,
        instruction: str | None = None,
    ) -> dict[str, list[Document]]:
        """Return the passages that answer ``query`` best, as ``documents``.

        Raises:
            InvalidInput: an empty query, or an option that can not be meant.
            InvalidFilter: ``filters`` that are none.
        """
        asked = self._asked(filters, top_k, language, min_score, also, history, instruction)
        return {"documents": _documents(self._opened().search(query, **asked))}

    @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
    async def run_async(
        self,
        query: str,
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
        language: str | None = None,
        min_score: float | None = None,
        also: list[str] | None = None,
        history: list[ChatMessage] | None = None,
        instruction: str | None = None,
    ) -> dict[str, list[Document]]:
        """Return what ``run`` does, by ``KnowledgeBase.asearch``; the event loop goes on."""
        asked = self._asked(filters, top_k, language, min_score, also, history, instruction)
        if self._kb is None:
            await self.warm_up_async()
        return {"documents": _documents(await self._opened().asearch(query, **asked))}

    def _opened(self) -> KnowledgeBase:
        with self._opening:
            if self._kb is None:
                self._kb = KnowledgeBase.open(
                    self._location, settings=self.settings, read_only=True
                )
            return self._kb

    def _asked(
        self,
        filters: dict[str, Any] | None,
        top_k: int | None,
        language: str | None,
        min_score: float | None,
        also: list[str] | None,
        history: list[ChatMessage] | None,
        instruction: str | None,
    ) -> _Asked:
        """Return what a search is asked with: the component's options, and those of one run."""
        return _Asked(
            k=self.top_k if top_k is None else top_k,
            where=all_of(as_filter(self.filters), as_filter(filters)),
            language=language or self.language,
            min_score=self.min_score if min_score is None else min_score,
            also=also or (),
            history=as_messages(history or ()),
            instruction=instruction or self.instruction,
        )


def _documents(hits: list[Hit]) -> list[Document]:
    return [
        Document(
            id=passage_id(hit),
            content=hit.chunk.text,
            meta=passage_metadata(hit, hit.metadata),
            score=hit.score,
        )
        for hit in hits
    ]
