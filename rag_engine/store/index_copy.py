"""Copies the current generation of an index, which a writer may replace and remove meanwhile.

Its files never change, and one that is open can be read after its name is gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rag_engine.errors import StoreCorrupt
from rag_engine.store.generation import Manifest, check_files, read_manifest
from rag_engine.store.progress import OnStage

__all__ = ["MANIFEST", "OpenIndex", "open_index"]

MANIFEST = "manifest.json"
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """The files of one generation, open, by their names in its folder."""

    manifest: Manifest
    text: bytes
    files: Mapping[str, BinaryIO]

    @property
    def in_service(self) -> str | None:
        """What of it lies in a service, and so not in the files: a kind that names its service."""
        kinds = (self.manifest.dense, self.manifest.lexical)
        return next((kind for kind in kinds if " " in kind), None)

    def copy_to(self, root: Path, on_stage: OnStage) -> None:
        """Write the files and the manifest into a knowledge base, and verify them.

        Raises:
            StoreCorrupt: one is not what was written when the index was built.
        """
        folder = root / self.manifest.folder
        folder.mkdir(parents=True)
        total = sum(int(told["size"]) for told in self.manifest.files.values())
        done = 0
        on_stage("copying the index", 0, total)
        for name, file in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("xb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
                done += copy.tell()
            on_stage("copying the index", done, max(done, total))
        check_files(folder, self.manifest)
        (root / MANIFEST).write_bytes(self.text)


def open_index(root: Path, files: ExitStack) -> OpenIndex | None:
    """Open the current generation's files, to be closed with ``files``; None: there is none.

    Raises:
        StoreCorrupt: the manifest is damaged, or a file is missing.
        OSError: a file can not be opened.
    """
    for _ in range(_ATTEMPTS):
        try:
            text = (root / MANIFEST).read_bytes()
        except FileNotFoundError:
            return None
        manifest = read_manifest(root)
        if manifest is None or (root / MANIFEST).read_bytes() != text:
            continue
        with ExitStack() as opened:
            try:
                found = {
                    name: opened.enter_context((root / manifest.folder / name).open("rb"))
                    for name in manifest.files
                    if _is_inside(name)
                }
            except FileNotFoundError:
                continue  # a writer has published another one, or it is damaged
            files.enter_context(opened.pop_all())
            return OpenIndex(manifest, text, found)
    raise StoreCorrupt(f"{root}: files of the index are missing")


def _is_inside(name: str) -> bool:
    """Tell whether a name of a manifest is that of a file in the folder of its generation.

    >>> _is_inside("dense/index.faiss"), _is_inside("../catalogue.sqlite"), _is_inside("/etc/x")
    (True, False, False)
    """
    return not Path(name).is_absolute() and ".." not in Path(name).parts
