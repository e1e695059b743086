"""A folder of files, or one file, becomes (part of) a knowledge base.

Files are taken in sorted order. An unchanged file is not read again; a changed one replaces its
documents; a bad one is reported and never stops the others. A run that was killed or interrupted
goes on where it stopped when it is started again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rag_engine.errors import (
    FolderEmpty,
    InvalidDocument,
    InvalidInput,
    LoadError,
    MissingExtra,
)
from rag_engine.file_problems import FileProblems
from rag_engine.folder_listing import Listing, is_folder, list_folder, shown_name
from rag_engine.ingest import add_batch, batches
from rag_engine.opening import OpenedStore
from rag_engine.own_parts import check_loaders
from rag_engine.ports import Loader
from rag_engine.records import AddReport, Document, Problem
from rag_engine.regular_file import digest_of, open_regular
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.progress import OnStage, silent
from rag_engine.text.codes import stated_language

__all__ = ["INDEXING", "add_file", "add_files", "loader_for", "suffixes_of"]

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
    language: str | None = None,
    on_progress: OnStage = silent,
) -> AddReport:
    """Index a folder, or one file; see ``KnowledgeBase.add_files``.

    Raises:
        InvalidInput: the path does not exist, or can not be looked at; the prefix by default
            belongs to another folder already; ``sync`` with a single file or without a prefix; or
            a ``language`` that is no code of one.
        FolderEmpty: ``sync`` without ``allow_empty`` would drop documents, and no file of the
            folder could be read.
    """
    store.check_writable()
    loaders = check_loaders(own_loaders) + store.loaders
    stated = stated_language(language)
    path = Path(path)
    folder = is_folder(path)
    stem = _claimed_prefix(store, path, prefix, folder=folder, sync=sync)
    if folder:
        listing = list_folder(path, stem, leave_out=store.root)
    else:
        listing = Listing(files={"/".join(filter(None, (stem, shown_name(path.name)))): path})
    report = AddReport(problems=tuple(listing.problems), skipped=tuple(listing.skipped))
    run = _Run(store, loaders, stated)
    report += run.index(listing.files, on_progress)
    if sync:
        gone = _gone(store, listing, stem)
        if not (allow_empty or run.could_read):
            _check_nothing_goes(store, path, stem, gone, report)
        for source in gone:
            with store.writing():
                report += AddReport(deleted=len(store.catalogue.delete_source(source)))
    store.publish(only_if_due=True, on_stage=on_progress)
    return report


def add_file(
    store: OpenedStore, path: str | Path, source: str, *, language: str | None = None
) -> AddReport:
    """Index one file under the name ``source``; see ``KnowledgeBase.add_file``.

    Raises:
        InvalidInput: ``path`` is no file, ``source`` no name, or ``language`` no language's code.
    """
    store.check_writable()
    path = Path(path)
    if not path.is_file():
        raise InvalidInput(f"{path} is no file; name a file to add, or a folder with add_files")
    if not isinstance(source, str) or not source or shown_name(source) != source:
        raise InvalidInput(f"source is the name of a file in the knowledge base, got {source!r}")
    return _Run(store, store.loaders, stated_language(language)).index({source: path}, silent)


def suffixes_of(loaders: Sequence[Loader]) -> frozenset[str]:
    """Return the endings of the files that some loaders read."""
    return frozenset(suffix for loader in loaders for suffix in loader.suffixes)


def loader_for(path: Path, loaders: Sequence[Loader]) -> Loader | None:
    """Return the first loader that reads files with this ending, or None."""
    suffix = path.suffix.lower()
    return next((loader for loader in loaders if suffix in loader.suffixes), None)


class _Run:
    """One run over some files: reads them, writes their documents, and gathers what to report.

    Documents of many files make one batch, so that the embedder always has enough to do.
    """

    def __init__(self, store: OpenedStore, loaders: Sequence[Loader], language: str | None) -> None:
        self._store = store
        self._language = language
        self._loaders = loaders
        self._settings = store.settings.loaders.model_dump_json()
        self._known = store.catalogue.sources()
        self.could_read = False
        """Whether any file could be read, or is as it was read before."""
        self._begun: list[str] = []
        self._finished: list[FinishedSource] = []
        self._read_files = 0
        self._unchanged_files = 0
        self._skipped: list[Problem] = []
        self._problems: list[Problem] = []

    def index(self, files: Mapping[str, Path], on_progress: OnStage) -> AddReport:
        """Index files under their names."""
        report = AddReport()
        on_progress(INDEXING, 0, len(files))
        for batch in batches(self._documents(files, on_progress)):
            report += self._write(batch)
            on_progress(INDEXING, self._read_files, len(files))
        report += self._write([])  # what is still to be finished
        on_progress(INDEXING, len(files), len(files))
        return dataclasses.replace(
            report,
            files=len(files),
            unchanged_files=self._unchanged_files,
            skipped=tuple(self._skipped),
            problems=tuple(self._problems),
        )

    def _write(self, batch: Sequence[Document]) -> AddReport:
        """Write a batch; the sources whose documents all came are finished."""
        deleted: list[str] = []
        with self._store.writing():
            catalogue = self._store.catalogue
            if self._begun:
                # Durable before the first document: a source left half-way is known as such.
                catalogue.begin_sources(self._begun)
            report = add_batch(batch, self._store)
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
            reason = f"no loader reads {path.suffix or 'files without an ending'}"
            self._skipped.append(Problem(source=source, reason=reason))
            return
        try:
            fingerprint = self._fingerprint(loader, path)
        except LoadError as error:
            self._problems.append(Problem(source=source, reason=_reason(error, source)))
            return
        if fingerprint and self._known.get(source) == fingerprint:
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
        signature = f"{self._settings}{_signature(loader)}{stated}"
        return hashlib.sha256(f"{signature}\0{digest}".encode()).digest()

    def _load(
        self, loader: Loader, path: Path, source: str, fingerprint: bytes
    ) -> Iterator[Document]:
        keep: set[str] = set()
        problems, blank = FileProblems(source), FileProblems(source)
        try:
            for loaded in loader.load(path, source):
                if isinstance(loaded, Problem):
                    problems.add(loaded.reason, loaded.source)
                    continue
                document = _of_source(loaded, source, loader)
                if self._language:
                    document = dataclasses.replace(document, language_hint=self._language)
                if document.id in keep:
                    problems.add(f"the id {document.id!r} stands there twice")
                elif not document.text.strip():
                    blank.add("it holds no text", document.id)
                else:
                    if not keep:
                        self._begun.append(source)
                    keep.add(document.id)
                    yield document
        except MissingExtra:
            raise  # so it is with every file of the kind
        except Exception as error:
            # What an earlier version gave stays until the file can be read again, or is gone.
            self._problems += [*problems, Problem(source=source, reason=_reason(error, source))]
            return
        if not (keep or problems or blank):
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
            )
        )


def _gone(store: OpenedStore, listing: Listing, stem: str) -> list[str]:
    """Return the sources under a prefix whose files are gone."""
    under = [name for name in store.catalogue.sources() if name.startswith(f"{stem}/")]
    return sorted(listing.gone(under))


def _check_nothing_goes(
    store: OpenedStore, path: Path, stem: str, gone: Sequence[str], report: AddReport
) -> None:
    """Refuse to drop documents for a folder of which no file could be read.

    Raises:
        FolderEmpty: documents would be dropped.
    """
    documents = store.catalogue.count_documents(gone)
    if documents:
        problems = f" ({len(report.problems)} problems)" if report.problems else ""
        raise FolderEmpty(
            f"no file of {shown_name(str(path))} could be read{problems}, and sync (--sync) would "
            f"drop all {documents:,} documents of its {len(gone):,} files under {stem!r}; nothing "
            "was dropped: see that the right folder is there (is it mounted?), or confirm with "
            "allow_empty=True (--allow-empty)"
        )


def _signature(loader: Loader) -> str:
    """Return what else than settings and bytes decides about the documents of a file.

    This package's own loaders are decided by their settings alone.
    """
    kind = type(loader)
    if kind.__module__.startswith("rag_engine."):
        return ""
    return f"\0{kind.__module__}.{kind.__qualname__}\0{getattr(loader, 'version', '')}"


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


def _reason(error: Exception, source: str) -> str:
    """Tell why a file could not be read; of an error that no loader should raise, its type too."""
    reason = f"its loader failed: {type(error).__name__}: {error}"
    if isinstance(error, LoadError | InvalidDocument | OSError):
        reason = str(error).removeprefix(f"{source}: ")
    if isinstance(error.__cause__, FileNotFoundError):
        reason = "it was there when the folder was listed, and is not any more"
    return shown_name(reason)


def _claimed_prefix(
    store: OpenedStore, path: Path, prefix: str | None, *, folder: bool, sync: bool
) -> str:
    """Return what the files' names begin with, after seeing that it is this folder's own."""
    place = os.path.realpath(path if folder else path.parent)
    stem = shown_name(Path(place).name if prefix is None else prefix.strip("/"))
    if sync and not (folder and stem):
        raise InvalidInput(
            "sync (--sync) drops what is gone from a whole folder under its prefix; name a folder "
            f"and no empty prefix (got {str(path)!r} and {stem!r})"
        )
    with store.writing():
        claimed = store.catalogue.meta(f"prefix {stem}")
        if claimed is None:
            store.catalogue.set_meta(f"prefix {stem}", place)
    if prefix is None and claimed not in {None, place}:
        raise InvalidInput(
            f"the names under {stem!r} come from {claimed}, not from {place}: give this folder "
            "another prefix (--prefix), or the same one on purpose if it was moved"
        )
    return stem
