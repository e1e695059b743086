"""What a repair saves of damaged pictures, and that it takes none away that are there."""

from __future__ import annotations

import dataclasses
import json
import sqlite3

import pytest

from rag_engine import KnowledgeBase
from rag_engine.errors import StoreCorrupt, StoreLocked
from rag_engine.images.image_repair import repair_images
from rag_engine.images.image_store import IMAGES
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from tests.doubles import ColourImages
from tests.images.drawn import encoded, picture

PICTURES = [picture(colour, colour) for colour in ("red", "green", "blue")]


@pytest.fixture(scope="module")
def components(real_components):
    return dataclasses.replace(real_components, images=ColourImages())


@pytest.fixture
def root(tmp_path, components):
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add(PICTURES)
    return tmp_path / "kb"


def change(root, sql):
    with sqlite3.connect(root / IMAGES) as other:
        other.execute("PRAGMA foreign_keys=ON")
        other.execute(sql)
    other.close()


def checked(capsys, root, *more):
    capsys.readouterr()
    status = main(["check", "--kb", str(root), *more, "--json"])
    return status, json.loads(capsys.readouterr().out)


def identity(root):
    with sqlite3.connect(root / IMAGES) as other:
        [(value,)] = other.execute("SELECT value FROM meta WHERE key = 'identity'").fetchall()
    other.close()
    return value


def test_intact_pictures_are_saved_and_lost_ones_are_named(root, components, capsys):
    before = identity(root)
    change(root, "UPDATE thumbnail SET data = x'ffd8ff00' WHERE number = 2")
    assert checked(capsys, root)[0] == Exit.PROBLEMS
    status, report = checked(capsys, root, "--repair")
    assert status == Exit.PROBLEMS
    [problem] = report["problems"]
    assert "the picture of document" in problem["reason"]
    assert report["result"]["pictures_saved"] == 2
    assert report["result"]["damaged_pictures"] == str(root / f"{IMAGES}.damaged")
    assert identity(root) != before  # files are read again for it
    with KnowledgeBase.open(root, components=components) as kb:
        shown = [kb.thumbnail(one.image.digest) for one in PICTURES]
        assert sorted(map(bool, shown)) == [False, True, True]
        assert set(filter(None, shown)) < {encoded(one.id) for one in PICTURES}
        kb.add(PICTURES)
        assert all(kb.thumbnail(one.image.digest) for one in PICTURES)
    assert checked(capsys, root)[0] == Exit.DONE


def test_missing_pictures_cost_none_that_is_there(root, components, capsys):
    before = identity(root)
    with sqlite3.connect(root / IMAGES) as other:
        other.execute("PRAGMA foreign_keys=ON")
        other.execute("DELETE FROM image WHERE digest = ?", (PICTURES[0].image.digest,))
        row = other.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
    other.close()
    assert row
    with KnowledgeBase.open(root, components=components) as kb:
        store = kb._opened.pictures.store
        store.set_meta("x", 1)  # counts them anew: now none is damaged, one is missing
    status, report = checked(capsys, root)
    assert "pictures of 1 documents are missing: 'red'" in report["problems"][0]["reason"]
    status, report = checked(capsys, root, "--repair")
    assert (status, report["result"]["damaged_pictures"]) == (Exit.PROBLEMS, None)
    assert [each["source"] for each in report["problems"]] == ["red"]
    assert not any("mended" in line for line in report.get("lines", []))
    assert sorted(path.name for path in root.glob(f"{IMAGES}*")) == [IMAGES]
    assert identity(root) != before
    with KnowledgeBase.open(root, components=components, read_only=True) as kb:
        assert kb.thumbnail(PICTURES[1].image.digest) == encoded("green")


def test_nothing_is_touched_while_somebody_writes(root, components):
    change(root, "UPDATE thumbnail SET data = x'ffd8ff00' WHERE number = 2")
    before = (root / IMAGES).read_bytes()
    with KnowledgeBase.open(root, components=components):
        with pytest.raises(StoreLocked):
            repair_images(root)
        assert not list(root.glob(f"{IMAGES}.*damaged*"))
    assert (root / IMAGES).read_bytes() == before


def test_what_was_set_aside_before_stays_and_what_lies_beside_goes_along(root):
    for number, name in enumerate(("damaged", "damaged-2"), 1):
        (root / IMAGES).write_bytes(b"no database" * 100 * number)
        (root / f"{IMAGES}-shm").write_bytes(b"shared %d" % number)
        assert repair_images(root).damaged_file == root / f"{IMAGES}.{name}"
    for number, name in enumerate(("damaged", "damaged-2"), 1):
        assert (root / f"{IMAGES}.{name}").read_bytes() == b"no database" * 100 * number
        assert (root / f"{IMAGES}.{name}-shm").read_bytes() == b"shared %d" % number
    assert not (root / IMAGES).exists()
    assert not (root / f"{IMAGES}-shm").exists()
    assert len(repair_images(root).missing) == 3


def test_the_file_of_a_newer_version_is_left_alone(root, components):
    with KnowledgeBase.open(root, components=components) as kb:
        kb._opened.pictures.store.set_meta("schema", 99)
    before = (root / IMAGES).read_bytes()
    with pytest.raises(StoreCorrupt, match="newer version"):
        repair_images(root)
    assert (root / IMAGES).read_bytes() == before
