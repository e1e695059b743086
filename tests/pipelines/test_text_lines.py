"""Files of texts in another encoding are told, and never read as something else."""

from __future__ import annotations

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from rag_engine.pipelines.text_lines import TextLines, read_utf8

TEXT = "Guten Tag.\nGuten Abend.\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [TEXT, "你好\n再见\n"])
def test_utf_16_is_refused_and_how_to_convert_it_is_told(encoding, text, tmp_path):
    path = tmp_path / "de.txt"
    path.write_text(text, encoding=encoding, newline="")
    for read in (TextLines.read, read_utf8):
        with pytest.raises(InvalidInput, match=r"UTF-16 .*iconv -f UTF-16 -t UTF-8 de\.txt > de-"):
            read(path)


def test_a_nul_far_in_a_file_is_one_bad_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"".join(b"text %d\n" % row for row in range(1000)) + b"a\0b\nlast\n")
    lines = TextLines.read(path)
    [problem] = lines.problems
    assert problem.reason.startswith("line 1,001: it has a NUL")
    assert len(lines) == 1001
    assert lines.texts(1000, 1001) == ["last"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["similarity", "{utf16}", "{utf16}", "--raw"],
        ["mine", "{utf8}", "{utf16}", "--raw"],
        ["mine", "{utf8}", "{other}", "--raw", "--gold", "{utf16}"],
        ["classify", "{utf16}", "--label", "a", "--label", "b", "--raw"],
        ["classify", "Text.", "--labels", "{utf16}", "--raw"],
    ],
)
def test_commands_refuse_it(arguments, tmp_path, capsys):
    names = {name: str(tmp_path / name) for name in ("utf8", "utf16", "other")}
    (tmp_path / "utf8").write_text(TEXT, encoding="utf-8")
    (tmp_path / "other").write_text("Jambo.\n", encoding="utf-8")
    (tmp_path / "utf16").write_text(TEXT, encoding="utf-16-le", newline="")  # no mark in front
    assert main([argument.format(**names) for argument in arguments]) == Exit.FAILED
    assert "looks like UTF-16" in capsys.readouterr().err
