"""One knowledge base is filled with the documents of another, which may be written to meanwhile.

Documents are compared by their fingerprints, so that a pass reads, cuts and embeds only those that
came or changed since the one before, and deletes those that are gone. Nothing is remembered between
passes but what both knowledge bases hold: after a kill the next pass goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rag_engine.errors import StoreCorrupt
from rag_engine.images.document_image import image_of
from rag_engine.images.image_store import IMAGES, ImageStore
from rag_engine.images.pictures import why_reserved
from rag_engine.ingest import add_batch, batches
from rag_engine.opening import OpenedStore
from rag_engine.records import AddReport, Document
from rag_engine.store.progress import OnStage
from rag_engine.store.recognised import CATALOGUE
from rag_engine.store.sqlite_database import open_reader

__all__ = ["COPYING", "CatchingUp", "count_newer"]

COPYING = "embedding documents"
"""The stage that progress is told of, in documents of the one that is copied."""

_PAGE = 1_000
"""Documents whose fingerprints are compared at a time."""
_PASSES = 10
_PREFIXES = "prefix "
"""What the keys begin with under which a knowledge base keeps where its files come from."""


class CatchingUp:
    """Brings what the knowledge base in the folder ``source`` holds into the one that is open.

    ``report`` tells what was written so far; close it at the end.
    """

    def __init__(self, source: Path, target: OpenedStore, on_stage: OnStage) -> None:
        self._source = source
        self._old = open_reader(source / CATALOGUE)
        self._pictures: ImageStore | None = None
        if (source / IMAGES).is_file():
            self._pictures = ImageStore(source / IMAGES, read_only=True)
        self._target = target
        self._on_stage = on_stage
        self._seen: int | None = None
        """The revision of the source that all was brought of."""
        self.report = AddReport()

    def close(self) -> None:
        """Close what is read; the target stays open."""
        self._old.close()
        if self._pictures is not None:
            self._pictures.close()

    def most(self) -> None:
        """Bring what there is, while others write, until nothing came during a pass.

        Where others write all the while, what came during the last pass is left for ``rest``.
        """
        for _ in range(_PASSES):
            if self._pass(last=False) == 0:
                return

    def rest(self) -> None:
        """Bring all that is left, while nobody writes, and what is known of files.

        Raises:
            StoreCorrupt: a document names a picture that is not there.
        """
        self._pass(last=True)
        catalogue = self._target.catalogue
        sources = self._old.sources()
        claims = self._old.metas(_PREFIXES)
        with self._target.writing():
            if sources != catalogue.sources():
                catalogue.replace_sources(sources)
            known = catalogue.metas(_PREFIXES)
            for key, claim in claims.items():
                if known.get(key) != claim:
                    catalogue.set_meta(key, claim)

    def _pass(self, *, last: bool) -> int:
        """Bring what changed since the pass before; return how many documents that were."""
        revision = self._old.revision()
        if revision == self._seen:
            return 0
        catalogue = self._target.catalogue
        names = self._old.document_ids()
        gone = sorted(set(catalogue.document_ids()).difference(names))
        before = self.report
        if gone:
            with self._target.writing():
                self.report += AddReport(deleted=len(catalogue.delete(gone)))
        left_out = 0
        for batch in batches(self._changed(names)):
            with self._target.writing():
                ready, missing = self._with_pictures(batch)
                if missing and last:
                    raise StoreCorrupt(
                        f"document {missing[0].id!r:.80} names a picture that is not there; "
                        f"`rag-engine check --repair --kb {self._source}` says which, then do it "
                        "again"
                    )
                left_out += len(missing)
                self.report += add_batch(ready, self._target, on_stage=self._on_stage)
        self._on_stage(COPYING, len(names), len(names))
        if not left_out:
            self._seen = revision
        written = self.report.added + self.report.updated + self.report.deleted
        return written + left_out - (before.added + before.updated + before.deleted)

    def _changed(self, names: list[str]) -> Iterator[Document]:
        """Yield the documents that the target lacks or has otherwise, and tell how far it is."""
        for start in range(0, len(names), _PAGE):
            page = names[start : start + _PAGE]
            theirs = self._old.fingerprints(page)
            ours = self._target.catalogue.fingerprints(page)
            for place, name in enumerate(page, start):
                # One that is gone since the names were read is deleted by the next pass.
                if name not in theirs or theirs[name] == ours.get(name):
                    continue
                document = self._old.document(name)
                if document is not None and document.id == name:
                    self._on_stage(COPYING, place, len(names))
                    yield document

    def _with_pictures(self, batch: list[Document]) -> tuple[list[Document], list[Document]]:
        """Copy the pictures that documents name; return those that can come now, and the others."""
        self._bring_pictures(batch)
        sides: tuple[list[Document], list[Document]] = [], []
        for document in batch:
            sides[why_reserved(document, self._target.pictures) is not None].append(document)
        return sides

    def _bring_pictures(self, batch: list[Document]) -> None:
        pictures = self._target.pictures
        named = {name for document in batch if (name := image_of(document.metadata)) is not None}
        if not named or pictures is None or self._pictures is None:
            return
        if pictures.store.identity != self._pictures.identity:
            # Files are read again for another one, and are not to be.
            pictures.store.set_meta("identity", self._pictures.identity)
        missing = pictures.store.missing(named)
        if missing:
            pictures.store.add(self._pictures.stored(missing))


def count_newer(one: Path, other: Path) -> AddReport:
    """Count what a knowledge base holds that another one does not, or otherwise, or holds no more.

    ``added`` and ``updated`` are documents of ``one``, ``deleted`` are those that only ``other``
    has.
    """
    readers = [open_reader(folder / CATALOGUE) for folder in (one, other)]
    try:
        ours, theirs = readers
        names = ours.document_ids()
        there = set(theirs.document_ids())
        report = AddReport(deleted=len(there.difference(names)))
        for start in range(0, len(names), _PAGE):
            page = names[start : start + _PAGE]
            prints, known = ours.fingerprints(page), theirs.fingerprints(page)
            changed = [name for name in page if prints.get(name) != known.get(name)]
            added = sum(name not in known for name in changed)
            report += AddReport(added=added, updated=len(changed) - added)
        return replace(report, unchanged=len(names) - report.added - report.updated)
    finally:
        for reader in readers:
            reader.close()
