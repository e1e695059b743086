"""Folders of prepared model files that survive crashes, damage and company.

A prepared folder is written beside its place under a lock, made durable, and renamed into place
with a manifest of sizes and SHA-256. Whoever opens it checks the manifest; a folder that does not
fit it is thrown away and prepared again. Large files are checked while they are opened already, and
before anything that was opened is handed out.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from rag_engine.store.files import file_digest, sync_folder, sync_tree

__all__ = ["MANIFEST", "cache_folder", "intact", "opened", "prepared"]

T = TypeVar("T")

MANIFEST = "manifest.json"
"""The file that says of every other one of a folder its size and SHA-256."""
_LARGE = 2**20
"""Files of more bytes hold numbers alone, which whoever reads them may find wrong and live."""


def cache_folder(folder: Path | None = None) -> Path:
    """Return where prepared models are kept.

    ``folder``, else the environment variable ``RAG_ENGINE_CACHE``, else ``rag-engine`` in the
    user's cache folder (``XDG_CACHE_HOME``, else ``~/.cache``; ``~/Library/Caches`` on macOS).
    """
    if folder is not None:
        return folder
    named = os.environ.get("RAG_ENGINE_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("rag-engine", appauthor=False)


def opened(folder: Path, prepare: Callable[[Path], None], read: Callable[[Path], T]) -> T:
    """Return what ``read`` makes of a folder that ``prepared`` would return.

    Files of more than a megabyte are checked beside ``read``: it must be able to read them whatever
    numbers they hold. Of a folder that turns out damaged nothing is returned: it is prepared, and
    read, once more.

    Raises:
        OSError: the folder can not be written; and what ``read`` raises of an intact one.
    """
    manifest = _manifest(folder)
    small = {name: entry for name, entry in manifest.items() if _is_small(entry)}
    if manifest and _fits(folder, small):
        large = {name: entry for name, entry in manifest.items() if name not in small}
        with ThreadPoolExecutor(1) as beside:
            intact = beside.submit(_fits, folder, large)
            try:
                result = read(folder)
            except Exception:
                if intact.result():
                    raise
            else:
                if intact.result():
                    return result
    return read(prepared(folder, prepare))


def prepared(folder: Path, prepare: Callable[[Path], None]) -> Path:
    """Return ``folder`` with the files that ``prepare`` writes into the empty one it is given.

    They are prepared only when they are missing or damaged; of several processes one prepares
    and the others wait for it.

    Raises:
        OSError: the folder can not be written.
    """
    if intact(folder):
        return folder
    from filelock import FileLock  # takes time that a prepared model need not cost

    folder.parent.mkdir(parents=True, exist_ok=True)
    # The system lets go of the lock when its holder dies.
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not intact(folder):
            _replace(folder, prepare)
    return folder


def intact(folder: Path) -> bool:
    """Tell whether every file is there, and is what the manifest says."""
    manifest = _manifest(folder)
    return bool(manifest) and _fits(folder, manifest)


def _manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest says of each file; nothing where it can not be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _is_small(entry: object) -> bool:
    size = entry.get("size") if isinstance(entry, dict) else None
    return not (isinstance(size, int) and size > _LARGE)


def _fits(folder: Path, entries: dict[str, Any]) -> bool:
    """Tell whether files are what a manifest's entries say."""
    try:
        return all(
            (folder / name).stat().st_size == it["size"] for name, it in entries.items()
        ) and all(file_digest(folder / name) == it["sha256"] for name, it in entries.items())
    except (OSError, TypeError, KeyError):
        return False


def _replace(folder: Path, prepare: Callable[[Path], None]) -> None:
    """Prepare aside, then take the place of whatever stands there; the lock is held."""
    for leftover in folder.parent.glob(f"{folder.name}.tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.tmp-", dir=folder.parent))
    try:
        prepare(aside)
        _seal(aside)
        if folder.exists():
            folder.rename(aside.with_name(f"{aside.name}-damaged"))
        aside.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(aside.with_name(f"{aside.name}-damaged"), ignore_errors=True)


def _seal(folder: Path) -> None:
    """Make the files durable and state them in the manifest."""
    files = sorted(folder.iterdir())
    manifest = {
        file.name: {"size": file.stat().st_size, "sha256": file_digest(file)} for file in files
    }
    text = json.dumps(manifest, indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    sync_tree(folder)
