"""``rag-engine mine``: files of texts in, pairs out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag_engine.errors import InvalidInput, StorageFailed
from rag_engine.pipelines import mine as mine_module
from rag_engine.pipelines import mining_work
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from rag_engine.pipelines.text_lines import TextLines
from rag_engine.settings import Settings
from tests.doubles import HashEmbedder

GERMAN = [
    "Die Pumpe braucht jedes Jahr eine neue Dichtung.",
    "Am Montag bleibt das Museum geschlossen.",
    "Der Zug nach Wien fährt um acht Uhr ab.",
    "Bitte bewahren Sie die Rechnung drei Jahre lang auf.",
    "Wir haben gestern im Garten zwei Apfelbäume gepflanzt.",
    "Das Brot wird bei zweihundert Grad gebacken.",
]
SWAHILI = [
    "Treni ya kwenda Vienna inaondoka saa mbili asubuhi.",
    "Mkate unaokwa kwa nyuzi joto mia mbili.",
    "Pampu inahitaji kizibo kipya kila mwaka.",
    "Mwanafunzi alisahau kitabu chake cha hesabu nyumbani.",
    "Makumbusho hufungwa siku ya Jumatatu.",
    "Jana tulipanda miti miwili ya tufaha bustanini.",
]
GOLD = [(1, 3), (2, 5), (3, 1), (5, 6), (6, 2)]


def run_json(capsys, *arguments):
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "de.txt", GERMAN), write(tmp_path / "sw.txt", SWAHILI)


@pytest.fixture
def without_meaning(monkeypatch):
    monkeypatch.setattr(mine_module, "build_embedder", lambda settings: HashEmbedder())


def test_translations_are_mined_and_measured(files, tmp_path, capsys):
    gold = write(tmp_path / "gold.tsv", [f"{one}\t{other}" for one, other in GOLD])
    status, printed = run_json(capsys, "mine", *files, "--one-to-one", "--gold", gold)
    result = printed["result"]
    assert status == Exit.DONE
    assert result["languages"] == ["de", "sw"]
    assert result["quality"]["f1"] == 1.0
    assert result["quality"]["gold"] == result["mined"] == 5
    found = {(int(pair["line"]), int(pair["other_line"])) for pair in result["pairs"]}
    assert found == set(GOLD)
    best = result["pairs"][0]
    assert best["text"] == GERMAN[int(best["line"]) - 1]
    assert best["score"] > result["threshold"]


def test_lines_are_printed_with_tabs_and_texts_steer_nothing(tmp_path, capsys):
    german = write(tmp_path / "de.txt", [GERMAN[0] + "\x1b[31m", *GERMAN[1:]])
    swahili = write(tmp_path / "sw.txt", SWAHILI)
    assert main(["mine", str(german), str(swahili), "--one-to-one", "--language", "de"]) == 0
    printed = capsys.readouterr()
    rows = [line.split("\t") for line in printed.out.splitlines()]
    assert all(len(row) == 5 for row in rows)
    assert {(int(row[1]), int(row[2])) for row in rows[:5]} == set(GOLD)
    assert "\x1b" not in printed.out
    assert "sw.txt: sw (5 of 6 texts looked at)" in printed.err
    assert "de (" not in printed.err  # it was said


def test_names_of_lines_as_in_bucc_and_json_lines_in_a_file(tmp_path, capsys):
    german = write(tmp_path / "de.txt", [f"de-{n}\t{text}" for n, text in enumerate(GERMAN)])
    swahili = write(tmp_path / "sw.txt", [f"sw-{n}\t{text}" for n, text in enumerate(SWAHILI)])
    gold = write(tmp_path / "gold", [f"de-{one - 1}\tsw-{other - 1}" for one, other in GOLD])
    out = tmp_path / "pairs.jsonl"
    status, printed = run_json(
        capsys, "mine", german, swahili, "--ids", "--one-to-one", "--gold", gold, "--out", out
    )
    assert status == Exit.DONE
    assert "pairs" not in printed["result"]
    pairs = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {(pair["line"], pair["other_line"]) for pair in pairs} == {
        (f"de-{one - 1}", f"sw-{other - 1}") for one, other in GOLD
    }


def test_blank_repeated_and_broken_lines_are_told(tmp_path, capsys, without_meaning):
    one = tmp_path / "one.txt"
    one.write_bytes(b"\xef\xbb\xbfalpha\r\n\n  \nbeta\nalpha\nbr\xffken\n beta \ngamma")
    other = write(tmp_path / "other.txt", ["beta", "gamma", "alpha"])
    status, printed = run_json(
        capsys, "mine", one, other, "--raw", "--threshold", "0.5", "--one-to-one"
    )
    assert status == Exit.PROBLEMS
    assert printed["result"]["files"][0] == {
        "path": str(one),
        "texts": 3,
        "blank": 2,
        "repeated": 2,
    }
    [problem] = printed["problems"]
    assert problem["source"] == str(one)
    assert problem["reason"].startswith("line 6: it is not UTF-8")
    found = {
        (pair["line"], pair["other_line"], pair["text"]) for pair in printed["result"]["pairs"]
    }
    assert found == {("1", "3", "alpha"), ("4", "1", "beta"), ("8", "2", "gamma")}


class Interrupting(HashEmbedder):
    """Counts what it embeds, and is interrupted at the n-th call."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.calls, self.embedded, self._at = 0, 0, at

    def embed_queries(self, texts):
        self.calls += 1
        if self.calls == self._at:
            raise KeyboardInterrupt
        self.embedded += len(texts)
        return self._embed(texts)


