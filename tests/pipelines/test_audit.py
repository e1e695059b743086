"""``rag-engine evaluate --retriever``, from the command line to the report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from tests.small_sets import FACTS, set_of

MODULE = """
import json
import sys
from rank_bm25 import BM25Okapi

def bm25(folder):
    lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    index = BM25Okapi([row["text"].lower().split() for row in rows])
    def search(question, k):
        if "goats" in question:
            raise ConnectionError("the index is away")
        scores = index.get_scores(question.lower().split())
        best = sorted(range(len(rows)), key=lambda row: (-scores[row], row))[:k]
        return [(rows[row]["_id"], scores[row]) for row in best]
    return search

def first(question, k):
    return ["p0"]

def stranger(question, k):
    return ["somebody"]

class Broken:
    @property
    def ndim(self):
        raise RuntimeError("the connection is gone")

def broken(question, k):
    return [Broken()]

def exits(question, k):
    sys.exit("no licence")

async def exits_when_awaited(question, k):
    sys.exit("no licence")

def exits_when_made(folder):
    sys.exit(7)

def prints(folder):
    print("made")
    def search(question, k):
        print("asked")
        return ["p0"]
    return search
"""


@pytest.fixture
def named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "audited_here.py").write_text(MODULE, encoding="utf-8")
    yield lambda name: f"audited_here:{name}"
    sys.modules.pop("audited_here", None)


@pytest.fixture
def facts(tmp_path) -> str:
    return str(set_of(tmp_path / "facts", FACTS))


def test_it_is_measured_as_ours_is(tmp_path, facts, named, capsys):
    report = tmp_path / "report.json"
    options = ["--retriever", named("bm25"), "--report", str(report)]
    assert main(["evaluate", facts, *options]) == Exit.PROBLEMS
    printed = capsys.readouterr()
    assert "problem: facts, question q11: ConnectionError: the index is away; asked 'How many" in (
        printed.err
    )
    lines = printed.out.splitlines()
    assert " ".join(lines[0].split()) == "facts nDCG@10 mAP R@100 cross same top1 home ms/query"
    assert lines[1].startswith("audited_here:bm25")
    assert [line.split()[:2] for line in lines[3:8]] == [
        ["nDCG@10", "by"],
        *(["facts", language] for language in ("de", "en", "es", "fr")),
    ]
    assert lines[9].split() == ["nDCG@10", "de", "en", "es", "fr"]
    assert lines[15].startswith("first hits in the question's language: 0.")
    assert "passages told by: id (380)" in lines
    assert "questions that came back without any hit: 1" in lines
    written = json.loads(report.read_text(encoding="utf-8"))
    assert written["audit"]["failures"] == 1
    assert written["audit"]["questions_by_hits"] == {"0": 1, "20": 19}
    assert written["by_language"]["en"]["queries"] == 5
    assert 0.3 < written["ndcg@10"] < 1
    assert written["settings"]["retriever"] == named("bm25")
    assert report.with_suffix(".png").stat().st_size > 1_000


def test_few_hits_are_told(facts, named, capsys):
    assert main(["evaluate", facts, "--retriever", named("first")]) == Exit.DONE
    said = capsys.readouterr().out
    assert (
        "never more than 1 hit came back of 20 that are measured: nDCG@10 looks at 10; let" in said
    )


def test_several_sets_and_the_engine_beside(tmp_path, facts, named, capsys):
    other = str(set_of(tmp_path / "other", FACTS[5:10]))
    sets = [facts, other, "--retriever", named("first"), "--json"]
    assert main(["evaluate", *sets, "--beside-ours", "--mode", "lexical"]) == Exit.DONE
    result = json.loads(capsys.readouterr().out)["result"]["sets"]
    assert list(result) == ["facts", "other"]
    ours = "rag-engine (lexical)"
    assert list(result["facts"]["runs"]) == [named("first"), ours]
    [comparison] = result["facts"]["comparisons"]
    assert comparison["baseline"] == named("first")
    assert comparison["ours"] == pytest.approx(result["facts"]["runs"][ours]["ndcg@10"])
    assert comparison["theirs"] == pytest.approx(0.05)  # one of twenty questions
    assert comparison["standing"] == "above"


def test_what_is_no_passage_of_the_set_ends_it(facts, named, capsys):
    assert main(["evaluate", facts, "--retriever", named("stranger")]) == Exit.FAILED
    said = capsys.readouterr().err
    assert (
        "stranger, question 'q0' of facts: what came back is no passage of the set: id = " in said
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--id-key", "key"], "--id-key is for --retriever; name one"),
        (["--beside-ours"], "--beside-ours is for --retriever; name one"),
        (["--retriever", "m:o", "--ablation"], "--ablation is about this engine"),
        (["--retriever", "m:o", "--settings", "s.toml"], "--settings is about this engine, and"),
        (["--retriever", "m:o", "--rerank", "m"], "--rerank is about this engine, and"),
        (["--retriever", "m:o", "--mode", "dense"], "or measure this one too with --beside-ours"),
        (["--retriever", "m:o", "--kb", "kb"], "--kb is about this engine, and"),
        (["--retriever", "m:o", "--beside-ours", "--ablation"], "--ablation is about this engine "),
        (["--retriever", "m"], "--retriever takes MODULE:OBJECT, got 'm'"),
        (["--retriever", "no_such_module_here:o"], "there is no module 'no_such_module_here'"),
    ],
)
def test_options_that_do_nothing_are_refused(facts, options, message, capsys):
    assert main(["evaluate", facts, *options]) == Exit.FAILED
    assert message in capsys.readouterr().err


def test_what_can_not_be_read_is_the_retriever_s_fault(facts, named, capsys):
    assert main(["evaluate", facts, "--retriever", named("broken")]) == Exit.FAILED
    said = capsys.readouterr().err
    assert "question 'q0' of facts: what came back can not be read: RuntimeError: the conn" in said


def test_a_set_without_languages(tmp_path, named, capsys):
    bare = str(set_of(tmp_path / "bare", [("", *fact[1:]) for fact in FACTS[:4]]))
    assert main(["evaluate", bare, "--retriever", named("first")]) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[4:7] == ["-", "-", "-"]
    assert lines[2].startswith("bare names no languages in corpus.jsonl and queries.jsonl: ")
    assert lines[3:5] == ["", "passages told by: id (4)"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exits", "exits, question 'q0' of facts: it exits (SystemExit: no licence); a retriever"),
        ("exits_when_awaited", "exits_when_awaited, question 'q0' of facts: it exits (SystemExit"),
        ("exits_when_made", "audited_here:exits_when_made: it could not be made: SystemExit: 7"),
    ],
)
def test_a_retriever_that_exits_ends_it_with_its_name(facts, named, name, message, capsys):
    assert main(["evaluate", facts, "--retriever", named(name), "--json"]) == Exit.FAILED
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "InvalidInput"
    assert message in error["message"]


def test_a_module_that_exits_or_prints(tmp_path, facts, named, capsys):
    script = tmp_path / "audited_here.py"
    script.write_text("import sys\nprint('imported')\nsys.exit(2)\n", encoding="utf-8")
    assert main(["evaluate", facts, "--retriever", named("search"), "--json"]) == Exit.FAILED
    said = capsys.readouterr()
    message = json.loads(said.out)["error"]["message"]
    assert "audited_here can not be imported: SystemExit: 2" in message
    assert "imported" in said.err


def test_what_it_prints_is_not_among_the_figures(facts, named, capsys):
    assert main(["evaluate", facts, "--retriever", named("prints"), "--json"]) == Exit.DONE
    said = capsys.readouterr()
    assert json.loads(said.out)["ok"] is True
    assert [said.err.count(word) for word in ("made\n", "asked\n")] == [1, 20]


def test_the_extra_is_missed_before_anything_is_asked(tmp_path, facts, named, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    for options in ([], ["--retriever", named("first")]):
        assert main(["evaluate", facts, *options]) == Exit.FAILED
        said = capsys.readouterr().err
        assert "pip install 'rag-engine[evaluate]'" in said
        assert "passages" not in said


def test_qrels_that_name_what_is_not_there_are_problems(facts, named, capsys):
    with (Path(facts) / "qrels" / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("q0\tnowhere\t1\n")
    for options in ([], ["--retriever", named("first")]):
        assert main(["evaluate", facts, *options, "--json"]) == Exit.PROBLEMS
        [problem] = json.loads(capsys.readouterr().out)["problems"]
        assert problem["source"] == "facts, qrels"
        assert "1 ('nowhere'); they count as not found, which lowers" in problem["reason"]


def test_a_small_corpus_can_not_give_more_than_it_has(tmp_path, named, capsys):
    one = str(set_of(tmp_path / "one", FACTS[:1]))
    judged = Path(one) / "qrels" / "test.tsv"
    judged.write_text("q0\tp0\t1\n", encoding="utf-8")
    options = ["--retriever", named("first"), "--beside-ours", "--mode", "lexical"]
    assert main(["evaluate", one, *options]) == Exit.DONE
    said = capsys.readouterr()
    assert "one: 1 passage, 1 question\n" in said.err
    assert "never more than" not in said.out
    assert "1 comparison of nDCG@10" in said.out
