"""What is in a folder: nothing stops the others, and what could not be listed is not gone."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase, files
from rag_engine.errors import FolderEmpty, InvalidInput
from rag_engine.folder_listing import Listing, is_folder, list_folder
from rag_engine.told_problems import PROBLEMS_TOLD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "docs"
    (home / "sub" / "deep").mkdir(parents=True)
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt", "z.txt"):
        (home / name).write_text(f"Ein Satz in {name}.", encoding="utf-8")
    return home


@pytest.fixture
def kb(tmp_path: Path, quick_components) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as opened:
        yield opened


ALL = ["docs/a.txt", "docs/sub/b.txt", "docs/sub/deep/c.txt", "docs/z.txt"]


def listed(folder: Path) -> Listing:
    return list_folder(folder, "docs", leave_out=folder / "nowhere")


def reasons(listing: Listing) -> dict[str, str]:
    return {problem.source: problem.reason for problem in listing.problems}


# what stops nothing


def test_files_in_the_order_of_their_names(folder: Path):
    (folder / "sub.txt").write_text("x", encoding="utf-8")
    listing = listed(folder)
    assert list(listing.files) == [*ALL[:3], "docs/sub.txt", ALL[3]]
    assert (listing.problems, listing.skipped) == ([], [])


def test_links(folder: Path, tmp_path: Path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_text("nobody", encoding="utf-8")
    (folder / ".store").mkdir()
    (folder / ".store" / "h.txt").write_text("h", encoding="utf-8")
    for name, target in {
        "self": "self",
        "there": "back",
        "back": "there",
        "sub/up": "..",
        "sub/here": ".",
        "again": "sub",
        "chain": "again",
        "inside.txt": "sub/b.txt",
        "of_hidden.txt": ".store/h.txt",
        "hidden": ".store",
        "out": tmp_path / "secret",
        "out.txt": tmp_path / "secret" / "key.txt",
        "sub/out.txt": "../../secret/key.txt",
        "broken.txt": "nowhere.txt",
        "broken": "nowhere/at/all",
        "through.txt": "a.txt/b",
        "device.txt": "/dev/zero",
    }.items():
        (folder / name).symlink_to(target)
    listing = listed(folder)
    assert sorted(listing.files) == sorted([*ALL, "docs/inside.txt", "docs/of_hidden.txt"])
    told = reasons(listing)
    for name in ("self", "there", "back", "broken.txt", "broken", "through.txt"):
        assert "can not be followed" in told.pop(f"docs/{name}")
    for name in ("sub/up", "sub/here"):
        assert "a loop, is not followed" in told.pop(f"docs/{name}")
    for name in ("out", "out.txt", "sub/out.txt", "device.txt"):
        assert "leads out of the folder" in told.pop(f"docs/{name}")
    assert "hidden folder" in told.pop("docs/hidden")
    assert told == {}
    assert [link.source for link in listing.skipped] == ["docs/again", "docs/chain"]
    assert all("docs/sub, whose files are read there" in link.reason for link in listing.skipped)


def test_a_folder_that_is_a_link_itself(folder: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(folder)
    (folder / "root").symlink_to(folder)
    listing = listed(tmp_path / "link")
    assert sorted(listing.files) == ALL
    assert list(reasons(listing)) == ["docs/root"]


def test_what_is_no_file(folder: Path):
    os.mkfifo(folder / "pipe.txt")
    (folder / "pipe_link.txt").symlink_to("pipe.txt")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.txt"))
        told = reasons(listed(folder))
    assert list(told) == ["docs/pipe.txt", "docs/pipe_link.txt", "docs/socket.txt"]
    assert all("no regular file" in reason for reason in told.values())


NAMES = {
    b"caf\xe9.txt": "caf\\xe9.txt",
    b"\xff\xfe": "\\xff\\xfe",
    b"two\nlines.txt": "two\nlines.txt",
    b"\x1b[31m.txt": "\x1b[31m.txt",
    b"-rf.txt": "-rf.txt",
    b"#1.txt": "#1.txt",
    b"%00.txt": "%00.txt",
    "e\u0301.txt".encode(): "\u00e9.txt",
    b"x" * 251 + b".txt": "x" * 251 + ".txt",
}


def test_names_of_any_bytes(kb: KnowledgeBase, folder: Path):
    for name in NAMES:
        (folder / os.fsdecode(name)).write_text("Ein Satz.", encoding="utf-8")
    report = kb.add_files(folder)
    assert report.problems == ()
    assert [skip.source for skip in report.skipped] == ["docs/\\xff\\xfe"]
    expected = {f"docs/{name}" for name in NAMES.values()} - {"docs/\\xff\\xfe"}
    assert set(kb.document_ids()) == expected | set(ALL)
    assert kb.add_files(folder, sync=True).unchanged_files == report.files - 1


def test_two_files_that_are_shown_alike(folder: Path):
    for name in (b"caf\xe9.txt", b"caf\\xe9.txt"):
        (folder / os.fsdecode(name)).touch()
    listing = listed(folder)
    assert "docs/caf\\xe9.txt" in listing.files
    assert "two files are shown as this name" in reasons(listing)["docs/caf\\xe9.txt"]


def test_a_folder_and_a_prefix_that_are_no_utf_8(kb: KnowledgeBase, tmp_path: Path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9t\xe9"))
    folder.mkdir()
    (folder / "a.txt").write_text("Un texte.", encoding="utf-8")
    kb.add_files(folder)
    kb.add_files(folder, prefix="\udce9")
    assert kb.document_ids() == ["\\xe9/a.txt", "\\xe9t\\xe9/a.txt"]
    (folder / "a.txt").unlink()
    with pytest.raises(FolderEmpty, match=r"xe9t"):
        kb.add_files(folder, sync=True)


def test_any_depth(folder: Path, kb: KnowledgeBase):
    """Deeper than a path may be long: the lowest folders can only be reached step by step."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("e.txt", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here))
    os.close(here)
    try:
        report = kb.add_files(folder)
        assert kb.document_ids() == ALL
        [problem] = report.problems
        assert problem.source.startswith("docs/d/d/d/")
        assert f"can not be listed ({os.strerror(errno.ENAMETOOLONG)})" in problem.reason
    finally:
        subprocess.run(["rm", "-rf", folder / "d"], check=True)  # shutil.rmtree recurses


