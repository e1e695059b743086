"""``KnowledgeBase``: open, add, delete, search, ask. It only walks the path."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rag_engine.answering.answer import answer_question
from rag_engine.components import Components, default_components
from rag_engine.contract import check_contract, index_contract
from rag_engine.errors import InvalidInput, StoreClosed, StoreError, StoreNotFound, StoreReadOnly
from rag_engine.filters import Filter
from rag_engine.ingest import batches, prepare
from rag_engine.records import AddReport, Answer, Document, Hit
from rag_engine.retrieval.retriever import Retriever
from rag_engine.settings import Settings
from rag_engine.store.catalogue import Catalogue, FinishedSource
from rag_engine.store.files import WriterLock, sync_folder
from rag_engine.store.index import Index
from rag_engine.store.rows import document_fingerprint

__all__ = ["Inspection", "KnowledgeBase"]

_CATALOGUE = "catalogue.sqlite"
_LOCK = "writer.lock"
_OURS = frozenset({_LOCK, f"{_CATALOGUE}.new", f"{_CATALOGUE}.new-journal"})
_MAX_K = 1_000
_MAX_QUESTION = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a knowledge base holds and was built with; ``bytes`` counts what it takes on disk."""

    documents: int
    chunks: int
    sources: int
    languages: dict[str, int]
    contract: dict[str, object]
    generation: int
    dense: str
    lexical: str
    published: bool
    bytes: dict[str, int]