def test_an_interrupted_run_goes_on_and_another_threshold_costs_nothing(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(mining_work, "_BLOCK", 16)
    texts = [f"text number {number}" for number in range(100)]
    one = write(tmp_path / "one.txt", texts)
    other = write(tmp_path / "other.txt", texts[::-1])
    work = tmp_path / "work"
    arguments = ["mine", one, other, "--raw", "--one-to-one", "--work", work]
    embedder = Interrupting(at=10)  # seven blocks of the first file, two of the second
    monkeypatch.setattr(mine_module, "build_embedder", lambda settings: embedder)
    status, printed = run_json(capsys, *arguments)
    assert status == Exit.INTERRUPTED
    assert embedder.embedded == 100 + 2 * 16
    going_on = Interrupting(at=0)
    monkeypatch.setattr(mine_module, "build_embedder", lambda settings: going_on)
    status, printed = run_json(capsys, *arguments)
    assert status == Exit.DONE
    assert going_on.embedded == 200 - embedder.embedded
    assert printed["result"]["resumed"] == embedder.embedded
    found = {(int(p["line"]), int(p["other_line"])) for p in printed["result"]["pairs"]}
    assert found == {(line, 101 - line) for line in range(1, 101)}
    again = Interrupting(at=1)  # any call would end it
    monkeypatch.setattr(mine_module, "build_embedder", lambda settings: again)
    status, other_printed = run_json(capsys, *arguments, "--threshold", "2", "--margin", "distance")
    assert status == Exit.DONE
    assert other_printed["result"]["pairs"] == []
    one.write_text("something else\n", encoding="utf-8")
    status, printed = run_json(capsys, *arguments)
    assert status == Exit.FAILED
    assert "is of other work: its files are" in printed["error"]["message"]


def test_a_cut_file_of_vectors_is_noticed(tmp_path, capsys, files, without_meaning):
    work = tmp_path / "work"
    arguments = ["mine", *files, "--raw", "--work", work]
    assert run_json(capsys, *arguments)[0] == Exit.DONE
    vectors = work / "vectors-1.f16"
    vectors.write_bytes(vectors.read_bytes()[:-2])
    status, printed = run_json(capsys, *arguments)
    assert (status, printed["error"]["type"]) == (Exit.FAILED, "StoreCorrupt")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-k", "0"], "1 or more, got 0"),
        (["--raw", "--language", "de"], "have no effect with --raw"),
        (["--language", "german"], "a language is a code"),
        (["--gold", "{tmp}/gold.tsv"], "gold.tsv, line 1: two line numbers with a tab"),
        (["--threshold", "nan"], "--threshold is a number, got nan"),
        (["--gold", "{tmp}/missing.tsv"], "missing.tsv can not be read"),
        (["--settings", "{tmp}/milvus.toml"], "to mine, set another"),
        (["--work", "{tmp}"], "holds something else"),
    ],
)
def test_what_can_not_be_is_refused(options, said, files, tmp_path, capsys, without_meaning):
    write(tmp_path / "gold.tsv", ["1\t7"])
    write(tmp_path / "milvus.toml", ["[dense]", 'kind = "milvus"'])
    arguments = [option.format(tmp=tmp_path) for option in options]
    assert main(["mine", *map(str, files), *arguments]) == Exit.FAILED
    assert said in capsys.readouterr().err