def test_a_name_too_long_for_a_document(kb: KnowledgeBase, folder: Path):
    deep = folder.joinpath(*["n" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "a.txt").write_text("Ein Satz.", encoding="utf-8")
    [problem] = kb.add_files(folder).problems
    assert "a document id is a text of 1 to 1024 characters" in problem.reason
    assert kb.document_ids() == ALL


def test_the_root_of_everything_and_what_is_left_out(folder: Path):
    listing = list_folder(folder, "docs", leave_out=folder / "sub")
    assert list(listing.files) == [ALL[0], ALL[3]]
    (folder / "into").symlink_to("sub/deep")
    (folder / "into.txt").symlink_to("sub/b.txt")
    assert list_folder(folder, "docs", leave_out=folder / "sub").problems == []
    assert list_folder(folder, "docs", leave_out=folder).files == {}
    assert is_folder(Path("/"))


def test_another_knowledge_base_is_skipped_as_a_whole(
    folder: Path, kb: KnowledgeBase, quick_components
):
    inner = folder / "sub" / "old"
    KnowledgeBase.open(inner, components=quick_components).close()
    (inner / "manifest.json").write_text('{"text": "No document."}', encoding="utf-8")
    (folder / "catalogue.sqlite").write_bytes(b"SQLite format 3\0" + bytes(100))  # no one's
    listing = listed(folder)
    assert list(listing.files) == [ALL[0], "docs/catalogue.sqlite", *ALL[1:]]
    assert [(each.source, each.reason[:16]) for each in listing.skipped] == [
        ("docs/sub/old", "a knowledge base")
    ]
    report = kb.add_files(folder)
    assert sorted(each.source for each in report.skipped) == [
        "docs/catalogue.sqlite",
        "docs/sub/old",
    ]
    assert kb.document_ids() == ALL


# what was not listed is not gone


class Faults:
    """Lets ``os.scandir`` fail for some folders, at once or after some entries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._scandir = os.scandir
        self._faulty: dict[str, tuple[int, int]] = {}
        monkeypatch.setattr(os, "scandir", self)

    def add(self, folder: Path, number: int, *, after: int = 0) -> None:
        self._faulty[str(folder)] = (number, after)

    def __call__(self, path: str):
        number, after = self._faulty.get(str(path), (0, 0))
        if number and not after:
            raise OSError(number, os.strerror(number), path)
        return _Scan(self._scandir(path), number, after) if number else self._scandir(path)


class _Scan:
    def __init__(self, entries, number: int, after: int) -> None:
        self._entries, self._number, self._after = entries, number, after

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None:
        self._entries.close()

    def __iter__(self):
        for count, entry in enumerate(self._entries):
            if count == self._after:
                raise OSError(self._number, os.strerror(self._number))
            yield entry


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.EMFILE])
def test_a_folder_that_fails_to_list_loses_nothing(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    kb.add_files(folder)
    (folder / "z.txt").unlink()
    faults = Faults(monkeypatch)
    faults.add(folder / "sub", number)
    for _ in range(2):
        report = kb.add_files(folder, sync=True)
        [problem] = report.problems
        assert problem.source == "docs/sub"
        assert os.strerror(number) in problem.reason
        assert kb.document_ids() == ALL[:3]
    faults.add(folder, number)
    report = kb.add_files(folder, sync=True)
    assert [each.source for each in report.problems] == ["docs"]
    assert kb.document_ids() == ALL[:3]


def test_a_folder_that_fails_in_the_middle_loses_nothing(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    kb.add_files(folder)
    Faults(monkeypatch).add(folder, errno.EIO, after=1)
    report = kb.add_files(folder, sync=True)
    assert [each.source for each in report.problems] == ["docs"]
    assert report.deleted == 0
    assert kb.document_ids() == ALL


NOBODY = """
import os, sys
from rag_engine import KnowledgeBase
from tests.conftest import components_with
from tests.doubles import HashEmbedder

home, kb, step = sys.argv[1], sys.argv[2], sys.argv[3]
with KnowledgeBase.open(kb, components=components_with(HashEmbedder())) as opened:
    opened.add_files(home)  # as root: all that is needed is imported, all is indexed
    os.makedirs(kb, exist_ok=True)
    for folder, _, names in os.walk(kb):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chmod(path, 0o777)
    os.chmod(os.path.join(home, step), 0)
    os.setegid(65534)
    os.seteuid(65534)
    report = opened.add_files(home, sync=True)
    print([problem.source for problem in report.problems], report.deleted)
    print(opened.document_ids())
    os.seteuid(0)
    os.chmod(os.path.join(home, step), 0o755)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("step", [".", "sub", "sub/deep", "a.txt"])
def test_what_may_not_be_read_loses_nothing(tmp_path: Path, folder: Path, step: str):
    for parent in (tmp_path, *tmp_path.parents[:-2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, folder, tmp_path / "kb", step],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    place = "docs" if step == "." else f"docs/{step}"
    assert done.stdout.splitlines() == [f"['{place}'] 0", str(ALL)]


def change_before_reading(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Change the folder after it was listed and before a file of it is read."""
    once = [change]

    def list_and_change(*given, **options) -> Listing:
        listing = list_folder(*given, **options)
        for pending in once:
            pending()
        once.clear()
        return listing

    monkeypatch.setattr(files, "list_folder", list_and_change)


def test_a_file_that_vanishes_before_it_is_read(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    kb.add_files(folder)
    change_before_reading(monkeypatch, (folder / "a.txt").unlink)
    report = kb.add_files(folder, sync=True)
    [problem] = report.problems
    assert problem.source == "docs/a.txt"
    assert "was there when the folder was listed" in problem.reason
    assert kb.document_ids() == ALL
    assert kb.add_files(folder, sync=True).deleted == 1  # now it is known to be gone


@pytest.mark.parametrize("what", ["pipe", "folder", "link"])
def test_a_file_that_becomes_something_else(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
):
    def change() -> None:
        (folder / "a.txt").unlink()
        if what == "pipe":
            os.mkfifo(folder / "a.txt")
        elif what == "folder":
            (folder / "a.txt").mkdir()
        else:
            (folder / "a.txt").symlink_to("a.txt")

    kb.add_files(folder)
    change_before_reading(monkeypatch, change)
    report = kb.add_files(folder, sync=True)
    assert [problem.source for problem in report.problems] == ["docs/a.txt"]
    assert kb.document_ids() == ALL


def test_a_folder_that_becomes_a_file_while_walking(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    kb.add_files(folder)
    scandir = os.scandir

    def swapped(path: str):
        if str(path).endswith("/sub"):
            (folder / "sub").rename(folder.parent / "moved")
            (folder / "sub").write_text("a file", encoding="utf-8")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", swapped)
    report = kb.add_files(folder, sync=True)
    assert [problem.source for problem in report.problems] == ["docs/sub"]
    assert kb.document_ids() == ALL


def test_a_broken_or_foreign_link_keeps_what_was_there(
    kb: KnowledgeBase, folder: Path, tmp_path: Path
):
    kb.add_files(folder)
    (folder / "sub").rename(tmp_path / "elsewhere")
    for target in (tmp_path / "elsewhere", tmp_path / "nowhere"):
        (folder / "sub").symlink_to(target)
        report = kb.add_files(folder, sync=True)
        assert [problem.source for problem in report.problems] == ["docs/sub"]
        assert kb.document_ids() == ALL
        (folder / "sub").unlink()
    assert kb.add_files(folder, sync=True).deleted == 2


# a folder that is empty all at once


def test_an_empty_folder_asks_for_confirmation(kb: KnowledgeBase, folder: Path, tmp_path: Path):
    kb.add_files(folder)
    folder.rename(tmp_path / "moved")
    folder.mkdir()
    (folder / "song.mp3").write_bytes(b"ID3")
    with pytest.raises(FolderEmpty, match=r"drop all 4 documents of its 4 files under 'docs'"):
        kb.add_files(folder, sync=True)
    assert kb.add_files(folder).deleted == 0
    assert kb.document_ids() == ALL
    os.mkfifo(folder / "a.txt")
    with pytest.raises(FolderEmpty, match=r"\(1 problems\).*drop all 3 documents"):
        kb.add_files(folder, sync=True)
    report = kb.add_files(folder, sync=True, allow_empty=True)
    assert (report.deleted, kb.document_ids()) == (3, ["docs/a.txt"])
    kb.add_files(tmp_path / "moved", prefix="docs")
    (folder / "one.txt").write_text("Einer bleibt.", encoding="utf-8")
    assert kb.add_files(folder, sync=True).deleted == 3  # it holds a file: no mount is missing


def test_a_folder_that_can_not_be_looked_at(kb: KnowledgeBase, folder: Path, tmp_path: Path):
    (tmp_path / "loop").symlink_to("loop")
    for path in (folder / "a.txt" / "b", tmp_path / "nowhere"):
        with pytest.raises(InvalidInput, match="does not exist"):
            kb.add_files(path, sync=True)
    for path in (tmp_path / "loop", tmp_path / ("n" * 300), Path("nul\0")):
        with pytest.raises(InvalidInput, match="can not be looked at"):
            kb.add_files(path, sync=True)


# problems


def test_problems_of_one_file_are_counted_from_some_number_on(kb: KnowledgeBase, folder: Path):
    bad = PROBLEMS_TOLD + 234
    (folder / "rows.jsonl").write_text('{"text": "gut"}\n' + "{\n" * bad, encoding="utf-8")
    report = kb.add_files(folder)
    assert len(report.problems) == PROBLEMS_TOLD + 1
    assert report.problems[-1].reason == "and 234 more of its kind"
    assert "docs/rows.jsonl#1" in kb.document_ids()
