"""A folder of files, or one file, becomes (part of) a knowledge base.

Files are taken in sorted order. An unchanged file is not read again; a changed one replaces its
documents; a bad one is reported and never stops the others. A run that was killed or interrupted
goes on where it stopped when it is started again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rag_engine.errors import (
    InvalidDocument,
    InvalidInput,
    LoadError,
    LoadSkipped,
    MissingExtra,
    WriteStopped,
)
from rag_engine.file_encoding import in_encoding
from rag_engine.file_endings import loader_for, what_is_read, why_unread
from rag_engine.file_names import one_form
from rag_engine.folder_listing import Listing, is_folder, list_folder, shown_name
from rag_engine.folder_prefix import check_nothing_goes, claimed_prefix, gone_from
from rag_engine.images.pictures import why_reserved
from rag_engine.ingest import add_batch, batches
from rag_engine.opening import OpenedStore
from rag_engine.own_parts import check_loaders
from rag_engine.ports import Loader
from rag_engine.records import AddReport, Document, Note, Problem
from rag_engine.regular_file import digest_of, open_regular
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.progress import OnStage, Stop, never, silent
from rag_engine.text.codes import stated_language
from rag_engine.text.stated_languages import without_languages
from rag_engine.told_problems import ToldProblems

__all__ = ["INDEXING", "add_file", "add_files"]

INDEXING = "indexing files"
"""The stage that progress is told of, in files whose documents are in the catalogue."""


def add_files(
    store: OpenedStore,
    path: str | Path,
    own_loaders: Sequence[Loader] = (),
    *,
    prefix: str | None = None,
    sync: bool = False,
    allow_empty: bool = False,
    encoding: str | None = None,
    language: str | None = None,
    on_progress: OnStage = silent,
) -> AddReport:
    """Index a folder, or one file; see ``KnowledgeBase.add_files``.

    Raises:
        InvalidInput: the path does not exist, or can not be looked at; the prefix by default
            belongs to another folder already; ``sync`` with a single file or without a prefix; or
            an ``encoding`` that is none, or is for a file that says its own; a ``language`` that
            is no code of one.
        FolderEmpty: ``sync`` without ``allow_empty`` would drop documents, and no file of the
            folder could be read.
        ContractMismatch: documents are pictures, and there is no model for those of the files.
    """
    store.check_writable(files=True)
    stated = stated_language(language)
    path = Path(path)
    folder = is_folder(path)
    loaders = check_loaders(own_loaders) + store.loaders
    loaders = in_encoding(encoding, loaders, None if folder else path)
    stem = claimed_prefix(store, path, prefix, folder=folder, sync=sync)
    if folder:
        listing = list_folder(path, stem, leave_out=store.root)
    else:
        name = one_form(shown_name(path.name))
        listing = Listing(files={"/".join(filter(None, (stem, name))): path})
    report = AddReport(problems=tuple(listing.problems), skipped=tuple(listing.skipped))
    run = _Run(store, loaders, language=stated)
    indexed = run.index(listing.files, on_progress)
    report += indexed if folder else _asked_for(indexed, path, loaders)
    if sync:
        gone = gone_from(store, listing, stem)
        if not (allow_empty or run.could_read):
            check_nothing_goes(store, path, stem, gone, report)
        for source in gone:
            with store.writing():
                report += AddReport(deleted=len(store.catalogue.delete_source(source)))
    store.publish(only_if_due=True, on_stage=on_progress)
    return report


def add_file(
    store: OpenedStore,
    path: str | Path,
    source: str,
    *,
    encoding: str | None = None,
    language: str | None = None,
    stop: Stop = never,
) -> AddReport:
    """Index one file under the name ``source``; see ``KnowledgeBase.add_file``.

    Raises:
        InvalidInput: ``path`` is no file, ``source`` no name, ``language`` no language's code, or
            ``encoding`` is none, or is for a file that says its own.
        ContractMismatch: documents are pictures, and there is no model for those of the file.
        WriteStopped: ``stop`` said so.
    """
    store.check_writable(files=True)
    path = Path(path)
    if not path.is_file():
        raise InvalidInput(f"{path} is no file; name a file to add, or a folder with add_files")
    if not isinstance(source, str) or not source or shown_name(source) != source:
        raise InvalidInput(f"source is the name of a file in the knowledge base, got {source!r}")
    loaders = in_encoding(encoding, store.loaders, path)
    run = _Run(store, loaders, language=stated_language(language), stop=stop)
    return _asked_for(run.index({one_form(source): path}, silent), path, loaders)


def _asked_for(report: AddReport, path: Path, loaders: Sequence[Loader]) -> AddReport:
    """Return what became of one file: that nothing reads it is no matter to pass over then."""
    skipped = report.skipped
    if loader_for(path, loaders) is None:
        hint = what_is_read(loaders)
        skipped = tuple(
            dataclasses.replace(file, reason=f"{file.reason}; {hint}") for file in skipped
        )
    return dataclasses.replace(report, skipped=(), problems=(*report.problems, *skipped))


class _Run:
    """One run over some files: reads them, writes their documents, and gathers what to report.

    Documents of many files make one batch, so that the embedder always has enough to do.
    """

    def __init__(
        self,
        store: OpenedStore,
        loaders: Sequence[Loader],
        *,
        language: str | None,
        stop: Stop = never,
    ) -> None:
        self._store, self._stop = store, stop
        self._language = language
        self._loaders = loaders
        self._settings = store.settings.loaders.model_dump_json()
        self._known = store.catalogue.sources()
        self._otherwise = _spelled_otherwise(self._known)
        self.could_read = False
        """Whether any file could be read, if only in part, or is as it was read before."""
        self._begun: list[str] = []
        self._finished: list[FinishedSource] = []
        self._written = 0
        """How many documents came and are written, or were known as they are."""
        self._read_files = 0
        self._unchanged_files = 0
        self._skipped: list[Problem] = []
        self._problems: list[Problem] = []
        self._notes: list[Note] = []
        self._on_progress: OnStage = silent

    def index(self, files: Mapping[str, Path], on_progress: OnStage) -> AddReport:
        """Index files under their names."""
        report = AddReport()
        self._on_progress = on_progress
        on_progress(INDEXING, 0, len(files))
        for batch in batches(self._documents(files, on_progress)):
            report += self._write(batch)
            self._written += len(batch)
            on_progress(INDEXING, self._read_files, len(files))
        report += self._write([])  # what is still to be finished
        on_progress(INDEXING, len(files), len(files))
        return dataclasses.replace(
            report,
            files=len(files),
            unchanged_files=self._unchanged_files,
            skipped=tuple(self._skipped),
            problems=tuple(self._problems),
            notes=tuple(self._notes),
        )

    def _write(self, batch: Sequence[Document]) -> AddReport:
        """Write a batch; sources whose documents all came are finished."""
        deleted: list[str] = []
        with self._store.writing():
            catalogue = self._store.catalogue
            if self._begun:
                # Durable before the first document: a source left half-way is known as such.
                catalogue.begin_sources(self._begun)
            stop = self._stop if batch else never
            report = add_batch(batch, self._store, stop, self._written, self._on_progress)
            if self._finished:
                deleted = catalogue.finish_sources(self._finished)
        self._begun, self._finished = [], []
        return dataclasses.replace(report, deleted=len(deleted))

    def _documents(self, files: Mapping[str, Path], on_progress: OnStage) -> Iterator[Document]:
        for done, (source, path) in enumerate(files.items(), 1):
            yield from self._read(path, source)
            self._read_files = done
            if not (self._begun or self._finished):  # nothing that was read waits to be written
                on_progress(INDEXING, done, len(files))

    def _read(self, path: Path, source: str) -> Iterator[Document]:
        """Yield the documents of a file, unless it is known as it is."""
        loader = loader_for(path, self._loaders)
        if loader is None:
            self._skipped.append(Problem(source=source, reason=why_unread(path)))
            return
        try:
            fingerprint = self._fingerprint(loader, path)
        except LoadError as error:
            self._problems.append(Problem(source=source, reason=_reason(error, source)))
            return
        known = fingerprint and self._known.get(source) == fingerprint
        if known and source not in self._otherwise:
            self._unchanged_files += 1
            self.could_read = True
            return
        yield from self._load(loader, path, source, fingerprint)

    def _fingerprint(self, loader: Loader, path: Path) -> bytes:
        """Return what tells whether a file, or how it is read, has changed.

        It is empty for a file that the loader refuses by its size.

        Raises:
            LoadError: it can not be read.
        """
        with open_regular(path) as file:
            most = getattr(loader, "max_bytes", None)
            if most is not None and os.fstat(file.fileno()).st_size > most:
                return b""
            digest = digest_of(file, path)
        stated = f"\0language\0{self._language}" if self._language else ""
        signature = f"{self._settings}{_signature(loader)}{stated}{self._of_pictures(loader)}"
        return hashlib.sha256(f"{signature}\0{digest}".encode()).digest()

    def _of_pictures(self, loader: Loader) -> str:
        """Return what stands for the pictures: for another place of theirs files are read again."""
        pictures = self._store.pictures
        gives = getattr(loader, "gives_pictures", False)
        wanted = gives and pictures is not None and pictures.are_taken
        return f"\0pictures\0{pictures.store.identity}" if pictures and wanted else ""

    def _load(
        self, loader: Loader, path: Path, source: str, fingerprint: bytes
    ) -> Iterator[Document]:
        keep: set[str] = set()
        unread: set[str] = set()
        problems, blank = ToldProblems(source), ToldProblems(source)
        notes = 0
        try:
            for loaded in loader.load(path, source):
                if self._stop():
                    raise WriteStopped(kept=self._written)
                if isinstance(loaded, Problem):
                    if loaded.source != source:
                        unread.add(loaded.source)
                    problems.add(loaded.reason, loaded.source)
                    continue
                if isinstance(loaded, Note):
                    notes += 1
                    unread.update(loaded.unread)
                    self._note(loaded)
                    continue
                document = _of_source(loaded, source, loader)
                if self._language:
                    document = _in_language(document, self._language)
                if document.id in keep:
                    problems.add(f"the id {document.id!r} stands there twice")
                elif reason := why_reserved(document, self._store.pictures):
                    problems.add(reason, document.id)
                    unread.add(document.id)
                elif not document.text.strip():
                    blank.add("it holds no text", document.id)
                else:
                    if not keep:
                        self._begun.append(source)
                    keep.add(document.id)
                    yield document
        except (MissingExtra, WriteStopped):
            raise  # so it is with every file of the kind, or with all
        except LoadSkipped as error:
            self._skipped.append(Problem(source=source, reason=_reason(error, source)))
            return
        except Exception as error:
            # What an earlier version gave stays until the file can be read again, or is gone.
            self.could_read = self.could_read or bool(keep)
            self._problems += [*problems, Problem(source=source, reason=_reason(error, source))]
            return
        if not (keep or problems or blank or notes):
            blank.add("it holds no documents")
        self._problems += [*problems, *blank]
        if problems and not keep:
            return  # every row is bad: what an earlier version gave stays
        self.could_read = True
        # A file with problems is read again next time, so that they are never forgotten.
        self._finished.append(
            FinishedSource(
                name=source,
                fingerprint=b"" if problems or blank else fingerprint,
                keep=frozenset(keep),
                replaces=self._otherwise.get(source, ()),
                unread=frozenset(unread),
            )
        )

    def _note(self, note: Note) -> None:
        """Keep a note, and tell how far a file is that takes long."""
        self._notes.append(note)
        if note.total:
            self._on_progress(f"reading {note.source}", note.done, note.total)


def _spelled_otherwise(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names that are not in NFC, as earlier versions kept them, by their NFC."""
    otherwise: dict[str, tuple[str, ...]] = {}
    for name in names:
        form = one_form(name)
        if form != name:
            otherwise[form] = (*otherwise.get(form, ()), name)
    return otherwise


