"""What of a knowledge base belongs to a folder: the names that begin with its prefix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rag_engine.errors import FolderEmpty, InvalidInput
from rag_engine.file_names import one_form, spellings
from rag_engine.folder_listing import Listing, shown_name
from rag_engine.opening import OpenedStore
from rag_engine.records import AddReport

__all__ = ["check_nothing_goes", "claimed_prefix", "gone_from"]


def claimed_prefix(
    store: OpenedStore, path: Path, prefix: str | None, *, folder: bool, sync: bool
) -> str:
    """Return what the files' names begin with, after seeing that it is this folder's own."""
    place = os.path.realpath(path if folder else path.parent)
    stem = one_form(shown_name(Path(place).name if prefix is None else prefix.strip("/")))
    if sync and not (folder and stem):
        raise InvalidInput(
            "sync (--sync) drops what is gone from a whole folder under its prefix; name a folder "
            f"and no empty prefix (got {str(path)!r} and {stem!r})"
        )
    with store.writing():
        claims = (store.catalogue.meta(f"prefix {form}") for form in (stem, *spellings(stem)))
        claimed = next((claim for claim in claims if claim is not None), None)
        if claimed is None:
            store.catalogue.set_meta(f"prefix {stem}", place)
    if prefix is None and claimed is not None and not _same_place(str(claimed), place):
        raise InvalidInput(
            f"the names under {stem!r} come from {claimed}, not from {place}: give this folder "
            "another prefix (--prefix), or the same one on purpose if it was moved"
        )
    return stem


def _same_place(claimed: str, place: str) -> bool:
    """Tell whether a folder is the one that claimed a prefix, be it by a name in another form."""
    if claimed == place or one_form(claimed) != one_form(place):
        return claimed == place
    return not os.path.lexists(claimed) or Path(claimed).samefile(place)


def gone_from(store: OpenedStore, listing: Listing, stem: str) -> list[str]:
    """Return the sources under a prefix whose files are gone."""
    names = store.catalogue.sources()
    return sorted(listing.gone(name for name in names if one_form(name).startswith(f"{stem}/")))


def check_nothing_goes(
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
