"""``KnowledgeBase``: open, add, delete, search, ask. It only walks the path.

What it is asked stands in ``questions``, and once more to be awaited in ``asynchronous``. What a
search does not need (writing, checking, tasks) is imported when it is wanted: a command that asks
one question waits for none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag_engine.asynchronous import AsyncQuestions
from rag_engine.components import Components
from rag_engine.errors import InvalidInput, StorageFailed, StoreReplaced
from rag_engine.file_endings import suffixes_of
from rag_engine.health.extent import QUESTIONS, SAMPLE
from rag_engine.location import ServerAddress, parse_location
from rag_engine.opening import OpenedStore, open_store
from rag_engine.own_parts import OwnParts
from rag_engine.ports import Embedder, Generator, LanguageDetector, Loader, Reranker
from rag_engine.records import AddReport, Document, Problem
from rag_engine.settings import Settings
from rag_engine.store.progress import OnStage, Stop, never, silent
from rag_engine.tasks.of_knowledge_base import KnowledgeBaseTasks
from rag_engine.workers import Workers

if TYPE_CHECKING:
    from rag_engine.health.report import HealthReport
    from rag_engine.inspection import Inspection
    from rag_engine.passages import Passage
    from rag_engine.store.backup import BackupReport
    from rag_engine.store.check import CheckReport

__all__ = ["KnowledgeBase"]


class KnowledgeBase(AsyncQuestions, KnowledgeBaseTasks):
    """Documents in the languages they were written in, searched in any language.

    Safe to share between threads. In a folder one process at a time may write (it holds a lock
    until ``close``), on a server any number; any number may read beside them. Every method raises
    ``StoreClosed`` after ``close``, ``StoreForked`` in a process that was forked from the one that
    opened it, and ``StorageFailed`` where the disk or the server does not do what is asked of it;
    what writes raises ``StoreReadOnly`` where it was opened ``read_only``.

    Example::

        with KnowledgeBase.open("kb") as kb:
            kb.add([Document(id="1", text="Die Pumpe braucht jedes Jahr eine neue Dichtung.")])
            for hit in kb.search("How often do I replace the seal?"):
                print(hit.score, hit.chunk.language, hit.chunk.text)
    """

    def __init__(self, opened: OpenedStore, workers: Workers | None = None) -> None:
        """Put the parts together; use ``open``."""
        super().__init__(opened, workers)
        self.path = opened.root
        """The folder of the index files: the knowledge base's own, or one of the cache."""
        self.location = opened.name
        """Where it is, as messages say it: its folder, or its address without a password."""
        self._catalogue = opened.catalogue

    @classmethod
    def open(
        cls,
        path: str | Path | ServerAddress,
        *,
        settings: Settings | None = None,
        components: Components | Callable[[Settings], Components] | None = None,
        embedder: Embedder | None = None,
        detector: LanguageDetector | None = None,
        reranker: Reranker | None = None,
        generator: Generator | None = None,
        loaders: Sequence[Loader] = (),
        read_only: bool = False,
        create: bool = True,
        workers: Workers | None = None,
    ) -> KnowledgeBase:
        """Open the knowledge base in the folder ``path``, making a new one if there is none.

        An address such as ``postgresql://user@host/database?kb=manuals`` opens one on a server:
        any number of processes may write to it at once (``rag_engine/connectors/postgres``).
        Without ``settings`` those that it was made with are used (the defaults for a new one).
        A part of your own takes the place of the one that they name: any object that does what
        its Protocol in ``rag_engine.ports`` says. ``loaders`` of your own stand before those of
        the settings. ``components`` take the place of all parts, and may be a function that builds
        them for the settings, so that several knowledge bases can share a model. ``workers``
        do what is awaited (``asearch``, ``aask``, ``astream``), by default eight searches at a
        time: see ``rag_engine.workers``.

        Raises:
            StoreNotFound: there is none, and it was opened ``read_only`` or not to ``create``.
            StoreLocked: another process is writing to it (in a folder).
            StoreCorrupt: it is damaged.
            StorageFailed: its files can not be read, or not be written.
            ContractMismatch: it was built with another model, analyser or chunking.
            MissingExtra: its settings name a part whose package is not installed.
            InvalidInput: both ``components`` and an ``embedder``; or a part that lacks a method.

        Example: ``kb = KnowledgeBase.open("kb", settings=Settings.from_toml(Path("rag.toml")))``
        """
        own = OwnParts(
            embedder=embedder,
            detector=detector,
            reranker=reranker,
            generator=generator,
            loaders=loaders,
        )
        opened = open_store(
            parse_location(path), own, settings, components, read_only=read_only, create=create
        )
        return cls(opened, workers)

    def close(self, *, publish: bool = True) -> None:
        """Publish what changed since the last index was built, if it is due; let others write.

        Without ``publish`` it is closed at once: whoever opens it next builds the index.

        Raises:
            StorageFailed: the index can not be written. It is closed all the same, every document
                is kept, and whoever opens it next builds the index.

        Example: ``kb.close()``
        """
        self._opened.close(publish=publish)

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # After Ctrl-C, what was added is durable, and nobody waits for an index now; where storage
        # failed, that is what is to be told, not that it fails again.
        stopped = error is not None and not isinstance(error, Exception)
        self._opened.close(publish=not (stopped or isinstance(error, StorageFailed)))

    def add(
        self,
        documents: Iterable[Document | Problem],
        *,
        prefix: str | None = None,
        sync: bool = False,
        allow_empty: bool = False,
        on_progress: Callable[[int], None] | None = None,
        stop: Stop = never,
    ) -> AddReport:
        """Add documents; each replaces one with the same id, an unchanged one costs nothing.

        What was added is durable when this returns, and found by the next search. It is written
        in batches: after an error or a kill, the batches before are there, the rest is not; adding
        all of them again is safe. A ``Problem`` among the documents is reported and stops nothing.
        ``on_progress`` is called with the number of documents done after each batch. ``stop`` is
        asked between two steps (some texts embedded, a batch written): True ends the adding.

        With a ``prefix`` the ids become ``prefix/id``: documents that belong together, such as all
        of a wiki. With ``sync``, those under the prefix that did not come are dropped when the last
        one came: none if an error ended it, and if none at all came, only with ``allow_empty``.

        Raises:
            InvalidInput: ``sync`` without a prefix, or one that belongs to a folder of files.
            FolderEmpty: ``sync`` would drop documents, and none came.
            WriteStopped: ``stop`` said so; it tells how many documents are kept.

        Example::

            report = kb.add(Document(id=name, text=text) for name, text in manuals.items())
            print(report.added, report.unchanged)
        """
        from rag_engine.ingest import add_documents

        return add_documents(
            self._opened,
            documents,
            prefix=prefix,
            sync=sync,
            allow_empty=allow_empty,
            on_progress=on_progress,
            stop=stop,
        )

    def add_files(
        self,
        path: str | Path,
        *,
        prefix: str | None = None,
        sync: bool = False,
        allow_empty: bool = False,
        encoding: str | None = None,
        language: str | None = None,
        on_progress: OnStage = silent,
        loaders: Sequence[Loader] = (),
    ) -> AddReport:
        """Add the files of a folder, or one file, as ``rag-engine index`` does.

        A file's name in the knowledge base is ``prefix/path/in/the/folder``, the prefix by default
        the folder's own name. An unchanged file is not read again, a changed one replaces its
        documents, a bad one is reported and never stops the others. With ``sync``, files under the
        prefix that are no longer in the folder are dropped, but nothing under a place that could
        not be listed; if no file at all can be read, only with ``allow_empty``. Interrupted, the
        same call goes on.

        ``encoding`` is that of all text files (not PDF, DOCX and other kinds that say theirs), for
        those who know it; else it is told by each file's bytes, and a problem says where that was
        a close call. A file that is not in it is a problem. Files are read again when it changes.

        ``language`` (BCP-47) says what all files of this call are in, whatever they claim: it
        becomes their documents' ``language_hint``, which passages are taken to be in unless they
        clearly are not. Said otherwise, or not any more, it has the files read again.

        ``on_progress`` is called with the name of a stage, how much of it is done, and of how
        much: first ``indexing files``, in files, then the stages of ``publish``. ``loaders`` of
        your own stand before all others in this call.

        Raises:
            InvalidInput: the path does not exist; another folder has the default prefix already;
                ``sync`` with a single file or an empty prefix; a loader that is none; an
                ``encoding`` that is none, or is for one file of a kind that says its own; or a
                ``language`` that is no code of one.
            FolderEmpty: ``sync`` would drop documents, and no file of the folder can be read.

        Example::

            report = kb.add_files("manuals", sync=True)
            print(report.added, report.deleted, [problem.reason for problem in report.problems])
        """
        from rag_engine.files import add_files

        return add_files(
            self._opened,
            path,
            loaders,
            prefix=prefix,
            sync=sync,
            allow_empty=allow_empty,
            encoding=encoding,
            language=language,
            on_progress=on_progress,
        )

    def add_file(
        self,
        path: str | Path,
        *,
        source: str,
        encoding: str | None = None,
        language: str | None = None,
        stop: Stop = never,
    ) -> AddReport:
        """Add one file under the name ``source``, wherever it lies; the index is not published.

        ``encoding`` and ``language`` say what it is in, as with ``add_files``. ``stop`` is asked
        between two steps, as in ``add``; a file that was stopped half-way is read again when it is
        next added.

        Raises:
            WriteStopped: ``stop`` said so; it tells how many documents of the file are kept.

        Example: ``kb.add_file(upload, source="manuals/pump.txt")``
        """
        from rag_engine.files import add_file

        return add_file(self._opened, path, source, encoding=encoding, language=language, stop=stop)

    @property
    def file_suffixes(self) -> frozenset[str]:
        """The endings of the files that ``add_files`` reads.

        Example: ``assert ".pdf" in kb.file_suffixes``
        """
        return suffixes_of(self._opened.loaders)

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Delete documents by id; return the ids that existed.

        They are gone from every later search. Their text is overwritten in the catalogue at once;
        their vectors and terms leave the index files when those are next built (``compact``).

        Example: ``kb.delete(["manuals/old-pump.pdf"])``
        """
        if isinstance(ids, str):
            raise InvalidInput(f"delete takes several ids: pass a list, [{ids!r}]")
        with self._opened.writing():
            return self._catalogue.delete(ids)

    def sources(self) -> dict[str, bytes]:
        """Return the fingerprint of every source (file); of one left half-way it is empty.

        Example: ``print(sorted(kb.sources()))``
        """
        return self._opened.readable.sources()

    def delete_source(self, name: str) -> list[str]:
        """Delete a source (file) and all its documents; return their ids.

        Example: ``kb.delete_source("manuals/pump.txt")``
        """
        with self._opened.writing():
            return self._catalogue.delete_source(name)

    def thumbnail(self, image: str) -> bytes | None:
        """Return the thumbnail of a hit's ``image``, a JPEG of 65,536 bytes at most.

        None where no document of this knowledge base names such a picture (any more).

        Raises:
            StoreCorrupt: it is damaged.

        Example: ``jpeg = kb.thumbnail("0" * 64)``
        """
        self._check_open()
        pictures = self._opened.pictures
        return None if pictures is None else pictures.store.thumbnail(image)

    def compact(self, *, on_stage: OnStage = silent) -> None:
        """Build the index files anew and give back the space of what was deleted.

        Raises:
            StorageFailed: there is no room for it (it takes about what is there once more).

        Example: ``kb.compact()``
        """
        with self._opened.writing():
            self._index.publish(on_stage)
            self._catalogue.vacuum()
            if self._opened.pictures is not None:
                self._opened.pictures.sweep()
                self._opened.pictures.store.vacuum()

    def publish(self, *, only_if_due: bool = False, on_stage: OnStage = silent) -> None:
        """Build the index files now, if anything changed since, instead of at ``close``.

        With ``only_if_due``, as at ``close``, a few changes to a large knowledge base (up to one
        chunk in a hundred, of 20,000 or more) are no reason to: opening it replays them.
        ``on_stage`` is called with the name of a stage, how many passages are done, and of how
        many. Interrupted, it leaves the index that was there, and every document. Of a knowledge
        base on a server these are the files of this machine.

        Raises:
            StorageFailed: it can not be written. Searches go on, and it is due at ``close``.

        Example: ``kb.publish(on_stage=lambda stage, done, total: print(stage, done, total))``
        """
        self._opened.publish(only_if_due=only_if_due, on_stage=on_stage)

    def was_replaced(self) -> bool:
        """Tell whether another is in its place since it was opened, which is to be opened again.

        That is so after ``rag-engine reembed``, and where the catalogue was written anew. What is
        asked of it then raises ``StoreReplaced``.

        Example: ``assert not kb.was_replaced()``
        """
        try:
            self._opened.readable.revision()
        except StoreReplaced:
            return True
        return False

    def keep_settings(self) -> None:
        """Open with the settings of now from now on, where none are given.

        Example: ``kb.keep_settings()``
        """
        with self._opened.writing():
            self._catalogue.set_meta("settings", self.settings.model_dump(mode="json"))

    def passage_ids(self) -> list[int]:
        """Return the ids of all passages (a hit's ``chunk_id``), ascending.

        Example: ``assert kb.search("pump", k=1)[0].chunk_id in kb.passage_ids()``
        """
        return sorted(self._opened.readable.documents_of_chunks())

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """Return those passages of ``ids`` that are still there, in the order of ``ids``.

        Example: ``texts = [passage.chunk.text for passage in kb.passages(kb.passage_ids())]``
        """
        from rag_engine.passages import read_passages

        self._check_open()
        return self._index.read(lambda view: read_passages(view, ids))

    def likeness(self, passage: int, others: Sequence[int]) -> dict[int, float]:
        """Return how alike passages are to one in meaning, -1 to 1, by their ids.

        Empty where languages are not centred (``FairnessSettings``).

        Example: ``ids = kb.passage_ids(); alike = kb.likeness(ids[0], ids[1:])``
        """
        from rag_engine.passages import likeness

        self._check_open()
        return likeness(self._index.snapshot(), passage, others)

    def document(self, document_id: str) -> Document | None:
        """Return a document as it was added, or None.

        Example: ``document = kb.document("1")``
        """
        return self._opened.readable.document(document_id)

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, sorted.

        Example: ``assert "1" in kb.document_ids()``
        """
        return self._opened.readable.document_ids()

    def inspect(self) -> Inspection:
        """Tell what the knowledge base holds, what it was built with, and how large it is.

        Example: ``print(kb.inspect().documents, kb.inspect().languages)``
        """
        from rag_engine.inspection import inspect_store

        return inspect_store(self._opened.readable, self.path, self._index.manifest)

    def check(self, *, on_stage: OnStage = silent) -> CheckReport:
        """Verify all that the knowledge base holds, as ``rag-engine check`` does; change nothing.

        What can not be opened any more is checked with ``rag_engine.checking.check_location``.

        Example: ``assert kb.check().problems == []``
        """
        from rag_engine.checking import check_location

        self._check_open()
        return check_location(self._opened.location, self._index.factories, on_stage=on_stage)

    def backup(
        self,
        folder: str | Path,
        *,
        index: bool = True,
        verified: bool = True,
        on_stage: OnStage = silent,
    ) -> BackupReport:
        """Copy the knowledge base into the new ``folder``, as ``rag-engine backup`` does.

        The copy holds one revision, whatever is written meanwhile, here or by another process, and
        is a knowledge base itself: it can be opened, checked, and restored
        (``rag_engine.store.backup.restore_store``). Interrupted, nothing is left of it. Without
        the ``index`` it is built anew where it is opened, as it is where it lies in a service. What
        is not ``verified`` to the last row is compared with the sums over all of them.

        Raises:
            StoreError: the folder exists.
            StoreCorrupt: the knowledge base is damaged: no backup of it is made.
            InvalidInput: the folder is inside of the knowledge base; or that is on a server, whose
                own tools copy it.

        Example: ``print(kb.backup("backups/monday").documents)``
        """
        from rag_engine.store.backup import backup_store

        self._check_open()
        if isinstance(self._opened.location, ServerAddress):
            raise InvalidInput(
                f"backup is for a knowledge base in a folder; {self.location} is on a server: dump "
                "its schema by pg_dump"
            )
        return backup_store(
            self.path,
            Path(folder),
            self._index.factories,
            with_index=index,
            verified=verified,
            on_stage=on_stage,
        )

    def health(
        self,
        *,
        sample: int = SAMPLE,
        questions: int = QUESTIONS,
        seed: int = 1,
        on_stage: OnStage = silent,
    ) -> HealthReport:
        """Tell without labels what keeps passages from being found, as ``rag-engine health`` does.

        Of more than ``sample`` passages (20,000 at most) as many are drawn by ``seed``. At most
        ``questions`` are asked that the knowledge base makes itself; they alone need the model, and
        are left out, with the reason, where it fails. Nothing is translated for them, nor
        reranked: no language model is asked.

        Raises:
            InvalidInput: a ``sample``, ``questions`` or a ``seed`` that can not be meant.

        Example: ``print([each.says for each in kb.health().findings if each.state == "look"])``
        """
        from rag_engine.health.report import examine

        self._check_open()
        return examine(
            self,
            self._index.view().without_vanished(),
            self._opened.components,
            sample=sample,
            questions=questions,
            seed=seed,
            on_stage=on_stage,
        )
