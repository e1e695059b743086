"""Keeps what is searched in step with the catalogue.

``Index.view`` shows the newest published generation plus a replay of what the catalogue holds after
it. A few changes are replayed into a small live segment in memory; many are reason to build
a new generation, which also estimates the calibration anew, looks for translation twins and leaves
out what was deleted. A language that is new to the corpus is calibrated with the live segment. Of
few chunks all of that is done at once, in memory.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import numpy as np

from rag_engine.calibration.calibration import calibration_version
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace
from rag_engine.errors import StorageFailed, StoreCorrupt, StoreLocked
from rag_engine.ports import DenseIndexFactory, Int64Array, LexicalIndexFactory
from rag_engine.store import generation as generations
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.digests import CHUNKS, chunk_digest
from rag_engine.store.failures import DOCUMENTS_KEPT, caller_stage, storage
from rag_engine.store.generation import Generation, Manifest
from rag_engine.store.index_builder import IndexBuilder
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.publishing import Publishing
from rag_engine.store.row_codec import IndexRow
from rag_engine.store.snapshot import Snapshot
from rag_engine.store.view import View, ViewOutdated

__all__ = ["Index"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LIVE_CHUNKS = 1_000
_LIVE_SHARE = 0.1
"""So many chunks, or this share of the sealed ones, come (and perhaps go), then all is rebuilt; it
is before if there were fewer: what is estimated of five passages says little of a thousand."""
_FEW = 50
"""So few chunks are built anew, in memory, whatever came or went: it takes as long as a search, and
each of them changes what is estimated of all, and may be a translation of another."""
_SMALL = 20_000
"""A generation of fewer chunks is built in seconds: whatever changed is reason to."""
_TAIL_SHARE = 0.01
_TAIL_CHUNKS = 5_000
"""So many chunks, or this share of a large generation, are left to be replayed on opening: half a
second at most, where building a million chunks anew takes a quarter of an hour."""
_VIEWS = 3
"""What is read anew because passages vanished meanwhile is read from so many views at most."""


class Index:
    """The searchable side of one knowledge base; safe to share between threads."""

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        *,
        dimension: int,
        dense: DenseIndexFactory,
        lexical: LexicalIndexFactory,
        prior: LanguagePrior | None,
        token_space: TokenSpace | None,
        fair: bool,
        publishing: Publishing,
    ) -> None:
        """Open the current generation; who may publish builds a damaged or unreadable one anew.

        Raises:
            StoreCorrupt: the generation is damaged, and another process has to mend it.
            StorageFailed: it can not be read, and another process has to mend it.
        """
        self._root = root
        self._catalogue = catalogue
        self._dense = dense.bind(root, catalogue.fields)
        self._lexical = lexical.bind(root)
        self._builder = IndexBuilder(
            dimension=dimension,
            dense=self._dense,
            lexical=self._lexical,
            prior=prior,
            token_space=token_space,
            fair=fair,
        )
        self._fair = fair
        self._publishing = publishing
        self._lock = threading.RLock()
        self._live_rows: list[IndexRow] = []
        self._manifest: Manifest | None = None
        self._generation: Generation | None = None
        self._snapshot: Snapshot | None = None
        self._patience = 1
        try:
            self._open_published()
        except (StoreCorrupt, StorageFailed) as error:
            if publishing.others_publish and not publishing.is_cache:
                raise
            logger.warning("%s; building the index anew from the catalogue", error)
            self._renew()

    def snapshot(self) -> Snapshot:
        """Return the state of the catalogue's latest revision, ready to be searched."""
        current = self._snapshot
        if current is not None and current.revision == self._catalogue.revision():
            return current
        with self._lock:
            return self._catch_up(self._catalogue.revision())

    def view(self) -> View:
        """Return a view of the catalogue's latest revision."""
        return View(self.snapshot(), self._catalogue)

    def read(self, work: Callable[[View], T]) -> T:
        """Do some work that reads one revision, and return its result.

        Where passages of the revision are deleted or replaced before they were read, the work is
        done anew on the next revision: what was replaced is found again. The last time, in a
        knowledge base that changes all the while, what vanishes is left out.
        """
        for _ in range(_VIEWS - 1):
            try:
                return work(self.view())
            except ViewOutdated:
                continue
        return work(self.view().without_vanished())

    def publish(self, on_stage: OnStage = silent) -> Manifest:
        """Build a generation of the catalogue's latest revision and make it the current one.

        Interrupted, it leaves the one before, and all that the catalogue holds. Where another
        process is publishing, this waits for it, and builds nothing if nothing is left to do.

        Raises:
            StorageFailed: it can not be written. It is searched all the same, and published when
                that is asked for again, or when this is closed.
            StoreLocked: another process has been building it for an hour.
        """
        with self._lock, self._publishing.turn(wait=True) as mine:
            if not mine and not self._publishing.is_cache:
                raise AssertionError("a reader does not publish")
            if not mine:
                raise StoreLocked(
                    f"{self._root}: another process has been building the index for very long; "
                    "what was written is kept and found; end that process, or wait for it"
                )
            if self._adopts_newer() and self._manifest is not None and self.is_published():
                return self._manifest
            return self._publish(on_stage)

    def _publish(self, on_stage: OnStage = silent) -> Manifest:
        """Build a generation and publish it, in this process's turn."""
        with caller_stage(on_stage) as told, self._building():
            self._adopt(self._builder.generation(self._catalogue, told))
            assert self._generation is not None
            # It is searched from now on, whether or not it can be kept on disk.
            self._manifest = generations.publish(
                self._root, self._generation, self._dense, self._lexical
            )
        self._forget_tombstones(self._manifest.revision)
        self._collect_garbage()
        return self._manifest

    def _building(self) -> AbstractContextManager[None]:
        return storage("building the index", self._root, kept=DOCUMENTS_KEPT)

    def _forget_tombstones(self, revision: int) -> None:
        """Drop needless tombstones; what is left of them the next publication drops."""
        if self._catalogue.read_only:
            return
        try:
            self._catalogue.forget_tombstones(published=revision)
        except StorageFailed as error:
            logger.warning("the index is published, and its old tombstones stay: %s", error)

    def _collect_garbage(self) -> None:
        """Remove what generations before this one left in a service."""
        assert self._generation is not None
        self._dense.collect_garbage(self._generation.segment.dense)
        self._lexical.collect_garbage(self._generation.segment.lexical)

    def factories(self, _: object) -> tuple[DenseIndexFactory, LexicalIndexFactory]:
        """Return what loads the indexes."""
        return self._dense, self._lexical

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of the generation on disk, if one was published."""
        return self._manifest

    def is_published(self) -> bool:
        """Tell whether the generation on disk holds everything that the catalogue holds."""
        return (
            self._manifest is not None
            and self._catalogue.changes_after(self._manifest.revision) == 0
        )

    def is_due(self) -> bool:
        """Tell whether so much changed since the generation on disk that a new one is worth it.

        A few changes to a large one are not: whoever opens it replays them. Until the next one is
        built, the index files keep what was deleted, and new passages have no translation twins
        (but among few, see ``_FEW``).
        """
        if self._manifest is None:
            return True
        sealed = self._manifest.chunks
        left = 0 if sealed < _SMALL else min(_TAIL_CHUNKS, int(_TAIL_SHARE * sealed))
        return self._catalogue.changes_after(self._manifest.revision) > left

    def _open_published(self) -> None:
        with storage("reading the index", self._root):
            self._open_newest()

    def _open_newest(self) -> None:
        for attempt in range(5):
            manifest = generations.read_manifest(self._root)
            if manifest is None or manifest == self._manifest or not self._is_ours(manifest):
                return
            try:
                opened = generations.load(self._root, manifest, self._dense, self._lexical)
            except (StoreCorrupt, OSError):
                # A writer may have put a newer generation in place while this one was read.
                if attempt == 4 or generations.read_manifest(self._root) == manifest:
                    raise
                continue
            if opened.revision > self._catalogue.revision():
                raise StoreCorrupt(
                    f"{self._root}: the index is of revision {opened.revision}, the catalogue of "
                    f"revision {self._catalogue.revision()}; they are not of one moment"
                )
            self._compare(opened)
            self._manifest = manifest
            self._adopt(opened)
            if not self._publishing.others_publish:
                self._collect_garbage()
            return

    def _adopts_newer(self) -> bool:
        """Open what another process published since, where one may; tell whether there was any."""
        before = self._manifest
        if self._publishing.others_publish:  # at once where it is open already
            try:
                self._open_published()
            except (StoreCorrupt, StorageFailed) as error:
                if not self._publishing.is_cache:
                    raise
                logger.warning("%s; going on without it", error)
        return self._manifest != before

    def _is_ours(self, manifest: Manifest) -> bool:
        """Tell whether a generation is of the kinds wanted now; another is built anew."""
        if manifest.catalogue is None:  # by version 0.3 or before
            return False
        wanted = (self._dense.kind, self._lexical.kind, calibration_version(enabled=self._fair))
        empty = manifest.chunks == 0  # nothing to calibrate by
        calibration = wanted[2] if empty else manifest.calibration
        return (manifest.dense, manifest.lexical, calibration) == wanted

    def _compare(self, generation: Generation) -> None:
        """See that a generation and the catalogue are of one knowledge base and one history.

        Raises:
            StoreCorrupt: one of them holds a passage that the other does not, or another one.
        """
        with self._catalogue.frozen() as catalogue:
            after = generation.revision
            if catalogue.forgotten() <= after:
                deleted, added = catalogue.deleted_after(after), catalogue.chunks_after(after)
                self._check_same(catalogue, generation, deleted, added)

    def _check_same(
        self,
        catalogue: CatalogueReader,
        generation: Generation,
        deleted: tuple[Int64Array, Int64Array],
        added: tuple[Int64Array, Int64Array],
    ) -> None:
        """Compare what the catalogue holds with a generation and what came and went since.

        ``deleted`` and ``added`` are ids and checksums of chunks.
        """
        _, sealed = generation.segment.passages.rows_of(deleted[0])
        found = (
            generation.catalogue
            - chunk_digest(deleted[0][sealed], deleted[1][sealed])
            + chunk_digest(*added)
        )
        if found != catalogue.digest(CHUNKS):
            raise StoreCorrupt(
                f"{self._root}: the index and the catalogue hold different passages; a writer "
                "builds the index anew (rag-engine compact); if that fails, `rag-engine check` "
                "says what is damaged"
            )

    def _adopt(self, generation: Generation) -> None:
        self._generation = generation
        self._live_rows = []
        self._snapshot = None

    def _catch_up(self, revision: int) -> Snapshot:
        if self._snapshot is not None and self._snapshot.revision >= revision:
            return self._snapshot
        while True:
            generation = self._current_generation()
            seen = self._snapshot.revision if self._snapshot is not None else generation.revision
            with self._catalogue.frozen() as catalogue:
                if catalogue.forgotten() <= generation.revision:
                    revision = catalogue.revision()
                    departed = catalogue.deleted_after(generation.revision)
                    deleted, gone = departed[0], set(departed[0].tolist())
                    rows = [*self._live_rows, *catalogue.index_rows(after=seen)]
                    live_rows = [row for row in rows if row.id not in gone]
                    self._check_same(catalogue, generation, departed, _columns(live_rows))
                    break
            # A writer published meanwhile and forgot tombstones that this generation needs.
            self._generation = self._snapshot = None
        self._live_rows = live_rows
        # What came and went since is in no segment; kept, it would slow down every search.
        deleted = np.intersect1d(deleted, generation.segment.passages.ids, assume_unique=True)
        segments = [generation.segment] if len(generation.segment) else []
        calibration = generation.calibration
        if self._live_rows:
            live, calibration = self._builder.live_segment(self._live_rows, calibration)
            segments.append(live)
        self._snapshot = Snapshot(
            revision=revision,
            calibration=calibration,
            segments=tuple(segments),
            deleted=deleted,
            twins=generation.twins,
        )
        return self._snapshot

    def _current_generation(self) -> Generation:
        self._adopts_newer()
        if self._generation is None or self._is_far_behind():
            self._renew()
        elif self._is_small_and_changed():
            self._adopt(self._builder.generation(self._catalogue, in_memory=True))
        assert self._generation is not None
        return self._generation

    def _is_small_and_changed(self) -> bool:
        """Tell whether other passages are to be searched than were sealed, and few of them."""
        assert self._generation is not None
        sealed, digest = self._generation, self._catalogue.digest(CHUNKS)
        return (
            max(len(sealed.segment), digest.rows) <= _FEW
            and digest != sealed.catalogue
            and self._catalogue.forgotten() <= sealed.revision
        )

    def _renew(self) -> None:
        """Build a generation to search now; a search does not fail because none can be written.

        Where that is so, what came since is replayed onto the one before, or all is held in memory.
        """
        try:
            # Who has nothing to search yet waits for one that is being built beside.
            with self._publishing.turn(wait=self._generation is None) as mine:
                if not mine:
                    with self._building():
                        self._adopt(self._builder.generation(self._catalogue))
                elif not self._adopts_newer() or self._is_far_behind():
                    self._publish()
            self._patience = 1
        except StorageFailed as error:
            logger.warning("%s", error)
            self._patience *= 2
            if self._generation is None:
                self._adopt(self._builder.generation(self._catalogue, in_memory=True))

    def _is_far_behind(self) -> bool:
        """Tell whether so much is replayed that it is time to build a generation.

        Passages that came and went count as well: documents that are replaced again and again
        would otherwise leave tombstones without end, as only a new generation forgets them. Where
        building failed it is tried again when twice as much has come, not in every search.
        """
        assert self._generation is not None
        revision, sealed = self._generation.revision, self._generation.segment.passages.ids
        gone = self._catalogue.tombstones(after=revision)
        passed = int((gone > (sealed[-1] if len(sealed) else 0)).sum())
        pending = self._catalogue.count_after(revision) + passed
        most = max(min(_LIVE_CHUNKS, len(sealed)), _LIVE_SHARE * len(sealed))
        return pending > self._patience * max(_FEW, most)


def _columns(rows: Sequence[IndexRow]) -> tuple[Int64Array, Int64Array]:
    """Return the ids and the checksums of rows, ``(n,)`` each."""
    return (
        np.array([row.id for row in rows], dtype=np.int64),
        np.array([row.checksum for row in rows], dtype=np.int64),
    )
