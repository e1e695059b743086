"""``rag-engine index``: a folder of files becomes (part of) a knowledge base.

Files are taken in sorted order. An unchanged file is not read again; a changed one replaces its
documents; a bad one is reported and never stops the others. A killed or interrupted run goes on
where it stopped when the same command is given again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag_engine.errors import InvalidDocument, InvalidInput, LoadError
from rag_engine.ingest import BATCH_CHARACTERS, BATCH_DOCUMENTS
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.ports import Loader
from rag_engine.records import AddReport, Document, Problem
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.files import file_digest

__all__ = ["IndexReport", "index_file", "index_path", "report_outcome"]


@dataclass(kw_only=True)
class IndexReport:
    """What one run did. ``files`` counts those found; documents and chunks those written."""

    files: int = 0
    unchanged_files: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    chunks: int = 0
    skipped: list[Problem] = field(default_factory=list)
    """Files of a kind that no loader reads."""
    problems: list[Problem] = field(default_factory=list)
    """Files and rows that could not be read."""

    def count(self, added: AddReport) -> None:
        """Add what one batch did."""
        self.added += added.added
        self.updated += added.updated
        self.unchanged += added.unchanged
        self.chunks += added.chunks


class _Batcher:
    """Gathers documents over many files, so that the embedder always has enough to do."""

    def __init__(self, kb: KnowledgeBase, report: IndexReport) -> None:
        self._kb = kb
        self._report = report
        self._documents: list[Document] = []
        self._characters = 0
        self._begun: list[str] = []
        self._finished: list[FinishedSource] = []

    def add(self, document: Document) -> None:
        self._documents.append(document)
        self._characters += len(document.text)
        full = self._characters > BATCH_CHARACTERS or len(self._documents) >= BATCH_DOCUMENTS
        if full:
            self.flush()

    def begin(self, source: str) -> None:
        self._begun.append(source)

    def finish(self, source: FinishedSource) -> None:
        self._finished.append(source)

    def flush(self) -> None:
        if self._begun:
            # Durable before the first document: a source that is left half-way is known as such.
            self._kb.begin_sources(self._begun)
            self._begun = []
        if self._documents:
            self._report.count(self._kb.add(self._documents))
            self._documents, self._characters = [], 0
        if self._finished:
            self._report.deleted += len(self._kb.finish_sources(self._finished))
            self._finished = []


def index_path(
    kb: KnowledgeBase,
    path: Path,
    loaders: Sequence[Loader],
    *,
    prefix: str | None = None,
    sync: bool = False,
    loader_signature: str = "",
) -> IndexReport:
    """Index a folder, or one file, into an open knowledge base.

    A file's name in the knowledge base is ``prefix/path/in/the/folder``; the prefix is the
    folder's own name by default, so that two folders do not overwrite each other's files. With
    ``sync``, files under the prefix that are no longer in the folder are dropped.
    ``loader_signature`` stands for the loaders' settings: another one means reading files anew.

    Raises:
        InvalidInput: the path does not exist; the prefix by default belongs to another folder
            already; or ``sync`` with a single file or without a prefix.
    """
    if not path.exists():
        raise InvalidInput(f"{path} does not exist; name a folder or a file to index")
    stem = _claimed_prefix(kb, path, prefix, sync=sync)
    report = IndexReport()
    files = dict(_named_files(path, stem, kb.path, report))
    known = kb.sources()
    batcher = _Batcher(kb, report)
    report.files = len(files)
    with Bar("indexing", len(files), "file") as bar:
        for source, file in bar.each(files.items()):
            _index_one(file, source, loaders, loader_signature, known, batcher, report)
    batcher.flush()
    if sync:
        for source in sorted(set(kb.sources()) - set(files)):
            if source.startswith(f"{stem}/"):
                report.deleted += len(kb.delete_source(source))
    with Bar() as bar:
        kb.publish(only_if_due=True, on_stage=bar.stage)
    return report


def index_file(
    kb: KnowledgeBase,
    file: Path,
    source: str,
    loaders: Sequence[Loader],
    *,
    loader_signature: str = "",
) -> IndexReport:
    """Index one file under the name ``source``, wherever it lies; the index is not published.

    Example::

        index_file(kb, Path("/tmp/upload.pdf"), "manuals/pump.pdf", loaders)
    """
    report = IndexReport(files=1)
    batcher = _Batcher(kb, report)
    _index_one(file, source, loaders, loader_signature, kb.sources(), batcher, report)
    batcher.flush()
    return report


def _index_one(
    file: Path,
    source: str,
    loaders: Sequence[Loader],
    loader_signature: str,
    known: Mapping[str, bytes],
    batcher: _Batcher,
    report: IndexReport,
) -> None:
    """Read a file into documents, unless it is known as it is."""
    loader = next((each for each in loaders if file.suffix.lower() in each.suffixes), None)
    if loader is None:
        reason = f"no loader reads {file.suffix or 'files without an ending'}"
        report.skipped.append(Problem(source=source, reason=reason))
        return
    try:
        digest = file_digest(file)
    except OSError as error:
        report.problems.append(Problem(source=source, reason=str(error)))
        return
    fingerprint = hashlib.sha256(f"{loader_signature}\0{digest}".encode()).digest()
    if known.get(source) == fingerprint:
        report.unchanged_files += 1
        return
    _load_file(file, source, loader, fingerprint, batcher, report)


def _load_file(
    file: Path,
    source: str,
    loader: Loader,
    fingerprint: bytes,
    batcher: _Batcher,
    report: IndexReport,
) -> None:
    keep: set[str] = set()
    problems: list[Problem] = []
    blank: list[Problem] = []
    try:
        for loaded in loader.load(file, source):
            if isinstance(loaded, Problem):
                problems.append(loaded)
            elif loaded.id in keep:
                problems.append(
                    Problem(source=source, reason=f"the id {loaded.id!r} stands there twice")
                )
            elif not loaded.text.strip():
                blank.append(Problem(source=loaded.id, reason="it holds no text"))
            else:
                if not keep:
                    batcher.begin(source)
                keep.add(loaded.id)
                batcher.add(loaded)
    except (LoadError, InvalidDocument, OSError) as error:
        # What an earlier version gave stays until the file can be read again, or is gone.
        reason = str(error).removeprefix(f"{source}: ")
        report.problems += [*problems, Problem(source=source, reason=reason)]
        return
    if not (keep or problems or blank):
        blank.append(Problem(source=source, reason="it holds no documents"))
    report.problems += [*problems, *blank]
    if problems and not keep:
        return  # every row is bad: what an earlier version gave stays
    # A file with problems is read again next time, so that they are never forgotten.
    batcher.finish(
        FinishedSource(
            name=source, fingerprint=b"" if problems or blank else fingerprint, keep=frozenset(keep)
        )
    )


def _claimed_prefix(kb: KnowledgeBase, path: Path, prefix: str | None, *, sync: bool) -> str:
    """Return what the files' names begin with, after seeing that it is this folder's own."""
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    stem = folder.name if prefix is None else prefix.strip("/")
    if sync and not (path.is_dir() and stem):
        raise InvalidInput(
            "--sync drops what is gone from a whole folder under its prefix; name a folder and no "
            f"empty prefix (got {str(path)!r} and {stem!r})"
        )
    claimed = kb.claim_prefix(stem, str(folder))
    if prefix is None and claimed != str(folder):
        raise InvalidInput(
            f"the names under {stem!r} come from {claimed}, not from {folder}: give this folder "
            "another --prefix, or the same one on purpose if it was moved"
        )
    return stem


def _named_files(
    path: Path, stem: str, kb_path: Path, report: IndexReport
) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield "/".join(filter(None, (stem, path.name))), path
        return
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if any(part.startswith(".") for part in relative.parts):
            continue
        if file.resolve().is_relative_to(kb_path.resolve()):
            continue  # the knowledge base itself lies in the folder
        source = "/".join(filter(None, (stem, relative.as_posix())))
        if file.is_symlink() and not file.resolve().is_relative_to(path.resolve()):
            reason = "a link that leads out of the folder is not followed"
            report.problems.append(Problem(source=source, reason=reason))
        elif file.is_file():
            yield source, file
        elif not file.is_dir():
            reason = "it is no regular file (a device, a pipe, or a broken link)"
            report.problems.append(Problem(source=source, reason=reason))


def report_outcome(report: IndexReport) -> Outcome:
    """Return what a run did, for printing."""
    skipped = [{"source": each.source, "reason": each.reason} for each in report.skipped]
    lines = [
        f"{report.files} files: {report.unchanged_files} unchanged, {len(report.skipped)} skipped",
        f"documents: {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.deleted} deleted; {report.chunks} chunks written",
        *(f"skipped: {each.source}: {each.reason}" for each in report.skipped),
    ]
    return Outcome(
        result={
            "files": report.files,
            "unchanged_files": report.unchanged_files,
            "added": report.added,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "deleted": report.deleted,
            "chunks": report.chunks,
            "skipped": skipped,
        },
        lines=lines,
        problems=report.problems,
    )
