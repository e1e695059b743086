"""What can happen to the files of a knowledge base that nobody wrote to: bytes, pages, whole files.

``older`` and ``foreign`` are intact knowledge bases: the same at an earlier moment, and another.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CATALOGUE", "KINDS", "MANIFEST", "Scene", "is_of_catalogue"]

CATALOGUE = "catalogue.sqlite"
MANIFEST = "manifest.json"
_GENERATIONS = "generations"
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Scene:
    """A copy of a knowledge base that is to be damaged, and others to take files from."""

    root: Path
    older: Path
    foreign: Path
    drawn: random.Random

    def files(self) -> list[Path]:
        """The files that hold something, relative to the knowledge base."""
        found = (each.relative_to(self.root) for each in self.root.rglob("*") if each.is_file())
        return sorted(each for each in found if _holds_something(each))

    def draw_file(self) -> Path:
        """Draw one: as often the catalogue as any of the index; the manifest now and then."""
        chance = self.drawn.random()
        if chance < 0.5:
            return Path(CATALOGUE)
        if chance < 0.6:
            return Path(MANIFEST)
        others = [each for each in self.files() if each.name not in {CATALOGUE, MANIFEST}]
        return self.drawn.choice(others)


def _holds_something(name: Path) -> bool:
    # Tantivy leaves two empty files for its locks, the writer one.
    return name.suffix != ".lock"


def is_of_catalogue(what: str) -> bool:
    """Tell whether damage is to the catalogue, not to what is derived from it."""
    return CATALOGUE in what


def _flip(scene: Scene) -> str:
    name = scene.draw_file()
    data = bytearray((scene.root / name).read_bytes())
    if not data:
        data = bytearray(b"\0")
    place, bit = scene.drawn.randrange(len(data)), scene.drawn.randrange(8)
    data[place] ^= 1 << bit
    (scene.root / name).write_bytes(data)
    return f"bit {bit} of byte {place} of {name}"


def _flip_header(scene: Scene) -> str:
    """Damage what SQLite reads first: its header, and the page of the tables' names."""
    path = scene.root / CATALOGUE
    data = bytearray(path.read_bytes())
    place, bit = scene.drawn.randrange(100 if scene.drawn.random() < 0.5 else _PAGE), 0
    bit = scene.drawn.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"bit {bit} of byte {place} of {CATALOGUE}, in its first page"


def _truncate(scene: Scene) -> str:
    name = scene.draw_file()
    data = (scene.root / name).read_bytes()
    size = scene.drawn.randrange(len(data)) if data else 0
    if scene.drawn.random() < 0.5:  # where a file system would cut
        size -= size % _PAGE
    (scene.root / name).write_bytes(data[:size] if data else b"x")
    return f"{name} of {len(data)} bytes cut to {size}"


def _zero(scene: Scene) -> str:
    name = scene.draw_file()
    data = bytearray((scene.root / name).read_bytes())
    start = _PAGE * scene.drawn.randrange(-(-len(data) // _PAGE) or 1)
    end = min(len(data), start + _PAGE)
    zeroed = data[:start] + bytes(end - start) + data[end:]
    (scene.root / name).write_bytes(zeroed if zeroed != data else bytes(data) + b"\0")
    return f"bytes {start} to {end} of {name} zeroed"


def _misplace_page(scene: Scene) -> str:
    """Write a page of the catalogue over another one."""
    path = scene.root / CATALOGUE
    data = bytearray(path.read_bytes())
    one, other = scene.drawn.sample(range(len(data) // _PAGE), 2)
    data[other * _PAGE : (other + 1) * _PAGE] = data[one * _PAGE : (one + 1) * _PAGE]
    path.write_bytes(data)
    return f"page {one} of {CATALOGUE} written over page {other}"


def _lose_page(scene: Scene) -> str:
    """Bring back a page of the catalogue as it was: a write that never reached the disk."""
    path = scene.root / CATALOGUE
    data, before = bytearray(path.read_bytes()), (scene.older / CATALOGUE).read_bytes()
    changed = [
        page
        for page in range(min(len(data), len(before)) // _PAGE)
        if data[page * _PAGE : (page + 1) * _PAGE] != before[page * _PAGE : (page + 1) * _PAGE]
    ]
    page = scene.drawn.choice(changed)
    data[page * _PAGE : (page + 1) * _PAGE] = before[page * _PAGE : (page + 1) * _PAGE]
    path.write_bytes(data)
    return f"page {page} of {CATALOGUE} as it was before"


def _swap_file(scene: Scene) -> str:
    """Take one file from an older generation, or from another knowledge base."""
    name = scene.draw_file()
    other, of = scene.drawn.choice([(scene.older, "older"), (scene.foreign, "foreign")])
    if name.parts[0] != _GENERATIONS:
        shutil.copyfile(other / name, scene.root / name)
        return f"{name} of the {of} one"
    inside = name.relative_to(*name.parts[:1]).relative_to(name.parts[1])
    candidates = sorted(
        each
        for each in (other / _GENERATIONS).rglob("*")
        if each.is_file()
        and each.suffix == inside.suffix
        and each.parent.name == (inside.parent.name or each.parent.name)
        and (each.name == inside.name or inside.parts[0] == "lexical")
        and each.read_bytes() != (scene.root / name).read_bytes()
    )
    if not candidates:
        return _flip(scene)
    shutil.copyfile(scene.drawn.choice(candidates), scene.root / name)
    return f"{name} of the {of} one"


def _swap_generation(scene: Scene) -> str:
    """Put another generation in the place of the current one: with its manifest, or its files."""
    other, of = scene.drawn.choice([(scene.older, "older"), (scene.foreign, "foreign")])
    how = scene.drawn.choice(["manifest and files", "files"])
    [current] = (scene.root / _GENERATIONS).iterdir()
    [strange] = (other / _GENERATIONS).iterdir()
    shutil.rmtree(current)
    name = current.name if how == "files" else strange.name
    shutil.copytree(strange, scene.root / _GENERATIONS / name)
    if how != "files":
        shutil.copyfile(other / MANIFEST, scene.root / MANIFEST)
    return f"{how} of the {of} generation"


def _remove(scene: Scene) -> str:
    others = [each for each in scene.files() if each.name not in {CATALOGUE, MANIFEST}]
    name = scene.drawn.choice(others)
    (scene.root / name).unlink()
    return f"{name} removed"


KINDS: dict[str, Callable[[Scene], str]] = {
    "flipped": _flip,
    "first_page": _flip_header,
    "truncated": _truncate,
    "zeroed": _zero,
    "page_misplaced": _misplace_page,
    "page_lost": _lose_page,
    "file_swapped": _swap_file,
    "generation_swapped": _swap_generation,
    "removed": _remove,
}
"""Each damages a scene and says what it did."""
