"""A view: one revision of a knowledge base, as whoever asks it something sees it.

A snapshot lies in memory and never changes; the catalogue goes on changing beside it. No lock and
no long transaction holds the catalogue still (a writer would wait for every question), and none is
needed: the rows of a revision never change, ids are never given twice, so a row of it is there as
it was, or it is gone, because its document was deleted or replaced. A view notices that, and says
so in one way, ``ViewOutdated``. ``Index.read`` then does the work once more, on a new view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rag_engine.file_names import any_spelling
from rag_engine.filters import Filter, check_filter
from rag_engine.ports import IdSelector, Int64Array
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.catalogue_records import FoundChunk
from rag_engine.store.snapshot import Snapshot
from rag_engine.store.token_vectors import ChunkTokens, TokenCode

__all__ = ["View", "ViewOutdated"]


class ViewOutdated(Exception):
    """The catalogue went on, and holds no more what a view of it has to show."""


@dataclass(frozen=True, slots=True)
class View:
    """A snapshot, and what the catalogue holds of its passages.

    A view that is ``lenient`` does not raise ``ViewOutdated``: it leaves out what is gone.
    """

    snapshot: Snapshot
    _catalogue: CatalogueReader
    lenient: bool = False

    def without_vanished(self) -> View:
        """Return the same view, which leaves out what is gone."""
        return replace(self, lenient=True)

    def chunks(self, ids: Sequence[int]) -> dict[int, FoundChunk]:
        """Return the passages among ``ids`` that are of this revision, with their documents.

        Raises:
            ViewOutdated: one of them is gone.
            StoreCorrupt: one of them is gone, and was not deleted.
        """
        chunks = self._catalogue.chunks(ids)
        if len(chunks) < len(ids):
            missing = np.array([chunk for chunk in ids if chunk not in chunks], dtype=np.int64)
            missing = missing[self._holds(missing)]
            if len(missing):
                self._catalogue.check_deleted(missing, since=self.snapshot.revision)
                if not self.lenient:
                    raise ViewOutdated
        return chunks

    def token_vectors(self, ids: Sequence[int], code: TokenCode) -> ChunkTokens:
        """Return the token vectors of the passages of ``ids`` that have some, in their order.

        Raises:
            ViewOutdated: one of them is gone.
            StoreCorrupt: one of them is gone, and was not deleted.
        """
        tokens = self._catalogue.token_vectors(ids, code)
        if len(tokens.ids) < len(ids):
            there = set(tokens.ids.tolist())
            self.chunks([chunk for chunk in ids if chunk not in there])
        return tokens

    def matching(self, where: Filter | None) -> IdSelector | None:
        """Return which passages a filter lets through; None lets all of them.

        Raises:
            InvalidFilter: it is no filter.
            ViewOutdated: the catalogue changed since this revision.
        """
        check_filter(where)
        if where is None:
            return None
        ids = self._catalogue.matching(where)
        if self._is_behind():
            if not self.lenient:
                raise ViewOutdated
            ids = ids[self._holds(ids)]
        return IdSelector(ids, where=any_spelling(where))

    def documents_of_chunks(self) -> dict[int, str]:
        """Return the document id of every passage.

        Raises:
            ViewOutdated: the catalogue changed since this revision.
        """
        documents = self._catalogue.documents_of_chunks()
        if self._is_behind() and not self.lenient:
            raise ViewOutdated
        return documents

    def shown(self, ids: Int64Array) -> npt.NDArray[np.bool_]:
        """Tell for each id whether its passage is of this revision, and not deleted."""
        return self._holds(ids)

    def _is_behind(self) -> bool:
        return self._catalogue.revision() != self.snapshot.revision

    def _holds(self, ids: Int64Array) -> npt.NDArray[np.bool_]:
        """Tell for each id whether it is of a passage of this revision, ``(n,)``."""
        held: npt.NDArray[np.bool_] = self.snapshot.language_codes(ids) >= 0
        return held & ~np.isin(ids, self.snapshot.deleted)