def _signature(loader: Loader) -> str:
    """Return what else than settings and bytes decides about the documents of a file.

    This package's own loaders are decided by the settings of all, and by their ``version``, which
    stands for what only some of them heed.
    """
    kind = type(loader)
    version = getattr(loader, "version", "")
    if kind.__module__.startswith("rag_engine."):
        return f"\0{version}" if version else ""
    return f"\0{kind.__module__}.{kind.__qualname__}\0{version}"


def _of_source(loaded: object, source: str, loader: Loader) -> Document:
    """Return a document as one of the file's: by its source it is found when the file changes.

    Raises:
        LoadError: a loader gave something else.
    """
    if not isinstance(loaded, Document):
        raise LoadError(
            f"{type(loader).__name__}.load yields Document and Problem objects, got a "
            f"{type(loaded).__name__}"
        )
    return loaded if loaded.source == source else dataclasses.replace(loaded, source=source)


def _in_language(document: Document, language: str) -> Document:
    """Return a document that somebody says is in a language: what it says itself does not count."""
    spans = tuple(without_languages(document.spans))
    return dataclasses.replace(document, language_hint=language, spans=spans)


def _reason(error: Exception, source: str) -> str:
    """Tell why a file could not be read; of an error that no loader should raise, its type too."""
    reason = f"its loader failed: {type(error).__name__}: {error}"
    if isinstance(error, LoadError | InvalidDocument | OSError):
        reason = str(error).removeprefix(f"{source}: ")
    if isinstance(error.__cause__, FileNotFoundError):
        reason = "it was there when the folder was listed, and is not any more"
    return shown_name(reason)
