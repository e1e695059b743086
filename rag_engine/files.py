"""A folder of files, or one file, becomes (part of) a knowledge base.

Files are taken in sorted order. An unchanged file is not read again; a changed one replaces its
documents; a bad one is reported and never stops the others. A run that was killed or interrupted
goes on where it stopped when it is started again.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rag_engine.errors import InvalidDocument, InvalidInput, LoadError, MissingExtra
from rag_engine.ingest import add_batch, batches
from rag_engine.opening import OpenedStore
from rag_engine.own_parts import check_loaders
from rag_engine.ports import Loader
from rag_engine.records import AddReport, Document, Problem
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.files import file_digest
from rag_engine.store.progress import OnStage, silent

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
    on_progress: OnStage = silent,
) -> AddReport:
    """Index a folder, or one file; see ``KnowledgeBase.add_files``.

    Raises:
        InvalidInput: the path does not exist; the prefix by default belongs to another folder
            already; or ``sync`` with a single file or without a prefix.
    """
    store.check_writable()
    loaders = check_loaders(own_loaders) + store.loaders
    path = Path(path)
    if not path.exists():
        raise InvalidInput(f"{path} does not exist; name a folder or a file to index")
    stem = _claimed_prefix(store, path, prefix, sync=sync)
    files, unread = _named_files(path, stem, store.root)
    report = AddReport(problems=tuple(unread)) + _Run(store, loaders).index(files, on_progress)
    deleted = 0
    if sync:
        for source in sorted(set(store.catalogue.sources()) - set(files)):
            if source.startswith(f"{stem}/"):
                with store.writing():
                    deleted += len(store.catalogue.delete_source(source))
    store.publish(only_if_due=True, on_stage=on_progress)
    return report + AddReport(deleted=deleted)


def add_file(store: OpenedStore, path: str | Path, source: str) -> AddReport:
    """Index one file under the name ``source``; see ``KnowledgeBase.add_file``.

    Raises:
        InvalidInput: ``path`` is no file, or ``source`` no name.
    """
    store.check_writable()
    path = Path(path)
    if not path.is_file():
        raise InvalidInput(f"{path} is no file; name a file to add, or a folder with add_files")
    if not isinstance(source, str) or not source:
        raise InvalidInput(f"source is the name of a file in the knowledge base, got {source!r}")
    return _Run(store, store.loaders).index({source: path}, silent)


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

    def __init__(self, store: OpenedStore, loaders: Sequence[Loader]) -> None:
        self._store = store
        self._loaders = loaders
        self._settings = store.settings.loaders.model_dump_json()
        self._known = store.catalogue.sources()
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
            digest = file_digest(path)
        except OSError as error:
            self._problems.append(Problem(source=source, reason=str(error)))
            return
        signature = f"{self._settings}{_signature(loader)}"
        fingerprint = hashlib.sha256(f"{signature}\0{digest}".encode()).digest()
        if self._known.get(source) == fingerprint:
            self._unchanged_files += 1
            return
        yield from self._load(loader, path, source, fingerprint)

    def _load(
        self, loader: Loader, path: Path, source: str, fingerprint: bytes
    ) -> Iterator[Document]:
        keep: set[str] = set()
        problems: list[Problem] = []
        blank: list[Problem] = []
        try:
            for loaded in loader.load(path, source):
                if isinstance(loaded, Problem):
                    problems.append(loaded)
                    continue
                document = _of_source(loaded, source, loader)
                if document.id in keep:
                    reason = f"the id {document.id!r} stands there twice"
                    problems.append(Problem(source=source, reason=reason))
                elif not document.text.strip():
                    blank.append(Problem(source=document.id, reason="it holds no text"))
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
            blank.append(Problem(source=source, reason="it holds no documents"))
        self._problems += [*problems, *blank]
        if problems and not keep:
            return  # every row is bad: what an earlier version gave stays
        # A file with problems is read again next time, so that they are never forgotten.
        self._finished.append(
            FinishedSource(
                name=source,
                fingerprint=b"" if problems or blank else fingerprint,
                keep=frozenset(keep),
            )
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
    if isinstance(error, LoadError | InvalidDocument | OSError):
        return str(error).removeprefix(f"{source}: ")
    return f"its loader failed: {type(error).__name__}: {error}"


def _claimed_prefix(store: OpenedStore, path: Path, prefix: str | None, *, sync: bool) -> str:
    """Return what the files' names begin with, after seeing that it is this folder's own."""
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    stem = folder.name if prefix is None else prefix.strip("/")
    if sync and not (path.is_dir() and stem):
        raise InvalidInput(
            "sync (--sync) drops what is gone from a whole folder under its prefix; name a folder "
            f"and no empty prefix (got {str(path)!r} and {stem!r})"
        )
    with store.writing():
        claimed = store.catalogue.meta(f"prefix {stem}")
        if claimed is None:
            store.catalogue.set_meta(f"prefix {stem}", str(folder))
    if prefix is None and claimed not in {None, str(folder)}:
        raise InvalidInput(
            f"the names under {stem!r} come from {claimed}, not from {folder}: give this folder "
            "another prefix (--prefix), or the same one on purpose if it was moved"
        )
    return stem


def _named_files(path: Path, stem: str, root: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Return the files below ``path`` by their names, and those that are not to be read."""
    if not path.is_dir():
        return {"/".join(filter(None, (stem, path.name))): path}, []
    files: dict[str, Path] = {}
    problems: list[Problem] = []
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if any(part.startswith(".") for part in relative.parts):
            continue
        if file.resolve().is_relative_to(root.resolve()):
            continue  # the knowledge base itself lies in the folder
        source = "/".join(filter(None, (stem, relative.as_posix())))
        if file.is_symlink() and not file.resolve().is_relative_to(path.resolve()):
            reason = "a link that leads out of the folder is not followed"
            problems.append(Problem(source=source, reason=reason))
        elif file.is_file():
            files[source] = file
        elif not file.is_dir():
            reason = "it is no regular file (a device, a pipe, or a broken link)"
            problems.append(Problem(source=source, reason=reason))
    return files, problems
