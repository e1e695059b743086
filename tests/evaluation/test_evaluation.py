"""Metrics against figures made by hand, test sets against their layouts, reports against both."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest

from rag_engine import Document
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import TestQuestion, TestSet, load_test_set
from rag_engine.evaluation.metrics import MEASURES, judged_pairs, measure
from rag_engine.evaluation.retrieval_report import build_report
from rag_engine.pipelines.cli import main
from tests.connectors.tiny_models import save_cross_encoder

PARAGRAPHS = [
    ("de", "Die Pumpe braucht jedes Jahr eine neue Dichtung."),
    ("fr", "La garantie dure trois ans à partir de l'achat."),
    ("es", "El filtro se limpia una vez al mes con agua tibia."),
    ("ru", "Максимальная температура воды составляет шестьдесят градусов."),
]
QUESTIONS = [
    ("en", "How often is the seal replaced?", 0),
    ("de", "Wie oft wird die Dichtung der Pumpe ersetzt?", 0),
    ("en", "How long is the warranty?", 1),
    ("fr", "Comment nettoyer le filtre ?", 2),
    ("es", "¿Cuál es la temperatura máxima del agua?", 3),
]


def test_measures_by_hand():
    qrels = {"one": {"a": 1}, "two": {"x": 1, "y": 1}, "lost": {"z": 1}}
    run = {"one": ["b", "a"], "two": ["x", "q", "y"]}
    found = measure(run, qrels)
    ndcg_one = 1 / math.log2(3)
    ndcg_two = (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert found["ndcg@10"] == pytest.approx((ndcg_one + ndcg_two + 0) / 3)
    assert found["map"] == pytest.approx((1 / 2 + (1 + 2 / 3) / 2 + 0) / 3)
    assert found["mrr@10"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found["recall@10"] == pytest.approx(2 / 3)
    assert measure({}, {}) == dict.fromkeys(MEASURES, 0.0)


def test_places_beyond_ten_count_for_recall_at_100_only():
    run = {"q": [f"d{n}" for n in range(50)]}
    found = measure(run, {"q": {"d10": 1}})
    assert found["ndcg@10"] == found["mrr@10"] == found["recall@10"] == 0
    assert found["recall@100"] == 1
    assert found["map"] == pytest.approx(1 / 11)


def test_a_pair_is_judged_without_the_other_right_answers():
    run = {"q": ["home", "wrong", "away"]}
    qrels = {"q": {"home": 1, "away": 1}, "p": {"home": 1}}
    kept_run, kept_qrels = judged_pairs(run, qrels, lambda _, document: document == "away")
    assert kept_run == {"q": ["wrong", "away"]}
    assert kept_qrels == {"q": {"away": 1}}


def test_the_report_has_exactly_its_keys():
    test_set = TestSet(
        name="small",
        corpus=(Document(id="a", text="x"), Document(id="b", text="y")),
        questions=(TestQuestion("1", "?", "de"), TestQuestion("2", "?", "de")),
        qrels={"1": {"a": 1}, "2": {"b": 1}},
        languages={"a": "de", "b": "fr"},
    )
    report = build_report(
        test_set, {"1": ["a", "b"], "2": ["a", "b"]}, ms_per_query=1.0, settings={}
    )
    assert set(report) == {
        *MEASURES,
        "queries",
        "top1_in_query_language",
        "ms_per_query",
        "cross_language",
        "same_language",
        "by_language",
        "by_pair",
        "settings",
    }
    assert report["queries"] == 2
    assert report["by_language"]["de"] == {
        **{name: report[name] for name in MEASURES},
        "queries": 2,
    }
    assert report["top1_in_query_language"] == 1
    assert report["same_language"]["mrr@10"] == 1
    assert report["cross_language"]["mrr@10"] == 0.5
    assert report["by_pair"]["de->fr"]["ndcg@10"] == pytest.approx(1 / math.log2(3))


def beir(folder: Path, *, label=lambda language: language) -> Path:
    folder.mkdir(parents=True)
    (folder / "qrels").mkdir()
    corpus = [
        {"_id": f"p{n}", "title": "", "text": text, "language": label(language)}
        for n, (language, text) in enumerate(PARAGRAPHS)
    ]
    questions = [
        {"_id": f"q{n}", "text": text, "language": label(language)}
        for n, (language, text, _) in enumerate(QUESTIONS)
    ]
    for name, rows in (("corpus", corpus), ("queries", questions)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    judged = "".join(f"q{n}\tp{answer}\t1\n" for n, (_, _, answer) in enumerate(QUESTIONS))
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8"
    )
    return folder


def evaluated(folder: Path, report: Path, *arguments: str) -> dict:
    assert main(["evaluate", str(folder), "--report", str(report), *arguments]) == 0
    return json.loads(report.read_text(encoding="utf-8"))


def test_the_command(tmp_path: Path, capsys):
    report = evaluated(beir(tmp_path / "set"), tmp_path / "report.json")
    assert report["ndcg@10"] == 1
    assert report["by_pair"]["en->de"]["queries"] == 1
    assert "nDCG@10" in capsys.readouterr().out
    table = evaluated(
        tmp_path / "set", tmp_path / "all.json", "--ablation", "--kb", str(tmp_path / "kb")
    )
    assert list(table)[-1] == "ours"
    assert table["ours"]["ndcg@10"] == 1
    assert (
        table["ours without late interaction"]["settings"]["retrieval"]["late_interaction"] is False
    )
    assert table["plain dense"]["settings"]["fairness"]["enabled"] is False
    assert table["plain lexical (BM25)"]["cross_language"]["ndcg@10"] < 0.5


PNG = b"\x89PNG\r\n\x1a\n"


def test_pictures_and_what_scores_are_worth(tmp_path: Path, capsys):
    calibration = tmp_path / "scores.json"
    evaluated(beir(tmp_path / "set"), tmp_path / "report.json", "--calibration", str(calibration))
    assert (tmp_path / "report.png").read_bytes().startswith(PNG)
    assert (tmp_path / "scores.png").read_bytes().startswith(PNG)
    found = json.loads(calibration.read_text(encoding="utf-8"))
    lowest = found["thresholds"][0]
    assert lowest["right"] == 1
    assert lowest["answered"] >= lowest["false_answers"]
    assert "false answers" in capsys.readouterr().out


@pytest.mark.torch
def test_a_cross_encoder_has_the_last_word(tmp_path: Path, capsys):
    model = save_cross_encoder(tmp_path)
    plain = evaluated(beir(tmp_path / "set"), tmp_path / "plain.json")
    table = evaluated(tmp_path / "set", tmp_path / "all.json", "--ablation", "--rerank", str(model))
    assert list(table)[-2:] == ["ours", "ours + tiny-cross-encoder"]
    reranked = table["ours + tiny-cross-encoder"]
    assert reranked["settings"]["reranker"]["model"] == str(model)
    assert table["ours"]["ndcg@10"] == plain["ndcg@10"]
    # Its weights are random: what counts is that it was asked, and that nothing was lost.
    assert reranked["mrr@10"] != plain["mrr@10"]
    assert reranked["recall@10"] == 1


def test_the_sets_labels_change_no_ranking(tmp_path: Path, capsys):
    right = evaluated(beir(tmp_path / "right"), tmp_path / "right.json")
    wrong = beir(tmp_path / "wrong", label=lambda language: {"de": "zh"}.get(language, "de"))
    mislabelled = evaluated(wrong, tmp_path / "wrong.json")
    for name in MEASURES:
        assert mislabelled[name] == right[name]
    assert mislabelled["by_pair"] != right["by_pair"]


def test_trec_topics_and_qrels(tmp_path: Path):
    (tmp_path / "docs.jsonl").write_text('{"docid": "7#1", "text": "x"}\n', encoding="utf-8")
    (tmp_path / "topics.dev.tsv").write_text("12\twas?\n13\two?\n", encoding="utf-8")
    (tmp_path / "qrels.dev.tsv").write_text("12\tQ0\t7#1\t1\n13\tQ0\t7#1\t0\n", encoding="utf-8")
    test_set = load_test_set(tmp_path)
    assert [question.id for question in test_set.questions] == ["12"]
    assert test_set.qrels["12"] == {"7#1": 1}


def test_compressed_documents_in_several_files_without_languages(tmp_path: Path):
    for number, text in enumerate(["Die Dichtung der Pumpe.", "La garantie dure trois ans."]):
        with gzip.open(tmp_path / f"docs-{number}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write(json.dumps({"docid": f"{number}#0", "title": "", "text": text}) + "\n")
    (tmp_path / "topics.dev.tsv").write_text("1\tHow long is the warranty?\n", encoding="utf-8")
    (tmp_path / "qrels.dev.tsv").write_text("1 Q0 1#0 1\n", encoding="utf-8")
    report = evaluated(tmp_path, tmp_path / "report.json")
    assert report["recall@10"] == 1
    assert report["by_pair"] == {}
    assert report["cross_language"]["queries"] == report["same_language"]["queries"] == 0
    assert not (tmp_path / "report.png").exists()


def test_bad_sets(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"corpus\.jsonl"):
        load_test_set(tmp_path)
    folder = beir(tmp_path / "set")
    (folder / "queries.jsonl").write_text('{"_id": "q7"}\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match="question 'q7': it has no text"):
        load_test_set(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nothing", "it is no JSON: Expecting value at column 1"),
        ('{"_id": "a\tb"}', "it is no JSON: Invalid control character at column 11"),
        ('{"text": "a", "key": 1}', "it has no _id, docid or id; its fields are text, key"),
        ("[1]", "expected an object with _id and text, got '[1]'"),
    ],
    ids=range(4),
)
def test_a_broken_line_is_told_in_words(tmp_path: Path, line, message):
    corpus = beir(tmp_path / "set") / "corpus.jsonl"
    corpus.write_text(f'{{"_id": "a"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(InvalidInput) as raised:
        load_test_set(corpus.parent)
    assert f"{corpus}, line 2: {message}" in str(raised.value)
    assert "Error(" not in str(raised.value)


def test_qrels_that_name_what_is_not_there(tmp_path: Path):
    assert load_test_set(beir(tmp_path / "whole")).problems == ()
    folder = beir(tmp_path / "set")
    more = ["q0\tx1\t1", "q0\tx2\t2", "q1\tx3\t1", "q1\tx4\t1", "q2\tx5\t0"]
    more += ["asked-nowhere\tp0\t1", "judged-wrong\tp0\t0"]
    with (folder / "qrels" / "test.tsv").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in more)
    questions, passages = load_test_set(folder).problems
    assert questions.source == passages.source == "set, qrels"
    assert questions.reason == (
        "questions that the set does not hold: 1 ('asked-nowhere'); left out, measured: 5 questions"
    )
    assert passages.reason == (
        "right passages that the corpus does not hold: 4 ('x1', 'x2', 'x3', ...); they count as "
        "not found, which lowers the figures of 2 of 5 questions"
    )


@pytest.mark.parametrize(
    ("unlabelled", "files"),
    [
        (("corpus", "queries"), "corpus.jsonl and queries.jsonl"),
        (("corpus",), "corpus.jsonl"),
        (("queries",), "queries.jsonl"),
    ],
    ids=["both", "corpus", "queries"],
)
def test_what_a_set_without_languages_does_not_measure(tmp_path: Path, unlabelled, files, capsys):
    folder = beir(tmp_path / "set")
    for name in unlabelled:
        path = folder / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        bare = "".join(json.dumps({"_id": row["_id"], "text": row["text"]}) + "\n" for row in rows)
        path.write_text(bare, encoding="utf-8")
    report = evaluated(folder, tmp_path / "report.json")
    assert report["ndcg@10"] == 1
    assert report["top1_in_query_language"] is None
    nothing = {**dict.fromkeys(MEASURES), "queries": 0}
    assert report["cross_language"] == report["same_language"] == nothing
    head, figures, said = capsys.readouterr().out.splitlines()[:3]
    assert head.split()[4:8] == ["cross", "same", "top1", "home"]
    assert figures.split()[4:7] == ["-", "-", "-"]
    assert said.startswith(f"set names no languages in {files}: ")
    assert 'add a field "language"' in said


def test_an_ablation_of_sets_without_languages(tmp_path: Path, capsys):
    sets = [str(beir(tmp_path / name, label=lambda _: "")) for name in ("one", "two")]
    assert main(["evaluate", *sets, "--ablation"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-2:] for line in lines[1:3]] == [["-", "5"]] * 2
    assert [line.split(" in ")[0] for line in lines[3:5]] == [
        f"{name} names no languages" for name in ("one", "two")
    ]
