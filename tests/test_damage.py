"""What is damaged on disk is noticed, and rebuilt by whoever may write."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StoreCorrupt
from tests.samples import RULES, ids


@pytest.fixture(scope="module")
def published(tmp_path_factory, quick_components):
    path = tmp_path_factory.mktemp("published") / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
        kb.add([Document(id=f"d{n}", text=f"Satz Nummer {n}.") for n in range(250)])
    return path


def index_files(path: Path) -> list[Path]:
    return sorted(
        each
        for each in path.rglob("*")
        if each.is_file() and each.suffix != ".lock" and not each.name.startswith("catalogue")
    )


def damage(path: Path, how: str, drawn: random.Random) -> None:
    data = bytearray(path.read_bytes())
    if how == "remove":
        path.unlink()
    elif how == "truncate":
        path.write_bytes(data[: drawn.randrange(len(data))] if data else b"x")
    elif how == "zero":
        start = drawn.randrange(max(1, len(data)))
        zeroed = bytes(data[:start]) + bytes(len(data) - start)
        path.write_bytes(zeroed if zeroed != data else zeroed + b"\0")
    else:
        position = drawn.randrange(max(1, len(data)))
        data[position : position + 1] = bytes(
            [(data[position] if data else 0) ^ (1 << drawn.randrange(8))]
        )
        path.write_bytes(data)


@pytest.mark.parametrize("how", ["flip", "truncate", "zero", "remove"])
def test_a_damaged_index_is_noticed_and_rebuilt(
    tmp_path: Path, published, quick_components, how: str
):
    drawn = random.Random(how)
    names = [each.relative_to(published) for each in index_files(published)]
    for number, name in enumerate(names):
        path = tmp_path / str(number)
        shutil.copytree(published, path)
        damage(path / name, how, drawn)
        if name.name == "manifest.json" and how in {"flip", "remove"}:
            # A missing manifest is not damage (nothing was published); a flipped bit in it may
            # be one that says nothing, such as a blank.
            pass
        elif not name.name.startswith("."):
            with pytest.raises(StoreCorrupt):
                KnowledgeBase.open(path, components=quick_components, read_only=True)
        with KnowledgeBase.open(path, components=quick_components) as kb:
            assert len(kb.search("Satz", k=300)) == 254
        KnowledgeBase.open(path, components=quick_components, read_only=True).close()
        shutil.rmtree(path)


def test_an_index_newer_than_its_catalogue_is_refused(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES[:1])
    old = (path / "catalogue.sqlite").read_bytes()
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
        kb.compact()
    (path / "catalogue.sqlite").write_bytes(old)
    with pytest.raises(StoreCorrupt, match="moment"):
        KnowledgeBase.open(path, components=quick_components, read_only=True)
    with KnowledgeBase.open(path, components=quick_components) as kb:
        assert ids(kb.search("Pumpe")) == ["pump"]


def test_an_unknown_format_is_refused(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    (path / "manifest.json").write_text(json.dumps({**manifest, "format": 99}), encoding="utf-8")
    with pytest.raises(StoreCorrupt, match="format 99"):
        KnowledgeBase.open(path, components=quick_components, read_only=True)


def test_an_empty_catalogue_file_is_damage(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    KnowledgeBase.open(path, components=quick_components).close()
    (path / "catalogue.sqlite").write_bytes(b"")
    with pytest.raises(StoreCorrupt):
        KnowledgeBase.open(path, components=quick_components, read_only=True)
