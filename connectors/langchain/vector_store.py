"""A LangChain vector store that is a knowledge base."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from rag_engine.connectors.langchain.as_embedder import as_embedder
from rag_engine.connectors.langchain.document_search import DocumentSearch, refuse_unknown
from rag_engine.connectors.langchain.documents import as_langchain, as_stored
from rag_engine.connectors.owned import OwnsKnowledgeBase
from rag_engine.errors import InvalidInput
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.settings import Settings

__all__ = ["RagEngineVectorStore"]


class RagEngineVectorStore(OwnsKnowledgeBase, DocumentSearch):
    """Documents as LangChain has them, over an open knowledge base.

    A document of the store is a whole document of the knowledge base, however long: what was added
    comes back from ``similarity_search`` and ``get_by_ids`` as it was, with its id and its own
    metadata, each document once. Long ones are cut into passages inside; a document stands where
    the best of its passages stands, and has its score. Who wants the passages themselves, with
    language, offsets and score parts, asks ``RagEngineRetriever`` of the same knowledge base.

    Documents that say the same in several languages count as one, the one in the question's
    language; the others fill up what is left of ``k``.

    A search takes ``filter`` (a typed filter, or a mapping such as ``{"year": {"$gte": 2024}}``,
    see ``filters.as_filter``; ``document_id``, ``language``, ``page``, ``source`` and ``title`` are
    the passage's own, every other key is one of the document's metadata), ``language``, the
    question's, and, with a question, ``also`` and ``instruction`` as ``KnowledgeBase.search`` takes
    them. Scores, and thresholds for them, are the engine's: the probability, 0 to 1, that a
    document answers the question.

    ``embeddings`` is only told to LangChain: vectors come from the knowledge base's own model. Use
    ``open`` to make one over embeddings of LangChain's. Async searches are
    ``KnowledgeBase.asearch``; what adds, deletes or searches by a vector runs in a thread.

    Example::

        with RagEngineVectorStore.open("kb") as store:
            store.add_documents([Document("La garantie dure trois ans.", metadata={"year": 2024})])
            store.similarity_search("How long is the warranty?", k=1, filter={"year": 2024})
    """

    knowledge_base: KnowledgeBase

    def __init__(
        self, knowledge_base: KnowledgeBase, *, embeddings: Embeddings | None = None
    ) -> None:
        self.knowledge_base = knowledge_base
        self._embeddings = embeddings
        self._owned = False

    def __repr__(self) -> str:
        return f"RagEngineVectorStore({self.knowledge_base.location!r})"

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
        embedder = None if embeddings is None else as_embedder(embeddings)
        knowledge_base = KnowledgeBase.open(
            path, settings=settings, embedder=embedder, read_only=read_only
        )
        return cls._owning(knowledge_base, partial(cls, embeddings=embeddings))

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
        refuse_unknown("from_texts", kwargs)
        if path is None:
            raise InvalidInput("from_texts needs the knowledge base's folder: path='kb'")
        store = cls.open(path, embeddings=embedding, settings=settings)
        try:
            store.add_texts(texts, metadatas, ids=ids)
        except BaseException:
            store.close()
            raise
        return store

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
        refuse_unknown("add_documents", kwargs)
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
        refuse_unknown("delete", kwargs)
        self.knowledge_base.delete(self.knowledge_base.document_ids() if ids is None else ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return documents as they were added, in the order of ``ids``, without unknown ones."""
        if isinstance(ids, str):
            raise InvalidInput(f"get_by_ids takes several ids: pass a list, [{ids!r}]")
        documents = (self.knowledge_base.document(name) for name in dict.fromkeys(ids))
        return [as_langchain(document) for document in documents if document is not None]


def _check_length(name: str, values: Sequence[object], count: int) -> None:
    if len(values) != count:
        raise InvalidInput(f"{len(values)} {name} were given for {count} documents")
