"""The preloaded library sees what strace sees, and does to it what it is told."""

from __future__ import annotations

import dataclasses
import errno
import os
import random
import re
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.trials.file_faults import Action, compiled, lacking, read_trace
from tests.trials.fork_server import ForkServer
from tests.trials.load import make_steps

pytestmark = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))

_CHILD = "tests.trials.load_child"
_STEPS = [dataclasses.asdict(step) for step in make_steps(random.Random(1))]

_CALLS = {
    "write": "write",
    "pwrite64": "write",
    "writev": "write",
    "pwritev": "write",
    "sendfile": "write",
    "copy_file_range": "write",
    "fsync": "fsync",
    "fdatasync": "fsync",
    "ftruncate": "resize",
    "rename": "rename",
    "renameat": "rename",
    "renameat2": "rename",
    "mkdir": "mkdir",
    "mkdirat": "mkdir",
    "unlink": "unlink",
    "rmdir": "rmdir",
    "link": "link",
    "linkat": "link",
    "symlink": "symlink",
    "symlinkat": "symlink",
    "fallocate": "allocate",
    "truncate": "resize",
}
"""System calls that change files, by what the trace calls them; unlinkat is told by its flag."""


def operations_of_strace(path: Path, disk: Path) -> list[str]:
    """Return the changes below a folder that strace saw a process make, in their order."""
    operations = []
    for line in path.read_text(encoding="utf-8").splitlines():
        call = re.match(r"\d+ +(\w+)\((.*)", line)
        if call is None:
            continue
        name, rest = call.groups()
        # A descriptor is told with its path (-y); writing goes to the first, or the second one.
        place = re.findall(r"<([^>]*)>", rest)
        if name == "unlinkat":
            name = "rmdir" if "AT_REMOVEDIR" in rest else "unlink"
        if name == "copy_file_range":
            place = place[1:]
        quoted = re.findall(r'"(/[^"]*)"', rest)
        if name.startswith("symlink"):
            quoted = quoted[-1:]  # the other is only what it says
        below = [each for each in [*place[:1], *quoted] if f"{each}/".startswith(f"{disk}/")]
        if name in _CALLS and below:
            operations.append(_CALLS[name])
    return operations


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
def test_it_sees_what_strace_sees(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    seen = tmp_path / "strace"
    calls = ",".join([*_CALLS, "unlinkat"])
    strace = ("strace", "-f", "-y", "-qq", "-s", "0", "-e", f"trace={calls}", "-o", str(seen))
    with ForkServer(f"{_CHILD}:parts", preload=compiled(tmp_path), command=strace) as server:
        server.call(f"{_CHILD}:run_load", root=str(disk / "kb"), steps=_STEPS, record=True).result()
    traced = [each for each in read_trace(tmp_path / "trace") if each.number]
    ours = [each.name for each in traced if each.name not in {"create", "cut"}]
    assert Counter(ours) == Counter(operations_of_strace(seen, disk))
    assert ours == operations_of_strace(seen, disk)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    library = compiled(tmp_path_factory.mktemp("library"))
    with ForkServer(f"{__name__}:nothing", preload=library) as started:
        yield started


def nothing() -> None:
    """What these forks need beforehand."""


def write_twice(say, *, folder: str, action: int, at: int, error: int, onward: bool) -> None:
    """Write four bytes, sync, write four more, with a fault; say what each call returned."""
    from tests.trials.file_faults import faults

    library = faults()
    library.faults_watch(os.fsencode(folder), 0)
    library.faults_plan(action, at, error, onward)
    descriptor = os.open(f"{folder}/file", os.O_WRONLY | os.O_CREAT)  # 1
    for call in (
        lambda: os.write(descriptor, b"abcd"),  # 2
        lambda: os.fsync(descriptor),  # 3
        lambda: os.write(descriptor, b"efgh"),  # 4
    ):
        try:
            say(call())
        except OSError as failed:
            say(errno.errorcode[failed.errno])


def list_and_write(say, *, folder: str, trace: str, other: str) -> None:
    """List a folder by its descriptor, as ``shutil.rmtree`` does, and write elsewhere."""
    from tests.trials.file_faults import faults

    library = faults()
    library.faults_watch(os.fsencode(folder), 0)
    library.faults_record(os.fsencode(trace), os.fsencode(f"{trace}.bytes"))
    descriptor = os.open(folder, os.O_RDONLY)
    with os.scandir(descriptor) as listing:  # of a copy, which libc closes within itself
        list(listing)
    with Path(other).open("wb", buffering=0) as file:  # gets its number
        file.write(b"1234")
        say({"descriptors": [descriptor, file.fileno()]})
    os.close(descriptor)


def test_a_descriptor_that_libc_closed_is_not_followed_any_more(server, tmp_path):
    (folder := tmp_path / "folder").mkdir()
    ended = server.call(
        f"{__name__}:list_and_write",
        folder=str(folder),
        trace=str(tmp_path / "trace"),
        other=str(tmp_path / "other"),
    )
    [told] = ended.said
    listed, written = told["descriptors"]
    assert written > listed
    traced = list(read_trace(tmp_path / "trace"))
    assert [each.name for each in traced if each.name == "write"] == []
    doubled = [each.arguments[1] for each in traced if each.name == "dup"]
    assert str(written) in doubled, "the case is not met: another number was free"


@pytest.mark.parametrize(
    ("action", "at", "onward", "status", "said", "held"),
    [
        (Action.NOTHING, 0, False, 0, (4, None, 4), b"abcdefgh"),
        (Action.KILL_BEFORE, 2, False, -signal.SIGKILL, (), b""),
        (Action.KILL_AFTER, 2, False, -signal.SIGKILL, (), b"abcd"),
        (Action.KILL_BEFORE, 4, False, -signal.SIGKILL, (4, None), b"abcd"),
        (Action.FAIL, 2, False, 0, ("ENOSPC", None, 4), b"efgh"),
        (Action.FAIL, 3, True, 0, (4, "ENOSPC", "ENOSPC"), b"abcd"),
        (Action.SHORT_WRITE, 2, False, 0, (2, None, 4), b"abefgh"),
        (Action.SHORT_WRITE, 2, True, 0, (2, "ENOSPC", "ENOSPC"), b"ab"),
    ],
)
def test_it_does_what_it_is_told(
    tmp_path: Path, server: ForkServer, action, at, onward, status, said, held
):
    ended = server.call(
        f"{__name__}:write_twice",
        folder=str(tmp_path),
        action=action,
        at=at,
        error=errno.ENOSPC,
        onward=onward,
    )
    assert (ended.status, ended.said) == (status, said)
    assert (tmp_path / "file").read_bytes() == held
