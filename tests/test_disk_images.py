"""What the model of a disk says may be there after power was lost, in cases small enough to see."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.trials.disk_images import Disk, Kept, Names
from tests.trials.file_faults import Operation

TOP = Path("/top")
DATA = b"old new!"


def disk_after(names: Names, *lines: str) -> Disk:
    """Return a disk after operations such as ``create a 1``; a failed one begins with ``!``."""
    disk = Disk(TOP, DATA, names)
    for number, line in enumerate(lines, start=1):
        name, *arguments = line.removeprefix("!").split()
        if name in {"create", "open", "unlink", "rename"}:
            paths = 2 if name == "rename" else 1
            arguments[:paths] = [f"{TOP}/{each}" for each in arguments[:paths]]
        disk.follow(
            Operation(
                number=number, name=name, arguments=tuple(arguments), error=5 * (line[0] == "!")
            )
        )
    return disk


def images(disk: Disk) -> set[tuple[tuple[str, bytes], ...]]:
    """Return what may be there, of many draws."""
    drawn = random.Random(1)
    return {
        tuple(sorted(disk.image(drawn, kept).files.items())) for kept in Kept for _ in range(200)
    }


REPLACED = (
    *("create a 1", "write 1 0 3 0", "fsync 1", "open . 9", "fsync 9"),
    *("create b 2", "write 2 0 4 4"),
)
OLD, NEW = ("a", b"old"), ("a", b"new!")


@pytest.mark.parametrize("names", Names)
def test_a_rename_without_a_sync_may_be_there_without_its_bytes(names):
    found = images(disk_after(names, *REPLACED, "rename b a"))
    assert {(OLD,), (NEW,), (("a", b""),)} <= found
    assert {content for image in found for name, content in image if name == "a"} <= {
        *(b"old", b"new!", b""),
        b"\0" * 4,
    }


@pytest.mark.parametrize("names", Names)
def test_what_is_synced_before_its_rename_is_old_or_new(names):
    disk = disk_after(names, *REPLACED, "fsync 2", "rename b a")
    contents = {dict(image)["a"] for image in images(disk)}
    assert contents == {b"old", b"new!"}
    synced = disk_after(names, *REPLACED, "fsync 2", "rename b a", "fsync 9")
    assert images(synced) == {(NEW,)}


@pytest.mark.parametrize("names", Names)
def test_a_sync_that_failed_leaves_a_rename_open_whatever_becomes_of_its_old_name(names):
    disk = disk_after(
        names, *REPLACED, "fsync 2", "fsync 9", "rename b a", "!fsync 9", "create b 3", "fsync 9"
    )
    assert images(disk) == {(OLD, ("b", b"")), (NEW, ("b", b""))}


@pytest.mark.parametrize("names", Names)
def test_a_name_that_was_made_anew_and_synced_settles_it(names):
    disk = disk_after(
        names,
        *(*REPLACED, "fsync 2", "fsync 9", "rename b a", "!fsync 9"),
        *("create c 3", "rename c a", "fsync 9"),
    )
    assert {dict(image)["a"] for image in images(disk)} == {b""}
