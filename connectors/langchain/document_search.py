"""How a LangChain vector store over a knowledge base finds its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from langchain_core.documents import Document
from langchain_core.runnables import run_in_executor
from langchain_core.vectorstores import VectorStore

from rag_engine.connectors.langchain.documents import as_langchain
from rag_engine.connectors.langchain.filters import Condition, as_filter
from rag_engine.connectors.langchain.found_documents import (
    FoundDocument,
    best_documents,
    best_hits,
    first_passages,
    more_passages,
)
from rag_engine.errors import InvalidInput
from rag_engine.filters import Filter
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.records import Hit
from rag_engine.search_arguments import check_k

__all__ = ["DocumentSearch", "refuse_unknown"]


class DocumentSearch(VectorStore):
    """The searches of ``RagEngineVectorStore``, which says what they take."""

    knowledge_base: KnowledgeBase

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the ``k`` documents that answer a question best; see the class for ``kwargs``.

        Raises:
            InvalidInput: an empty question, ``k`` out of 1 to 1,000, or an unknown argument.
            InvalidFilter: a filter that is none.
        """
        return _without_scores(self.similarity_search_with_score(query, k, **kwargs))

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return what ``similarity_search`` does; the event loop goes on."""
        return _without_scores(await self.asimilarity_search_with_score(query, k, **kwargs))

    def similarity_search_with_score(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Return documents as ``similarity_search`` does, with their scores; higher is better."""
        asked = _Asked.of("similarity_search", k, **kwargs)
        return self._documents(best_documents(self._hits(query, asked), k))

    async def asimilarity_search_with_score(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Return what ``similarity_search_with_score`` does; the event loop goes on."""
        asked = _Asked.of("asimilarity_search", k, **kwargs)
        found = best_documents(await self._ahits(query, asked), k)
        return await run_in_executor(None, self._documents, found)

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[Document]:
        """Return the ``k`` documents that are nearest to a question's vector.

        ``embedding`` is what the knowledge base's own model makes of a question (``embed_query``);
        with the question itself ``similarity_search`` finds more.

        Raises:
            InvalidInput: ``k`` out of 1 to 1,000, or an unknown argument.
            InvalidVectors: a vector of another width, or one that is none.
            InvalidFilter: a filter that is none.
        """
        return _without_scores(self.similarity_search_with_score_by_vector(embedding, k, **kwargs))

    def similarity_search_with_score_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Return documents as ``similarity_search_by_vector`` does, with their scores.

        A score is the probability that the vector alone tells of.
        """
        asked = _Asked.by_vector("similarity_search_by_vector", k, **kwargs)
        return self._documents(best_documents(self._hits_by_vector(embedding, asked), k))

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        **kwargs: Any,
    ) -> list[Document]:
        """Return ``k`` of the ``fetch_k`` best documents that say different things.

        ``lambda_mult`` is the weight of relevance, 1 the order of ``similarity_search``; the rest
        is that of not being like a document before: see ``KnowledgeBase.diverse``. Documents are
        compared by their best passages.

        Raises:
            InvalidInput: ``k`` or ``fetch_k`` out of 1 to 1,000, ``lambda_mult`` out of 0 to 1, an
                empty question, or an unknown argument.
            InvalidFilter: a filter that is none.
        """
        asked = _Asked.of("max_marginal_relevance_search", max(k, fetch_k), **kwargs)
        return self._diverse(self._hits(query, asked), asked, k, lambda_mult)

    async def amax_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        **kwargs: Any,
    ) -> list[Document]:
        """Return what ``max_marginal_relevance_search`` does; the event loop goes on."""
        asked = _Asked.of("amax_marginal_relevance_search", max(k, fetch_k), **kwargs)
        hits = await self._ahits(query, asked)
        return await run_in_executor(None, self._diverse, hits, asked, k, lambda_mult)

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        **kwargs: Any,
    ) -> list[Document]:
        """Return what ``max_marginal_relevance_search`` does, for a question's vector."""
        asked = _Asked.by_vector(
            "max_marginal_relevance_search_by_vector", max(k, fetch_k), **kwargs
        )
        return self._diverse(self._hits_by_vector(embedding, asked), asked, k, lambda_mult)

    def _select_relevance_score_fn(self) -> Any:
        return _unchanged

    def _hits(self, query: str, asked: _Asked) -> list[Hit]:
        """Search for the passages of ``asked.k`` documents."""
        passages: int | None = first_passages(asked.k)
        while passages is not None:
            hits = self.knowledge_base.search(query, k=passages, **asked.options, **asked.wording)
            passages = more_passages(hits, asked.k, passages)
        return hits

    async def _ahits(self, query: str, asked: _Asked) -> list[Hit]:
        passages: int | None = first_passages(asked.k)
        while passages is not None:
            hits = await self.knowledge_base.asearch(
                query, k=passages, **asked.options, **asked.wording
            )
            passages = more_passages(hits, asked.k, passages)
        return hits

    def _hits_by_vector(self, embedding: Sequence[float], asked: _Asked) -> list[Hit]:
        passages: int | None = first_passages(asked.k)
        while passages is not None:
            hits = self.knowledge_base.search_by_vector(embedding, k=passages, **asked.options)
            passages = more_passages(hits, asked.k, passages)
        return hits

    def _diverse(self, hits: list[Hit], asked: _Asked, k: int, weight: float) -> list[Document]:
        candidates = best_hits(hits)[: asked.k]
        chosen = self.knowledge_base.diverse(candidates, k=k, relevance=weight)
        found = [FoundDocument(hit.chunk.document_id, hit.score) for hit in chosen]
        return _without_scores(self._documents(found))

    def _documents(self, found: Sequence[FoundDocument]) -> list[tuple[Document, float]]:
        """Return whole documents with their scores, without those that are gone meanwhile."""
        scored = ((self.knowledge_base.document(name), score) for name, score in found)
        return [(as_langchain(document), score) for document, score in scored if document]


class _Options(TypedDict):
    where: Filter | None
    language: str | None


class _Wording(TypedDict):
    also: Sequence[str]
    instruction: str | None


class _Asked(NamedTuple):
    """How many documents are looked for, by which options of a search and in which words."""

    k: int
    options: _Options
    wording: _Wording

    @classmethod
    def of(
        cls,
        method: str,
        k: int,
        *,
        also: Sequence[str] = (),
        instruction: str | None = None,
        **more: Any,
    ) -> _Asked:
        asked = cls.by_vector(method, k, **more)
        return asked._replace(wording=_Wording(also=also, instruction=instruction))

    @classmethod
    def by_vector(
        cls,
        method: str,
        k: int,
        *,
        filter: Condition | None = None,  # noqa: A002 (LangChain's name for it)
        language: str | None = None,
        **unknown: Any,
    ) -> _Asked:
        refuse_unknown(method, unknown)
        check_k(k)
        options = _Options(where=as_filter(filter), language=language)
        return cls(k, options, _Wording(also=(), instruction=None))


def _without_scores(scored: Sequence[tuple[Document, float]]) -> list[Document]:
    return [document for document, _ in scored]


def _unchanged(score: float) -> float:
    return score


def refuse_unknown(method: str, kwargs: Mapping[str, object]) -> None:
    """Refuse arguments that would otherwise be passed over, such as a filter by another name."""
    if kwargs:
        raise InvalidInput(f"{method} knows no argument {sorted(kwargs)[0]!r}")
