"""Another embedder, chunking, fit or detector for a knowledge base that goes on being used.

What an index contract promises can not be changed in place: every vector would be another. So the
knowledge base is filled anew in a folder beside it, ``DIR.next``, from its own documents (no file
is read), while the old one answers and may be written to. The last changes are brought while nobody
writes; then the new one takes the old one's place, which stays as ``DIR.before``. ``go_back`` does
the same the other way, and brings along what came since. Killed anywhere, the same call goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rag_engine.catching_up import CatchingUp, count_newer
from rag_engine.components import Components, default_components, wait_for_embedder
from rag_engine.errors import (
    ContractMismatch,
    InvalidInput,
    StoreCorrupt,
    StoreError,
    StoreLocked,
    StoreNotFound,
)
from rag_engine.index_contract import components_to_open, contract_differences, contract_to_open
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.opening import OpenedStore, open_store
from rag_engine.own_parts import OwnParts
from rag_engine.ports import LanguageDetector
from rag_engine.records import AddReport
from rag_engine.reembedding_checks import check_free, check_pictures, check_room
from rag_engine.settings import Settings, read_stored
from rag_engine.store.exchange import LOCK, check_can_move, finish_exchange, take_place
from rag_engine.store.files import WriterLock
from rag_engine.store.lock_holder import lock_holder
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.recognised import (
    CATALOGUE,
    find_catalogue,
    is_knowledge_base,
    no_knowledge_base,
)
from rag_engine.store.sibling_folders import before_of, next_of
from rag_engine.store.sqlite_database import open_reader

__all__ = ["PLACING", "Build", "Judge", "ReembedReport", "go_back", "reembed"]

PLACING = "putting it in place"
"""The stage in which folders change places, in steps."""

Build = Callable[[Settings], Components]
"""Makes the parts that settings name."""
Judge = Callable[[KnowledgeBase, KnowledgeBase, LanguageDetector], bool]
"""Given the old and the new one, both to be asked, and what detects languages in the new one: says
whether the new one may take the old one's place."""

