"""Files that commands write: whole or not at all, and never over what they read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from rag_engine.errors import InvalidInput, StorageFailed
from rag_engine.pipelines import output_files
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from rag_engine.pipelines.output_files import check_output, whole_file, write_lines

ROWS = "".join(
    f'{{"language": "{language}", "sentence": {row}, "text": "{language} {row}"}}\n'
    for language in ("en", "de")
    for row in range(12)
)
OF_COMMANDS = [
    ["similarity", "a.txt", "b.txt", "--raw", "--out"],
    ["similarity", "a.txt", "Guten Tag.", "--raw", "--out"],
    ["mine", "b.txt", "a.txt", "--raw", "--out"],
    ["mine", "b.txt", "c.txt", "--gold", "a.txt", "--raw", "--out"],
    ["classify", "a.txt", "--label", "one", "--label", "other", "--raw", "--out"],
    ["classify", "Guten Tag.", "--labels", "a.txt", "--raw", "--out"],
    ["similarity", "b.txt", "c.txt", "--settings", "a.txt", "--out"],
    ["parity", "a.txt", "--chart"],
    ["parity", "b.txt", "--tokenizer", "a.txt", "--chart"],
    ["fit", "tests.doubles:HashEmbedder", "--parallel", "a.txt", "--replace", "--out"],
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(ROWS if name == "a" else f"{name}\nother\n")
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / "hard").hardlink_to(tmp_path / "a.txt")
    return tmp_path


@pytest.mark.parametrize("name", ["a.txt", "link", "hard"])
@pytest.mark.parametrize("arguments", OF_COMMANDS, ids=lambda words: "-".join(words[:2]))
def test_what_is_read_is_not_written_over(arguments, name, folder, capsys):
    assert main([*arguments, name]) == Exit.FAILED
    assert f"{name} is a.txt, which is read" in capsys.readouterr().err
    assert (folder / "a.txt").read_text() == ROWS


def test_what_is_a_text_is_no_input_that_could_be_lost(tmp_path):
    out = tmp_path / "out"
    out.touch()
    check_output("--out", out, ["x" * 5000, "a\0b", "Guten Tag.", None, tmp_path / "none"])
    check_output("--out", Path("/dev/null"), ["/dev/null"])
    with pytest.raises(InvalidInput, match="name another file"):
        check_output("--out", out, ["text", str(out)])


@pytest.mark.parametrize(
    "arguments",
    [
        ["similarity", "b.txt", "c.txt", "--raw", "--out"],
        ["mine", "b.txt", "c.txt", "--raw", "--out"],
        ["classify", "b.txt", "--label", "one", "--label", "other", "--raw", "--out"],
        ["parity", "a.txt", "--chart"],
    ],
    ids=lambda words: words[0],
)
def test_a_disk_that_is_full_leaves_the_earlier_output(arguments, folder, capsys, monkeypatch):
    if arguments[0] == "parity":
        pytest.importorskip("matplotlib")

    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    out = folder / "out"
    out.write_text("earlier")
    names = sorted(folder.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(output_files, "sync_file", full)
        assert main([*arguments, "out"]) == Exit.STORAGE
    assert "failed: out: No space left on device; nothing was changed" in capsys.readouterr().err
    assert out.read_text() == "earlier"
    assert sorted(folder.iterdir()) == names
    assert main([*arguments, "out"]) == Exit.DONE
    assert out.read_bytes() != b"earlier"
    assert sorted(folder.iterdir()) == names


def test_what_ends_in_the_middle_leaves_what_was_there(tmp_path):
    def lines():
        yield "new"
        raise KeyboardInterrupt

    out = tmp_path / "out"
    for earlier in ("earlier", None):
        out.unlink(missing_ok=True)
        if earlier is not None:
            out.write_text(earlier)
        with pytest.raises(KeyboardInterrupt):
            write_lines(out, "writing", lines())
        assert [path.read_text() for path in tmp_path.iterdir()] == [earlier] * (
            earlier is not None
        )


def test_a_link_stays_one_and_rights_stay(tmp_path):
    kept, link = tmp_path / "kept", tmp_path / "link"
    kept.write_text("earlier")
    kept.chmod(0o640)
    link.symlink_to("kept")
    write_lines(link, "writing", ["a", "b"])
    assert link.is_symlink()
    assert kept.read_text() == "a\nb\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640


def test_a_pipe_is_written_to_itself():
    with whole_file(Path(os.devnull), "writing") as place:
        assert place == Path(os.devnull)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path):
    out = tmp_path / "out"
    out.write_text("earlier")
    out.chmod(0o444)
    with pytest.raises(StorageFailed, match="out: Permission denied"):
        write_lines(out, "writing", ["new"])
    assert out.read_text() == "earlier"
