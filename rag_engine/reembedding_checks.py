"""What keeps a knowledge base from being embedded anew, told before it costs anything."""

from __future__ import annotations

import shutil
from pathlib import Path

from rag_engine.components import Components
from rag_engine.errors import SettingsError, StorageFailed, StoreError
from rag_engine.images.image_store import IMAGES, ImageStore
from rag_engine.store.failures import UNCHANGED, storage

__all__ = ["check_free", "check_pictures", "check_room"]


def check_free(folder: Path, what: str) -> None:
    """Refuse to begin where a folder, which is ``what``, is in the way.

    Raises:
        StoreError: it is there.
    """
    if folder.exists():
        raise StoreError(
            f"{folder} is there ({what}); delete it when you are sure that you do not need it "
            f"(rm -r {folder}), then do it again"
        )


def check_pictures(root: Path, parts: Components) -> None:
    """Refuse another model for the pictures than the one that they were embedded with.

    Raises:
        SettingsError: the settings name another one, or none.
    """
    if not (root / IMAGES).is_file():
        return
    pictures = ImageStore(root / IMAGES, read_only=True)
    try:
        given = None if parts.images is None else parts.images.contract.as_dict()
        if given != pictures.contract:
            named = "none" if given is None else repr(given.get("model"))
            raise SettingsError(
                f"{root} keeps pictures that images.model = {pictures.contract.get('model')!r} "
                f"embedded, and the new settings name {named}: pictures are copied, not embedded "
                "anew, for which their files are needed; name the same model (and weights), or "
                "index the files into a new knowledge base"
            )
    finally:
        pictures.close()


def check_room(root: Path, target: Path) -> None:
    """Refuse to begin what clearly has no room: half of what the old one takes.

    Raises:
        StorageFailed: the disk lacks it.
    """
    with storage("re-embedding", root):
        wanted = _bytes(root) // 2 - _bytes(target)
        free = shutil.disk_usage(root.parent).free
    if wanted > free:
        raise StorageFailed(
            "re-embedding",
            cause=f"{root.parent} has room for {free / 1e9:.2f} GB more, and a second knowledge "
            f"base beside {root.name} takes {wanted / 1e9:.2f} GB at least",
            reason="full",
            kept=UNCHANGED,
        )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