class KnowledgeBase:
    """Documents in the languages they were written in, searched in any language.

    Safe to share between threads. One process at a time may write (it holds a lock until
    ``close``); any number may read beside it.

    Example::

        with KnowledgeBase.open("kb") as kb:
            kb.add([Document(id="1", text="Die Pumpe braucht jedes Jahr eine neue Dichtung.")])
            for hit in kb.search("How often do I replace the seal?"):
                print(hit.score, hit.chunk.language, hit.chunk.text)
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        components: Components,
        settings: Settings,
        lock: WriterLock | None,
    ) -> None:
        """Put the parts together; use ``open``."""
        self.path = root
        self.settings = settings
        self._catalogue = catalogue
        self._components = components
        self._lock = lock
        self._write = threading.RLock()
        self._closed = False
        self._index = Index(
            root,
            catalogue,
            dimension=components.embedder.dimension,
            dense=components.dense,
            lexical=components.lexical,
            prior=components.prior,
            fair=settings.fairness.enabled,
            read_only=lock is None,
        )
        self._retriever = Retriever(components, settings)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        settings: Settings | None = None,
        components: Components | None = None,
        read_only: bool = False,
        create: bool = True,
    ) -> KnowledgeBase:
        """Open the knowledge base in the folder ``path``, making a new one if there is none.

        Without ``settings`` those that it was made with are used (the defaults for a new one).

        Raises:
            StoreNotFound: there is none, and it was opened ``read_only`` or not to ``create``.
            StoreLocked: another process is writing to it.
            StoreCorrupt: it is damaged.
            ContractMismatch: it was built with another model, analyser or chunking.
            MissingExtra: its settings name a part whose package is not installed.

        Example::

            kb = KnowledgeBase.open("kb", settings=Settings.from_toml(Path("rag.toml")))
        """
        root = Path(path)
        if not (root / _CATALOGUE).exists():
            if read_only or not create:
                raise StoreNotFound(
                    f"no knowledge base at {root}; make one with `rag-engine index FOLDER --kb "
                    f"{root}` or KnowledgeBase.open({str(root)!r})"
                )
            return cls._create(root, settings or Settings(), components)
        lock = None if read_only else WriterLock(root / _LOCK)
        catalogue: Catalogue | None = None
        try:
            catalogue = Catalogue(root / _CATALOGUE, read_only=read_only)
            if settings is None:
                stored = catalogue.meta("settings")
                settings = Settings.checked(
                    stored if isinstance(stored, dict) else {}, origin=f"{root / _CATALOGUE}"
                )
            components = components or default_components(settings)
            check_contract(catalogue.meta("contract"), index_contract(components, settings))
            return cls(root, catalogue, components, settings, lock)
        except BaseException:
            if catalogue is not None:
                catalogue.close()
            if lock is not None:
                lock.release()
            raise

    @classmethod
    def _create(
        cls, root: Path, settings: Settings, components: Components | None
    ) -> KnowledgeBase:
        if root.exists() and not root.is_dir():
            raise StoreError(f"{root} is a file; name a folder for the knowledge base")
        components = components or default_components(settings)
        root.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(root / _LOCK)
        try:
            foreign = sorted(each.name for each in root.iterdir() if each.name not in _OURS)
            if _CATALOGUE in foreign:  # another process made it just now
                raise StoreError(f"{root} was made by another process at this moment; try again")
            if foreign:
                raise StoreError(
                    f"{root} holds other files ({foreign[0]}, ...) and no knowledge base; name an "
                    "empty folder or a new one"
                )
            beside = root / f"{_CATALOGUE}.new"
            beside.unlink(missing_ok=True)
            Catalogue.create(
                beside,
                {
                    "settings": settings.model_dump(mode="json"),
                    "contract": index_contract(components, settings),
                },
            ).close()
            beside.rename(root / _CATALOGUE)
            sync_folder(root)
            catalogue = Catalogue(root / _CATALOGUE, read_only=False)
            return cls(root, catalogue, components, settings, lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Publish what was added since the last index was built, and let others write."""
        with self._write:
            if self._closed:
                return
            try:
                if self._lock is not None and not self._index.is_published():
                    self._index.publish()
            finally:
                self._closed = True
                self._catalogue.close()
                if self._lock is not None:
                    self._lock.release()

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- writing ------------------------------------------------------------------------------

    def add(
        self,
        documents: Iterable[Document],
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> AddReport:
        """Add documents; each replaces one with the same id, an unchanged one costs nothing.

        What was added is durable when this returns, and found by the next search. It is written
        in batches: after an error or a kill, the batches before are there, the rest is not.
        ``on_progress`` is called with the number of documents done after each batch.

        Raises:
            StoreReadOnly: opened for reading.

        Example::

            report = kb.add(Document(id=name, text=text) for name, text in manuals.items())
            print(report.added, report.unchanged)
        """
        added = updated = unchanged = chunks = done = 0
        empty: list[str] = []
        for batch in batches(documents):
            with self._write:
                self._check_writable()
                known = self._catalogue.fingerprints([document.id for document in batch])
                changed = [
                    document
                    for document in batch
                    if known.get(document.id) != document_fingerprint(document)
                ]
                stored = prepare(changed, self._components, self.settings.chunking)
                if stored:
                    self._catalogue.replace(stored)
            updated += sum(document.id in known for document in changed)
            added += sum(document.id not in known for document in changed)
            unchanged += len(batch) - len(changed)
            chunks += sum(len(each.chunks) for each in stored)
            empty.extend(each.document.id for each in stored if not each.chunks)
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return AddReport(
            added=added, updated=updated, unchanged=unchanged, chunks=chunks, empty=tuple(empty)
        )

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Delete documents by id; return the ids that existed.

        They are gone from every later search. Their text is overwritten in the catalogue at once;
        their vectors and terms leave the index files when those are next built (``compact``).

        Example::

            kb.delete(["manuals/old-pump.pdf"])
        """
        with self._write:
            self._check_writable()
            return self._catalogue.delete(ids)

    def sources(self) -> dict[str, bytes]:
        """Return the fingerprint of every source (file) that was indexed to its end."""
        self._check_open()
        return self._catalogue.sources()

    def finish_sources(self, finished: Iterable[FinishedSource]) -> list[str]:
        """Note that all documents of some sources were added; delete their others.

        Returns the ids of the deleted documents.
        """
        with self._write:
            self._check_writable()
            return self._catalogue.finish_sources(finished)

    def delete_source(self, name: str) -> list[str]:
        """Delete a source and all its documents; return their ids."""
        with self._write:
            self._check_writable()
            return self._catalogue.delete_source(name)

    def compact(self) -> None:
        """Build the index files anew and give back the space of what was deleted."""
        with self._write:
            self._check_writable()
            self._index.publish()
            self._catalogue.vacuum()

    def publish(self) -> None:
        """Build the index files now, if anything changed since, instead of at ``close``."""
        with self._write:
            self._check_writable()
            if not self._index.is_published():
                self._index.publish()

    # -- reading ------------------------------------------------------------------------------

    def search(
        self,
        question: str,
        *,
        k: int = 10,
        where: Filter | None = None,
        language: str | None = None,
    ) -> list[Hit]:
        """Return the ``k`` passages that answer a question best, whatever their language.

        ``where`` filters by metadata and language; ``language`` states the question's language
        (BCP-47), which is otherwise detected.

        Raises:
            InvalidInput: an empty question, or ``k`` out of 1 to 1,000.

        Example::

            from rag_engine import Equals
            hits = kb.search("Wie lange gilt die Garantie?", k=3, where=Equals("format", "pdf"))
        """
        self._check_open()
        _check_question(question)
        if not 1 <= k <= _MAX_K:
            raise InvalidInput(f"k is 1 to {_MAX_K}, got {k!r}")
        return self._retriever.search(
            self._catalogue, self._index.snapshot(), question, k=k, where=where, language=language
        )

    def ask(
        self,
        question: str,
        *,
        where: Filter | None = None,
        language: str | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer a question from the knowledge base, with checked citations.

        The answer comes from the generator of the settings. ``on_text`` receives it piece by
        piece as it is written, before its citations are checked.

        Raises:
            InvalidInput: an empty question.
            ServiceError: a remote model failed.

        Example::

            answer = kb.ask("¿Cada cuánto se cambia el filtro?")
            print(answer.text, [citation.source for citation in answer.citations])
        """
        hits = self.search(question, k=self.settings.answering.hits, where=where, language=language)
        return answer_question(
            question,
            hits,
            language=language or self._components.detector.detect(question).language,
            generator=self._components.generator,
            count_tokens=self._components.embedder.count_tokens,
            max_tokens=self.settings.answering.context_tokens,
            on_text=on_text,
        )

    def document(self, document_id: str) -> Document | None:
        """Return a document as it was added, or None."""
        self._check_open()
        return self._catalogue.document(document_id)

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, sorted."""
        self._check_open()
        return self._catalogue.document_ids()

    def inspect(self) -> Inspection:
        """Tell what the knowledge base holds, what it was built with, and how large it is."""
        self._check_open()
        statistics = self._catalogue.statistics()
        manifest = self._index.manifest
        contract = self._catalogue.meta("contract")
        return Inspection(
            documents=statistics.documents,
            chunks=statistics.chunks,
            sources=statistics.sources,
            languages=statistics.languages,
            contract=contract if isinstance(contract, dict) else {},
            generation=manifest.number if manifest else 0,
            dense=manifest.dense if manifest else "",
            lexical=manifest.lexical if manifest else "",
            published=self._index.is_published(),
            bytes={
                "catalogue": (self.path / _CATALOGUE).stat().st_size,
                "index": sum(int(each["size"]) for each in manifest.files.values())
                if manifest
                else 0,
            },
        )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(f"the knowledge base {self.path} was closed; open it again")

    def _check_writable(self) -> None:
        self._check_open()
        if self._lock is None:
            raise StoreReadOnly(
                f"the knowledge base {self.path} was opened with read_only=True; open it without"
            )


def _check_question(question: object) -> None:
    if not isinstance(question, str) or not question.strip():
        raise InvalidInput(f"a question is a text that is not empty, got {question!r:.80}")
    if len(question) > _MAX_QUESTION:
        raise InvalidInput(
            f"a question has at most {_MAX_QUESTION} characters, got {len(question)}"
        )
    try:
        question.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput("the question holds a lone surrogate; it is not Unicode") from error
