"""A LlamaIndex retriever over a knowledge base: passages in any language, with their reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypedDict

from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import (
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from rag_engine.connectors.llamaindex.filters import Condition, as_filter
from rag_engine.connectors.llamaindex.messages import Said, as_messages
from rag_engine.connectors.owned import OwnsKnowledgeBase
from rag_engine.connectors.passage_metadata import hit_facts, passage_id
from rag_engine.filters import Filter
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Hit, Message
from rag_engine.search_arguments import check_k, check_min_score, checked_language
from rag_engine.settings import Settings

__all__ = ["RagEngineQuery", "RagEngineRetriever"]

_FOR_A_MODEL = ("title", "section", "page", "source")
"""What a language model is shown of where a passage stands."""


class _Options(TypedDict):
    k: int
    where: Filter | None
    language: str | None
    min_score: float


class _Asked(_Options):
    also: Sequence[str]
    history: Sequence[Message]
    instruction: str | None


@dataclass
class RagEngineQuery(QueryBundle):  # type: ignore[misc]
    """A question with what ``KnowledgeBase.search`` can be told of one.

    ``also`` are other formulations of it, ``history`` are the messages before it (LlamaIndex's;
    those of the system and of tools are not read), ``instruction`` tells a model that was trained
    with instructions what is looked for. Any of LlamaIndex's query engines hands it on.

    Example: ``retriever.retrieve(RagEngineQuery("And the oil?", history=memory.get()))``
    """

    also: Sequence[str] = ()
    history: Sequence[Said] = ()
    instruction: str | None = None


class RagEngineRetriever(OwnsKnowledgeBase, BaseRetriever):  # type: ignore[misc]
    """Finds the ``similarity_top_k`` best passages of an open knowledge base, whatever language.

    ``filters`` (a typed filter of the engine, or LlamaIndex's ``MetadataFilters``) lets through
    what is looked for, ``language`` states the questions' language (BCP-47), ``min_score`` leaves
    out hits below it, ``instruction`` tells a model that was trained with instructions what is
    looked for, as in ``KnowledgeBase.search``; a ``RagEngineQuery`` brings other formulations and
    the conversation before the question. A bundle's text is what is asked; other
    embedding strings of it are searched as further formulations of the question, an embedding
    that it brings is not used.

    A node is a passage. Its id is ``<document id>#<number>``, its source the document; its metadata
    is the document's own, and what ``rag_engine.serialisation.HitOut`` tells of a hit, under
    ``hit_`` and the name where the document has such a field itself. A language model is shown the
    document's own and title, section, page and source; an embedder the document's own alone. Its
    score is the probability, 0 to 1, that it answers the question.

    ``aretrieve`` is ``KnowledgeBase.asearch``; the event loop goes on.

    Raises:
        InvalidInput: ``similarity_top_k`` out of 1 to 1,000, ``min_score`` out of 0 to 1, or a
            ``language`` that is none.
        InvalidFilter: ``filters`` that are none, or have an operator that is not known.

    Example::

        with RagEngineRetriever.open("kb", similarity_top_k=3) as retriever:
            for found in retriever.retrieve("How long is the warranty?"):
                print(found.node.metadata["language"], found.score, found.text)
    """

    knowledge_base: KnowledgeBase

    def __init__(
        self,
        knowledge_base: KnowledgeBase,
        *,
        similarity_top_k: int = 4,
        filters: Condition | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
        callback_manager: CallbackManager | None = None,
        verbose: bool = False,
    ) -> None:
        check_k(similarity_top_k)
        check_min_score(min_score)
        self.knowledge_base = knowledge_base
        self.similarity_top_k = similarity_top_k
        self._options = _Options(
            k=similarity_top_k,
            where=as_filter(filters),
            language=checked_language(language),
            min_score=min_score,
        )
        self._instruction = instruction
        self._owned = False
        super().__init__(callback_manager=callback_manager, verbose=verbose)

    def __repr__(self) -> str:
        return f"RagEngineRetriever({str(self.knowledge_base.path)!r})"

    @classmethod
    def open(cls, path: str | Path, *, settings: Settings | None = None, **options: Any) -> Self:
        """Open the knowledge base in ``path`` for reading; ``close`` closes it again.

        Without ``settings`` those that it was made with are used. ``options`` are the class's.

        Raises:
            StoreNotFound: there is none.
            StoreCorrupt: it is damaged.
            ContractMismatch: it was built with another model than its settings name.
            MissingExtra: its settings name a part whose package is not installed.
        """
        knowledge_base = KnowledgeBase.open(path, settings=settings, read_only=True)
        return cls._owning(knowledge_base, partial(cls, **options))

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self.knowledge_base.search(query_bundle.query_str, **self._asked(query_bundle))
        return [_node(hit) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        asked = self._asked(query_bundle)
        hits = await self.knowledge_base.asearch(query_bundle.query_str, **asked)
        return [_node(hit) for hit in hits]

    def _asked(self, bundle: QueryBundle) -> _Asked:
        """Return what a search is asked with: the retriever's options, and those of a question."""
        own = bundle if isinstance(bundle, RagEngineQuery) else RagEngineQuery(bundle.query_str)
        # What else LlamaIndex would embed for the question is searched as well.
        others = [text for text in bundle.embedding_strs if text != bundle.query_str]
        return _Asked(
            **self._options,
            also=[*own.also, *others],
            history=as_messages(own.history),
            instruction=own.instruction or self._instruction,
        )


def _node(hit: Hit) -> NodeWithScore:
    own: Mapping[str, Any] = hit.metadata
    facts = hit_facts(hit, own)
    shown = {name for name in _FOR_A_MODEL if facts.get(name)}
    node = TextNode(
        id_=passage_id(hit),
        text=hit.chunk.text,
        metadata={**facts, **own},
        start_char_idx=hit.chunk.start,
        end_char_idx=hit.chunk.end,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit.chunk.document_id)},
        excluded_embed_metadata_keys=list(facts),
        excluded_llm_metadata_keys=[name for name in facts if name not in shown],
    )
    return NodeWithScore(node=node, score=hit.score)