def test_a_file_without_a_text_is_refused(tmp_path, capsys, files):
    empty = write(tmp_path / "empty.txt", ["", "  "])
    assert main(["mine", str(files[0]), str(empty)]) == Exit.FAILED
    assert "empty.txt holds no text" in capsys.readouterr().err
    assert main(["mine", str(files[0]), str(tmp_path / "none.txt")]) == Exit.FAILED
    assert "none.txt can not be read" in capsys.readouterr().err


def test_the_same_file_twice_is_refused(files, capsys):
    assert main(["mine", str(files[0]), str(files[0])]) == Exit.FAILED
    assert "every text would be paired with itself" in capsys.readouterr().err


def test_a_name_that_came_before_is_told(tmp_path, capsys, without_meaning):
    one = write(tmp_path / "one", ["a\talpha", "b\tbeta", "a\tgamma", "no name"])
    other = write(tmp_path / "other", ["x\tbeta", "y\talpha"])
    status, printed = run_json(capsys, "mine", one, other, "--ids", "--raw", "--one-to-one")
    assert status == Exit.PROBLEMS
    reasons = [problem["reason"] for problem in printed["problems"]]
    assert "the name 'a' came before" in reasons[0]
    assert "no tab after a name" in reasons[1]
    assert {(pair["line"], pair["other_line"]) for pair in printed["result"]["pairs"]} == {
        ("a", "y"),
        ("b", "x"),
    }
    assert printed["result"]["files"][0]["repeated"] == 0


def test_a_text_s_line_is_what_line_feeds_make_it(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes("one\u2028still one\ntwo\x0bstill two\r\nthree".encode())
    lines = TextLines.read(path)
    assert lines.texts(0, 3) == ["one still one", "two still two", "three"]
    assert lines.lines.tolist() == [1, 2, 3]
    assert [lines.row_of(name) for name in ("1", "3", "4", "0", "x")] == [0, 2, None, None, None]


def test_vectors_are_mapped_as_they_were_computed(tmp_path, files):
    embedder = HashEmbedder()
    sides = [TextLines.read(path) for path in files]
    with mining_work.MiningWork.opened(tmp_path / "work", sides, embedder) as work:
        mapped = work.vectors(1, lambda *_: None)
        assert isinstance(mapped, np.memmap)
        assert mapped == pytest.approx(embedder.embed_queries(SWAHILI), abs=1e-3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_told_with_the_file(files, capsys, without_meaning):
    assert main(["mine", *map(str, files), "--raw", "--out", "/dev/full"]) == Exit.STORAGE
    assert "writing the pairs failed: /dev/full: No space left" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(files, tmp_path, without_meaning):
    out = tmp_path / "none" / "pairs.tsv"
    how = mine_module.Mining(raw=True, out=out)
    with pytest.raises(
        StorageFailed, match=r"writing the pairs failed: .*pairs\.tsv: No such file"
    ):
        mine_module.mine(*files, Settings(), how)


@pytest.mark.parametrize("new", [b"\xff\xfe", b"Guten Tag.\n" * 9, b""])
def test_a_file_that_changes_while_it_is_read_is_told(files, new):
    lines = TextLines.read(files[0])
    files[0].write_bytes(new)
    with pytest.raises(InvalidInput, match=r"de\.txt changed while it was read; run it again"):
        lines.texts(0, 2)


def test_a_file_that_changes_while_it_is_open_is_told(files):
    message = r"de\.txt changed while it was read; run it again"
    with TextLines.read(files[0]).opened() as entry:
        with files[0].open("r+b") as file:
            file.write(b"\xff\xfe")
        with pytest.raises(InvalidInput, match=message):
            entry(0)


def test_a_file_that_the_model_can_not_read_is_a_problem(files, tmp_path, capsys):
    tibetan = write(tmp_path / "bo.txt", ["བོད་ཡིག་ནི་བོད་ཀྱི་སྐད་ཡིག་ཡིན།", "གྲོས་ཚོགས་ཀྱིས་ཁྲིམས་གསར་པ་བཟོས།"])
    out = tmp_path / "pairs.tsv"
    status, printed = run_json(capsys, "mine", tibetan, files[0], "--out", out)
    assert status == Exit.PROBLEMS
    [problem] = printed["problems"]
    assert problem["source"] == str(tibetan)
    assert problem["reason"].startswith("the model can not read bo: ")
    assert run_json(capsys, "mine", tibetan, files[0], "--raw", "--out", out)[0] == Exit.DONE
