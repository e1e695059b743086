"""A LangChain vector store that is a knowledge base."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from rag_engine.connectors.langchain.documents import as_langchain, as_stored
from rag_engine.connectors.langchain.engine_to_langchain import RagEngineEmbeddings
from rag_engine.connectors.langchain.filters import Condition, as_filter
from rag_engine.connectors.langchain.langchain_to_engine import LangChainEmbedder
from rag_engine.errors import InvalidInput
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.ports import Embedder
from rag_engine.records import Hit
from rag_engine.search_arguments import check_k
from rag_engine.settings import Settings

__all__ = ["RagEngineVectorStore"]

_PASSAGES_A_DOCUMENT = 5
"""How many passages are looked at first for each document that is wanted."""
_MOST_PASSAGES = 1_000


class RagEngineVectorStore(VectorStore):
    """Documents as LangChain has them, over an open knowledge base.

    A document of the store is a whole document of the knowledge base, however long: what was added
    comes back from ``similarity_search`` and ``get_by_ids`` as it was, with its id and its own
    metadata, each document once. Long ones are cut into passages inside; a document stands where
    the best of its passages stands, and has its score. Who wants the passages themselves, with
    language, offsets and score parts, asks ``RagEngineRetriever`` of the same knowledge base.

    Documents that say the same in several languages count as one, the one in the question's
    language; the others fill up what is left of ``k``.

    A search takes ``filter`` (a typed filter, or a mapping of fields to values; ``document_id``,
    ``language``, ``page``, ``source`` and ``title`` are the passage's own, every other key is one
    of the document's metadata), ``language``, the question's, and ``also`` and ``instruction`` as
    ``KnowledgeBase.search`` takes them. Scores are the engine's: the
    probability, 0 to 1, that a document answers the question. Search by a vector, and by marginal
    relevance, is not offered: a question's words count too.

    ``embeddings`` is only told to LangChain: vectors come from the knowledge base's own model. Use
    ``open`` to make one over embeddings of LangChain's. Async calls run in a thread.

    Example::

        with RagEngineVectorStore.open("kb") as store:
            store.add_documents([Document("La garantie dure trois ans.", metadata={"year": 2024})])
            store.similarity_search("How long is the warranty?", k=1, filter={"year": 2024})
    """

    def __init__(
        self, knowledge_base: KnowledgeBase, *, embeddings: Embeddings | None = None
    ) -> None:
        self.knowledge_base = knowledge_base
        self._embeddings = embeddings
        self._owned = False

    def __repr__(self) -> str:
        return f"RagEngineVectorStore({str(self.knowledge_base.path)!r})"

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        embeddings: Embeddings | None = None,
        settings: Settings | None = None,
        read_only: bool = False,
    ) -> Self:
        """Open the knowledge base in the folder ``path``, making one if there is none.

        ``embeddings`` take the place of the model that the settings name, and must be given each
        time. Close it afterwards, or use ``with``: until then no other process can write.

        Raises:
            StoreNotFound: there is none, and it was opened ``read_only``.
            StoreLocked: another process is writing to it.
            StoreCorrupt: it is damaged.
            ContractMismatch: it was built with other embeddings.
            MissingExtra: its settings name a part whose package is not installed.
        """
        embedder = None if embeddings is None else _as_embedder(embeddings)
        store = cls(
            KnowledgeBase.open(path, settings=settings, embedder=embedder, read_only=read_only),
            embeddings=embeddings,
        )
        store._owned = True
        return store

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        path: str | Path | None = None,
        settings: Settings | None = None,
        **kwargs: Any,
    ) -> Self:
        """Open the knowledge base in the folder ``path`` and add texts to it.

        Raises:
            InvalidInput: no ``path``, lists of different lengths, or an unknown argument.
            RagEngineError: what ``open`` and ``add_documents`` raise.
        """
        _refuse_unknown("from_texts", kwargs)
        if path is None:
            raise InvalidInput("from_texts needs the knowledge base's folder: path='kb'")
        store = cls.open(path, embeddings=embedding, settings=settings)
        try:
            store.add_texts(texts, metadatas, ids=ids)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the knowledge base if ``open`` opened it; one that was given stays open."""
        if self._owned:
            self.knowledge_base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._owned:
            self.knowledge_base.__exit__(kind, error, trace)

    @property
    def embeddings(self) -> Embeddings | None:
        """The embeddings that the store was made with, if any."""
        return self._embeddings

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Add documents, each in the place of one with the same id; return their ids.

        Ids are those of ``ids``, else the documents' own, else new ones. All documents are checked
        before the first is added. ``batch_size`` is accepted, and has no use here.

        Raises:
            InvalidInput: ``ids`` of another length, or an unknown argument.
            InvalidDocument: an id, text or metadata that can not be stored.
            StoreReadOnly: the knowledge base was opened for reading.
        """
        ids = kwargs.pop("ids", None)
        kwargs.pop("batch_size", None)
        _refuse_unknown("add_documents", kwargs)
        wanted = [document.id for document in documents] if ids is None else list(ids)
        _check_length("ids", wanted, len(documents))
        names = [str(uuid.uuid4()) if name is None else name for name in wanted]
        self.knowledge_base.add(
            [as_stored(document, name) for document, name in zip(documents, names, strict=True)]
        )
        return names

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Add texts as documents; see ``add_documents``."""
        texts = list(texts)
        metadatas = [{} for _ in texts] if metadatas is None else list(metadatas)
        _check_length("metadatas", metadatas, len(texts))
        documents = [
            Document(page_content=text, metadata=metadata)
            for text, metadata in zip(texts, metadatas, strict=True)
        ]
        return self.add_documents(documents, ids=ids, **kwargs)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Delete documents by id, all of them without ``ids``; unknown ids are passed over.

        Raises:
            InvalidInput: one id instead of a list, or an unknown argument.
            StoreReadOnly: the knowledge base was opened for reading.
        """
        _refuse_unknown("delete", kwargs)
        self.knowledge_base.delete(self.knowledge_base.document_ids() if ids is None else ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return documents as they were added, in the order of ``ids``, without unknown ones."""
        if isinstance(ids, str):
            raise InvalidInput(f"get_by_ids takes several ids: pass a list, [{ids!r}]")
        documents = (self.knowledge_base.document(name) for name in dict.fromkeys(ids))
        return [as_langchain(document) for document in documents if document is not None]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the ``k`` documents that answer a question best; see the class for ``kwargs``.

        Raises:
            InvalidInput: an empty question, ``k`` out of 1 to 1,000, or an unknown argument.
            InvalidFilter: a filter that is none.
        """
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        *,
        filter: Condition | None = None,  # noqa: A002 (LangChain's name for it)
        language: str | None = None,
        also: Sequence[str] = (),
        instruction: str | None = None,
        **kwargs: Any,
    ) -> list[tuple[Document, float]]:
        """Return documents as ``similarity_search`` does, with their scores; higher is better."""
        _refuse_unknown("similarity_search", kwargs)
        check_k(k)
        search = partial(
            self.knowledge_base.search,
            query,
            also=also,
            where=as_filter(filter),
            language=language,
            instruction=instruction,
        )
        ranked = _ranked(search, k)
        scored = ((self.knowledge_base.document(name), score) for name, score in ranked)
        return [(as_langchain(document), score) for document, score in scored if document]

    def max_marginal_relevance_search(self, *args: Any, **kwargs: Any) -> list[Document]:
        """Not offered.

        Raises:
            NotImplementedError: always; it says what to ask instead.
        """
        raise NotImplementedError(
            "search by marginal relevance is not offered: similarity_search shows what several "
            "languages say alike only once"
        )

    def similarity_search_by_vector(self, *args: Any, **kwargs: Any) -> list[Document]:
        """Not offered.

        Raises:
            NotImplementedError: always; it says what to ask instead.
        """
        raise NotImplementedError(
            "search by a vector is not offered, as a question's words count too: ask "
            "similarity_search with the question"
        )

    def _select_relevance_score_fn(self) -> Any:
        return _unchanged


def _ranked(search: Callable[..., list[Hit]], k: int) -> list[tuple[str, float]]:
    """Return the ids of the ``k`` best documents with their scores.

    One long document may hold the best passages all by itself: then more are looked at.
    """
    passages = min(_PASSAGES_A_DOCUMENT * k, _MOST_PASSAGES)
    while True:
        hits = search(k=passages)
        scores: dict[str, float] = {}
        for hit in hits:
            scores.setdefault(hit.chunk.document_id, hit.score)
        if len(scores) >= k:
            return list(scores.items())[:k]
        if len(hits) < passages or passages == _MOST_PASSAGES:
            return _with_twins(hits, scores, k)
        passages = min(8 * passages, _MOST_PASSAGES)


def _with_twins(hits: Sequence[Hit], scores: dict[str, float], k: int) -> list[tuple[str, float]]:
    """Fill up to ``k`` documents with those that say the same in other languages as a hit."""
    groups = [
        (hit.score, [hit.chunk.document_id, *(twin.chunk.document_id for twin in hit.twins)])
        for hit in hits
    ]
    more = dict.fromkeys(name for _, group in groups for name in group if name not in scores)
    chosen = {*scores, *list(more)[: k - len(scores)]}
    filled: dict[str, float] = {}
    for score, group in groups:
        for name in group:
            if name in chosen:
                filled.setdefault(name, score)
    return list(filled.items())


def _as_embedder(embeddings: Embeddings) -> Embedder:
    if isinstance(embeddings, RagEngineEmbeddings):
        return embeddings.embedder
    return LangChainEmbedder(embeddings)


def _unchanged(score: float) -> float:
    return score


def _check_length(name: str, values: Sequence[object], count: int) -> None:
    if len(values) != count:
        raise InvalidInput(f"{len(values)} {name} were given for {count} documents")


def _refuse_unknown(method: str, kwargs: Mapping[str, object]) -> None:
    """Refuse arguments that would otherwise be passed over, such as a filter by another name."""
    if kwargs:
        raise InvalidInput(f"{method} knows no argument {sorted(kwargs)[0]!r}")
