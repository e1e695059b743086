"""``rag-engine bench readers``: what is right, what a reader can not do, what it costs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench import readers
from rag_engine.pipelines.bench.environments import PeerFailed
from rag_engine.pipelines.bench.reader_checks import TextCheck
from rag_engine.pipelines.bench.readers import bench_readers
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit

PLAN = """<table><tr><th>Raum</th><th>Tag</th></tr><tr><td rowspan=2>Saal</td><td>Mo</td></tr>
<tr><td>Di</td></tr></table>"""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    for name, wanted in (("a", "Raum: Saal | Tag: Di"), ("b", "Raum: Di")):
        (folder / name).mkdir(parents=True)
        (folder / name / "plan.html").write_text(PLAN, encoding="utf-8")
        check = {"file": "plan.html", "text_has": [wanted], "text_has_not": ["Raum: Mo"]}
        expected = json.dumps({"id": name, "kind": "spans", "check": check})
        (folder / name / "expected.json").write_text(expected, encoding="utf-8")
    (folder / "c").mkdir()
    other = json.dumps({"id": "c", "check": {"docs": "docs.json"}})
    (folder / "c" / "expected.json").write_text(other, encoding="utf-8")
    return folder


def test_ours_is_measured_and_others_say_what_they_can_not(inputs: Path, tmp_path: Path) -> None:
    here = Path(sys.executable)  # a real interpreter, in which none of these is installed
    found = bench_readers(
        inputs,
        readers=["pypdf", "docling"],
        pythons={"pypdf": here, "docling": here},
        work=tmp_path / "work",
    )
    ours = found.result["readers"]["rag_engine"]
    assert [ours[name]["verdict"] for name in "ab"] == ["right", "1 of 2"]
    assert ours["b"]["wrong"] == ["lacks 'Raum: Di'"]
    assert ours["a"]["seconds_a_page"] > 0
    assert ours["a"]["mb"] > 20
    assert found.result["readers"]["pypdf"]["a"]["wrong"] == ["it does not read this kind of file"]
    [reason] = found.result["readers"]["docling"]["a"]["wrong"]
    assert "No module named 'docling'" in reason
    assert any(line.startswith("html: spans") for line in found.lines)


def test_a_reader_that_needs_models_or_can_not_be_installed_is_told_of(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise PeerFailed("no such package")

    monkeypatch.setattr(readers, "made_environment", fails)
    found = bench_readers(inputs, work=tmp_path / "work")
    assert list(found.result["readers"]) == ["rag_engine"]
    reasons = {failure["reader"]: failure["reason"] for failure in found.result["failures"]}
    assert reasons["pypdf"] == "no such package"
    assert reasons["docling"].startswith("it installs torch and downloads the weights")


@pytest.mark.parametrize("content", ["{", "[]", '{"id": "x"}', '{"check": {"file": "none.html"}}'])
def test_an_input_that_can_not_be_used_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "expected.json").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"x/expected\.json can not be used"):
        bench_readers(tmp_path)


def test_no_input_and_no_interpreter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidInput, match="holds no folder with a file"):
        bench_readers(tmp_path)
    words = ["bench", "readers", str(tmp_path), "--python", f"pypdf={tmp_path / 'none'}"]
    assert main(words) == Exit.USAGE
    assert "--python is NAME=PATH" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Saal Mo\nSaal Di", 0),
        ("| Raum | Tag |\n|---|---|\n| Saal | Mo |\n| Saal | Di |", 0),
        ("Raum: Saal | Tag: Mo\nRaum: Saal | Tag: Di", 0),
        ("Saal\nMo\nDi", 1),
        ("| Raum | Tag |\n|---|---|\n| Saal | Mo |\n| Di | |", 2),
        ("", 1),
    ],
)
def test_a_table_is_right_in_every_way_of_writing_it(text: str, wrong: int) -> None:
    check = TextCheck(text_has=("Raum: Saal | Tag: Di",), text_has_not=("Raum: Di",))
    assert len(check.failures(text)) == wrong


@pytest.mark.parametrize(
    ("wanted", "text", "right"),
    [
        ("zwei Wörter", "zwei\n  Wörter", True),
        ("الإجازات", "\u0627\ufef9\ufe9f\ufe8e\u0632\u0627\u062a", True),
        ("الإجازات", "تازاجلإا", False),
        ("3 Tage\n", "| a | 3 Tage |\n| b |", True),
        ("3 Tage\n", "3 Tage b", False),
    ],
)
def test_lines_and_shapes_of_letters(wanted: str, text: str, right: bool) -> None:
    assert (TextCheck(text_has=(wanted,)).failures(text) == []) is right


def test_what_must_not_be_there_counts_on_one_line() -> None:
    check = TextCheck(text_has=(), text_has_not=("3 Tage Filter",))
    assert check.failures("3 Tage\nFilter") == []
    assert check.failures("3 Tage Filter") == ["holds '3 Tage Filter'"]
