"""``rag-engine similarity``: two texts, two files, all with all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit

GERMAN = ["Am Montag bleibt das Museum geschlossen.", "Die Pumpe braucht eine neue Dichtung."]
SWAHILI = ["Makumbusho hufungwa siku ya Jumatatu.", "Pampu inahitaji kizibo kipya."]


def write(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    return write(tmp_path / "de.txt", GERMAN), write(tmp_path / "sw.txt", SWAHILI)


def run_json(capsys, *arguments):
    capsys.readouterr()
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_two_texts(capsys):
    status, printed = run_json(capsys, "similarity", GERMAN[0], SWAHILI[0])
    assert status == Exit.DONE
    result = printed["result"]
    assert (result["figure"], result["languages"]) == ("probability", ["de"])
    assert result["other_languages"] == ["sw"]
    [same] = result["similarity"]
    _, printed = run_json(capsys, "similarity", GERMAN[0], SWAHILI[1])
    [other] = printed["result"]["similarity"]
    assert other < 0.1 < same < 1
    assert main(["similarity", GERMAN[0], SWAHILI[0]]) == Exit.DONE
    assert capsys.readouterr().out == f"{same:.3f}  [de] {GERMAN[0]}  [sw] {SWAHILI[0]}\n"


def test_two_files_line_by_line_and_all_with_all(files, tmp_path, capsys):
    _, printed = run_json(capsys, "similarity", *files)
    pairs = printed["result"]["similarity"]
    _, printed = run_json(capsys, "similarity", *files, "--matrix")
    rows = printed["result"]["similarity"]
    assert [rows[0][0], rows[1][1]] == pytest.approx(pairs, abs=1e-3)
    assert max(rows[0][1], rows[1][0]) < min(pairs)
    assert main(["similarity", *files, "--matrix"]) == Exit.DONE
    assert capsys.readouterr().out == "".join(
        "\t".join(f"{figure:.3f}" for figure in row) + "\n" for row in rows
    )
    out = tmp_path / "figures.tsv"
    assert main(["similarity", *files, "--out", str(out)]) == Exit.DONE
    assert out.read_text(encoding="utf-8") == "".join(f"{figure:.3f}\n" for figure in pairs)


def test_what_languages_are_can_be_said_and_raw_is_the_cosine(files, capsys):
    _, said = run_json(capsys, "similarity", *files, "--language", "de", "--other-language", "swh")
    assert said["result"]["other_languages"] == ["sw", "sw"]
    _, raw = run_json(capsys, "similarity", *files, "--raw")
    assert raw["result"]["figure"] == "cosine"
    assert raw["result"]["languages"] is None
    assert min(raw["result"]["similarity"]) > 0.8


def test_of_a_language_that_the_model_can_not_read_nothing_is_told(capsys):
    status, printed = run_json(
        capsys, "similarity", "འབྲུག", "Bhutan", "--language", "dz", "--other-language", "en"
    )
    assert status == Exit.PROBLEMS
    assert printed["result"]["similarity"] == [None]
    assert [problem["source"] for problem in printed["problems"]] == ["dz"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{de}", "Guten Tag."], "and 'Guten Tag.', which is none"),
        (["{de}", "{short}"], "has 2 lines, "),
        (["{de}", "{blank}"], "line 2: every line needs a text"),
        (["a", "b", "--raw", "--language", "de"], "no effect with --raw"),
        (["a", "b", "--settings", "{plain}"], "become probabilities is not known"),
        (["a", " "], "is a text that is not empty"),
        (["nothere.txt", "neither.txt"], "'nothere.txt' looks like the path of a file, and there"),
        (["a", "{folder}"], "is a folder, and a file with a text a line is read"),
        (["a", "README.MD"], "'README.MD' looks like the path of a file"),
        (["./texts/de", "a"], "put a blank behind it, or write it into a file"),
    ],
)
def test_what_can_not_be_is_refused(arguments, said, files, tmp_path, capsys):
    names = {
        "de": files[0],
        "folder": str(tmp_path),
        "short": write(tmp_path / "short.txt", ["Guten Tag."]),
        "blank": write(tmp_path / "blank.txt", ["Guten Tag.", "", "Guten Abend."]),
        "plain": write(tmp_path / "plain.toml", ["[embedder]", "adapter = false"]),
    }
    status = main(["similarity", *(argument.format(**names) for argument in arguments)])
    assert status == Exit.FAILED
    assert said in capsys.readouterr().err


def test_a_text_with_a_slash_is_compared_as_it_says(capsys):
    status, printed = run_json(capsys, "similarity", "und/oder", "We saw a/b testing.", "--raw")
    assert status == Exit.DONE
    assert len(printed["result"]["similarity"]) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_figures_that_can_not_be_written_name_their_file(files, capsys):
    assert main(["similarity", *files, "--raw", "--out", "/dev/full"]) == Exit.STORAGE
    assert "writing the figures failed: /dev/full: No space left" in capsys.readouterr().err