_STEPS = ("begun", "noted", "in place", "moved aside")
_SETTLED_S = 0.5
"""So long nobody may write after the exchange: whoever looked just before it whether what it reads
is still in its place has then begun to read, and finds no journal that belongs to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembedReport:
    """What was done: ``written`` is what this call embedded and deleted.

    ``documents`` and ``chunks`` count what the one that was filled holds. ``differing`` are the
    fields of the index contract that differ, each with the old and the new value. ``in_place``
    tells whether it is in its place now, ``beside`` where the other one is.
    """

    documents: int
    chunks: int
    written: AddReport
    differing: dict[str, tuple[object, object]] = field(default_factory=dict)
    in_place: bool
    beside: Path


def reembed(
    root: Path,
    settings: Settings | None = None,
    components: Build | None = None,
    *,
    flip: bool = True,
    judge: Judge | None = None,
    on_stage: OnStage = silent,
) -> ReembedReport:
    """Fill a new knowledge base by other ``settings`` from the one in ``root``, and put it there.

    Without ``settings`` an interrupted call goes on with those of then; where none was, those that
    the knowledge base keeps are meant, for one that another version built. Without ``flip`` it is
    filled and judged, and stays beside. ``judge`` is asked before anything changes places.

    Raises:
        InvalidInput: the settings need no other index, or there are none.
        SettingsError: they name another model for pictures.
        StoreNotFound: there is no knowledge base.
        StoreLocked: another process writes to it (when folders change places), or does the same.
        StoreError: the one before it is still there, or one that was begun by other settings.
        StorageFailed: there is no room for two.

    Example: ``reembed(Path("kb"), Settings.from_toml(Path("new.toml")))``
    """
    root = root.resolve()
    finish_exchange(root)
    target, before = next_of(root), before_of(root)
    stored = _stored(root)
    if settings is None:
        begun = is_knowledge_base(target)
        kept = _stored(target) if begun else stored
        settings = read_stored(kept["settings"], origin=str(target if begun else root))
    make = components or default_components
    parts = make(settings)
    wait_for_embedder(parts)
    differing = _differing(stored["contract"], parts, settings)
    if not differing:
        if is_knowledge_base(before):
            return _in_place(root, before)
        raise InvalidInput(
            f"{root} opens with these settings as it is, and nothing is to be embedded anew; name "
            "others with --settings TOML, or give these to the other commands"
        )
    check_free(before, f"what was in {root.name} before the last re-embedding")
    check_can_move(root)
    check_pictures(root, parts)
    check_room(root, target)

    def build(wanted: Settings) -> Components:
        return parts if wanted == settings else make(wanted)

    try:
        store = open_store(target, OwnParts(), settings, build, read_only=False, create=True)
    except ContractMismatch as error:
        raise StoreError(
            f"{target} was begun with other settings; go on with those (leave out --settings), or "
            f"delete it and begin anew (rm -r {target}): {error}"
        ) from error
    move = _Move(root=root, target=target, aside=before, store=store, on_stage=on_stage)
    with move:
        move.fill()
        if judge is not None and not move.judged(judge, components):
            flip = False
        if flip:
            move.put_in_place(settings)
        return move.report(differing, in_place=flip)


def go_back(
    root: Path,
    components: Build | None = None,
    *,
    lose_newer: bool = False,
    on_stage: OnStage = silent,
) -> ReembedReport:
    """Put the knowledge base back that was in ``root`` before; the newer one becomes ``DIR.next``.

    What was added, replaced and deleted since is brought along, with the old model. With
    ``lose_newer`` it is not, and no model is wanted; ``written`` then counts what is left behind.

    Raises:
        StoreNotFound: there is none to go back to.
        StoreLocked: another process writes to one of them.
        StoreError: there is something in the way of the newer one.

    Example: ``go_back(Path("kb"))``
    """
    root = root.resolve()
    finished = finish_exchange(root)
    target, aside = before_of(root), next_of(root)
    if not is_knowledge_base(target):
        if finished == "finished":
            return _in_place(root, aside)
        raise StoreNotFound(
            f"there is nothing to go back to: no knowledge base at {target}, which is where a "
            "re-embedding leaves the one before"
        )
    check_free(aside, "a re-embedding that was begun")
    check_can_move(root)
    if lose_newer:
        newer = count_newer(root, target)
        with _RightToWrite(root), _RightToWrite(target):
            _exchange(target, root, aside, on_stage)
        held = _counts(root)
        return ReembedReport(
            documents=held[0], chunks=held[1], written=newer, in_place=True, beside=aside
        )
    store = open_store(target, OwnParts(), None, components, read_only=False, create=False)
    move = _Move(root=root, target=target, aside=aside, store=store, on_stage=on_stage)
    with move:
        move.fill()
        move.put_in_place(None)
        return move.report({}, in_place=True)


class _RightToWrite:
    """The right to write to a knowledge base while folders change places."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        path = self._folder / LOCK
        try:
            self._lock = WriterLock(path)
        except StoreLocked as error:
            raise StoreLocked(
                f"{lock_holder(path)} is writing to {self._folder}: nobody may while another "
                "knowledge base takes its place; end it, then run the same command again, which "
                "goes on where this one was"
            ) from error

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class _Move:
    """A knowledge base on its way to another one's place."""

    def __init__(
        self, *, root: Path, target: Path, aside: Path, store: OpenedStore, on_stage: OnStage
    ) -> None:
        self._root, self._target, self._aside = root, target, aside
        self._store = store
        self._on_stage = on_stage
        self._held = 0, 0
        try:
            self._copy = CatchingUp(root, store, on_stage)
        except BaseException:
            store.close(publish=False)
            raise

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self._copy.close()
        self._store.close(publish=False)

    def fill(self) -> None:
        """Bring what there is, and build the index."""
        self._copy.most()
        self._store.publish(only_if_due=True, on_stage=self._on_stage)
        self._count()

    def _count(self) -> None:
        statistics = self._store.catalogue.statistics()
        self._held = statistics.documents, statistics.chunks

    def judged(self, judge: Judge, components: Build | None) -> bool:
        """Let both be asked, and return the judgement."""
        with KnowledgeBase.open(self._root, components=components, read_only=True) as old:
            return judge(old, KnowledgeBase(self._store), self._store.components.detector)

    def put_in_place(self, settings: Settings | None) -> None:
        """Bring the rest while nobody writes, and let the folders change places.

        ``settings`` are those that the knowledge base is opened with from then on.
        """
        with _RightToWrite(self._root):
            self._copy.rest()
            self._keep(settings)
            self._store.publish(only_if_due=True, on_stage=self._on_stage)
            self._count()
            self._close()
            with _RightToWrite(self._target):
                _exchange(self._target, self._root, self._aside, self._on_stage)

    def _keep(self, settings: Settings | None) -> None:
        catalogue = self._store.catalogue
        if settings is not None:
            data = settings.model_dump(mode="json")
            if catalogue.meta("settings") != data:
                with self._store.writing():
                    catalogue.set_meta("settings", data)

    def report(
        self, differing: dict[str, tuple[object, object]], *, in_place: bool
    ) -> ReembedReport:
        """Tell what was done."""
        documents, chunks = self._held
        return ReembedReport(
            documents=documents,
            chunks=chunks,
            written=self._copy.report,
            differing=differing,
            in_place=in_place,
            beside=self._aside if in_place else self._target,
        )


def _exchange(new: Path, root: Path, aside: Path, on_stage: OnStage) -> None:
    last = len(_STEPS) - 1
    on_stage(PLACING, 0, last)
    steps = iter(range(1, last + 1))
    take_place(new, root, aside, lambda _: on_stage(PLACING, next(steps), last))
    time.sleep(_SETTLED_S)


def _in_place(root: Path, beside: Path) -> ReembedReport:
    documents, chunks = _counts(root)
    return ReembedReport(
        documents=documents, chunks=chunks, written=AddReport(), in_place=True, beside=beside
    )


def _counts(root: Path) -> tuple[int, int]:
    reader = open_reader(root / CATALOGUE)
    try:
        statistics = reader.statistics()
    finally:
        reader.close()
    return statistics.documents, statistics.chunks


def _stored(root: Path) -> dict[str, object]:
    """Return the settings and the contract of a knowledge base."""
    path = find_catalogue(root)
    if path is None:
        raise no_knowledge_base(root)
    reader = open_reader(path)
    try:
        stored = {key: reader.meta(key) for key in ("settings", "contract")}
    finally:
        reader.close()
    if not isinstance(stored["contract"], dict):
        raise StoreCorrupt(f"{path} holds no index contract; it is damaged")
    return stored


def _differing(
    stored: object, parts: Components, settings: Settings
) -> dict[str, tuple[object, object]]:
    """Return what is promised otherwise by other settings; how tokens are kept is no reason."""
    given = contract_to_open(stored, components_to_open(stored, parts), settings)
    return contract_differences(stored, given)
