"""``KnowledgeBase``: open, add, delete, search, ask. It only walks the path."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from rag_engine.answering.answer import answer_question
from rag_engine.answering.answer_language import wanted_language
from rag_engine.components import Components
from rag_engine.errors import InvalidInput, StoreClosed, StoreReadOnly
from rag_engine.filters import Filter
from rag_engine.ingest import add_batch, batches
from rag_engine.inspection import Inspection, inspect_store
from rag_engine.opening import OpenedStore, open_store
from rag_engine.passages import Passage, likeness, read_passages
from rag_engine.ports import Embedder, Generator
from rag_engine.records import AddReport, Answer, Document, Hit
from rag_engine.retrieval.document_ranking import RankedDocument, rank_documents
from rag_engine.retrieval.retriever import Retriever
from rag_engine.search_arguments import check_k, check_min_score, check_question, checked_language
from rag_engine.settings import Settings
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.index import Index
from rag_engine.store.progress import OnStage, silent

__all__ = ["KnowledgeBase", "RankedDocument"]


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

    def __init__(self, opened: OpenedStore) -> None:
        """Put the parts together; use ``open``."""
        components, settings = opened.components, opened.settings
        self.path = opened.root
        self.settings = settings
        self._opened = opened
        self._catalogue = opened.catalogue
        self._components = components
        self._write = threading.RLock()
        self._closed = False
        self._index = Index(
            opened.root,
            opened.catalogue,
            dimension=components.embedder.dimension,
            dense=components.dense,
            lexical=components.lexical,
            prior=components.prior,
            token_space=components.token_space,
            fair=settings.fairness.enabled,
            read_only=opened.read_only,
        )
        self._retriever = Retriever(components, settings)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        settings: Settings | None = None,
        components: Components | Callable[[Settings], Components] | None = None,
        embedder: Embedder | None = None,
        generator: Generator | None = None,
        read_only: bool = False,
        create: bool = True,
    ) -> KnowledgeBase:
        """Open the knowledge base in the folder ``path``, making a new one if there is none.

        Without ``settings`` those that it was made with are used (the defaults for a new one).
        An ``embedder`` or a ``generator`` of your own takes the place of the one that they name;
        ``components`` take the place of all parts, and may be a function that builds them for the
        settings, so that several knowledge bases can share a model.

        Raises:
            StoreNotFound: there is none, and it was opened ``read_only`` or not to ``create``.
            StoreLocked: another process is writing to it.
            StoreCorrupt: it is damaged.
            ContractMismatch: it was built with another model, analyser or chunking.
            MissingExtra: its settings name a part whose package is not installed.
            InvalidInput: both ``components`` and an ``embedder``.

        Example::

            kb = KnowledgeBase.open("kb", settings=Settings.from_toml(Path("rag.toml")))
        """
        opened = open_store(
            Path(path),
            settings=settings,
            components=components,
            embedder=embedder,
            generator=generator,
            read_only=read_only,
            create=create,
        )
        try:
            return cls(opened)
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        """Publish what changed since the last index was built, if it is due; let others write."""
        self._close(publish=not self._opened.read_only)

    def _close(self, *, publish: bool) -> None:
        with self._write:
            if self._closed:
                return
            try:
                if publish and self._index.is_due():
                    self._index.publish()
            finally:
                self._closed = True
                self._opened.close()

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, Exception):
            self.close()
        else:  # Ctrl-C: what was added is durable, and nobody waits for an index now
            self._close(publish=False)

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
        if isinstance(documents, Document):
            raise InvalidInput("add takes several documents: pass a list, [document]")
        total = AddReport()
        done = 0
        for batch in batches(documents):
            with self._write:
                self._check_writable()
                total += add_batch(batch, self._catalogue, self._components, self.settings.chunking)
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return total

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Delete documents by id; return the ids that existed.

        They are gone from every later search. Their text is overwritten in the catalogue at once;
        their vectors and terms leave the index files when those are next built (``compact``).

        Example::

            kb.delete(["manuals/old-pump.pdf"])
        """
        with self._write:
            self._check_writable()
            if isinstance(ids, str):
                raise InvalidInput(f"delete takes several ids: pass a list, [{ids!r}]")
            return self._catalogue.delete(ids)

    def sources(self) -> dict[str, bytes]:
        """Return the fingerprint of every source (file) that was indexed to its end."""
        self._check_open()
        return self._catalogue.sources()

    def begin_sources(self, names: Iterable[str]) -> None:
        """Note that documents of some sources are about to be added, before the first one is.

        Until ``finish_sources`` their fingerprint is empty: a source that is left half-way is
        read again, and is known to ``sources``.
        """
        with self._write:
            self._check_writable()
            self._catalogue.begin_sources(names)

    def claim_prefix(self, prefix: str, root: str) -> str:
        """Return the folder that the names under ``prefix`` come from: ``root`` if none yet."""
        with self._write:
            self._check_writable()
            claimed = self._catalogue.meta(f"prefix {prefix}")
            if claimed is None:
                self._catalogue.set_meta(f"prefix {prefix}", root)
            return str(claimed or root)

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

    def compact(self, *, on_stage: OnStage = silent) -> None:
        """Build the index files anew and give back the space of what was deleted."""
        with self._write:
            self._check_writable()
            self._index.publish(on_stage)
            self._catalogue.vacuum()

    def publish(self, *, only_if_due: bool = False, on_stage: OnStage = silent) -> None:
        """Build the index files now, if anything changed since, instead of at ``close``.

        With ``only_if_due``, as at ``close``, a few changes to a large knowledge base (up to one
        chunk in a hundred, of 20,000 or more) are no reason to: opening it replays them.
        ``on_stage`` is called with the name of a stage, how many passages are done, and of how
        many. Interrupted, it leaves the index that was there, and every document.
        """
        with self._write:
            self._check_writable()
            wanted = self._index.is_due() if only_if_due else not self._index.is_published()
            if wanted:
                self._index.publish(on_stage)

    def keep_settings(self) -> None:
        """Open with the settings of now from now on, where none are given."""
        with self._write:
            self._check_writable()
            self._catalogue.set_meta("settings", self.settings.model_dump(mode="json"))

    def search(
        self,
        question: str,
        *,
        k: int = 10,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
    ) -> list[Hit]:
        """Return the ``k`` passages that answer a question best, whatever their language.

        ``where`` filters by metadata and language; ``language`` states the question's language
        (BCP-47), which is otherwise detected. Hits with a score below ``min_score`` (0 to 1) are
        left out, all of them if the knowledge base holds no answer.

        Passages that say the same in several languages are one hit, the one in the question's
        language if there is one, with the others as its ``twins`` (see ``group_twins`` in
        ``RetrievalSettings``).

        Raises:
            InvalidInput: an empty question, or ``k`` out of 1 to 1,000, or a ``min_score`` out of
                0 to 1.

        Example::

            from rag_engine import Equals
            hits = kb.search("Wie lange gilt die Garantie?", k=3, where=Equals("format", "pdf"))
        """
        self._check_open()
        check_question(question)
        check_k(k)
        check_min_score(min_score)
        language = checked_language(language)
        return self._index.read(
            lambda view: self._retriever.search(
                view, question, k=k, where=where, language=language, min_score=min_score
            )
        )

    def rank(
        self,
        questions: Sequence[str],
        *,
        depth: int = 100,
        without: Sequence[Collection[str]] | None = None,
    ) -> Iterator[list[RankedDocument]]:
        """Return for each question its best ``depth`` documents, without their texts.

        A document stands where its best passage stands; twins are not grouped. This is what an
        evaluation needs: it is quicker than ``search`` for many questions, which are embedded in
        large batches. ``without`` names for each question documents that are treated as if they
        were not there.

        Example::

            for question, ranked in zip(questions, kb.rank(questions)):
                print(question, ranked[0].document_id, ranked[0].score)
        """
        self._check_open()
        return self._index.read(
            lambda view: rank_documents(
                self._retriever, view, questions, depth=depth, without=without
            )
        )

    def ask(
        self,
        question: str,
        *,
        where: Filter | None = None,
        language: str | None = None,
        answer_language: str | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer a question from the knowledge base, with checked citations.

        The answer comes from the generator of the settings, which reads the hits that have the
        settings' ``answering.min_score``; where there is none, or the generator cites nothing, the
        answer is not ``supported`` and says that the knowledge base does not hold it.

        It is in the question's language, or in ``answer_language`` (BCP-47); one that is surely in
        another is asked for once more, and a warning says so if that does not help. A generator
        that ``quotes`` leaves quotations in the languages of their sources.

        ``on_text`` receives a draft piece by piece as it is written, from when the language of its
        beginning is known to be right; what it received is not taken back, though the answer's
        check may remove marks and links, or withhold an answer without citations. An exception
        that it raises ends the writing.

        Raises:
            InvalidInput: an empty question, or a language that is none.
            ServiceError: a remote model failed.

        Example::

            answer = kb.ask("¿Cada cuánto se cambia el filtro?")
            print(answer.text, [citation.source for citation in answer.citations])
        """
        detector = self._components.detector
        check_question(question)
        wanted = wanted_language(
            question, detector, language=language, answer_language=answer_language
        )
        hits = self.search(
            question,
            k=self.settings.answering.hits,
            where=where,
            language=language,
            min_score=self.least_score,
        )
        return answer_question(
            question,
            hits,
            wanted=wanted,
            generator=self._components.generator,
            detector=detector,
            count_tokens=self._components.embedder.count_tokens,
            max_tokens=self.settings.answering.context_tokens,
            on_text=on_text,
        )

    @property
    def least_score(self) -> float:
        """The score from which on ``ask`` reads a hit; 0 in modes whose scores say little."""
        probable = self.settings.retrieval.mode not in {"bm25", "rrf"}
        return self.settings.answering.min_score if probable else 0.0

    def passage_ids(self) -> list[int]:
        """Return the ids of all passages (a hit's ``chunk_id``), ascending."""
        self._check_open()
        return sorted(self._catalogue.documents_of_chunks())

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """Return those passages of ``ids`` that are still there, in the order of ``ids``.

        Example::

            for passage in kb.passages(kb.passage_ids()[:10]):
                print(passage.chunk.language, passage.chunk.text)
        """
        self._check_open()
        return self._index.read(lambda view: read_passages(view, ids))

    def likeness(self, passage: int, others: Sequence[int]) -> dict[int, float]:
        """Return how alike passages are to one in meaning, -1 to 1, by their ids.

        Empty where languages are not centred (``FairnessSettings``).
        """
        self._check_open()
        return likeness(self._index.snapshot(), passage, others)

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
        return inspect_store(self._opened, self._index)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(f"the knowledge base {self.path} was closed; open it again")

    def _check_writable(self) -> None:
        self._check_open()
        if self._opened.read_only:
            raise StoreReadOnly(
                f"the knowledge base {self.path} was opened with read_only=True; open it without"
            )
