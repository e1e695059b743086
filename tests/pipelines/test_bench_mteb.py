"""``rag-engine bench mteb``: a task of each of MTEB's classes, over sentences of ours."""

from __future__ import annotations

import json

import mteb
import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from tests.small_sets import FACTS, set_of

TOPICS = {
    "travel": [
        ("en", "The train to the coast leaves every hour."),
        ("en", "Our flight was delayed by fog."),
        ("en", "The ferry carries nine cars."),
        ("de", "Der Bus zum Flughafen hält vor dem Bahnhof."),
        ("fr", "Le train de nuit arrive à six heures."),
        ("es", "El avión despega con una hora de retraso."),
    ],
    "food": [
        ("en", "The soup is made of leeks and thyme."),
        ("en", "Bake the bread for forty minutes."),
        ("en", "She cooks the rice with saffron."),
        ("de", "Die Bäckerei verkauft Brot aus Roggen."),
        ("fr", "La sauce contient du beurre et de la crème."),
        ("es", "Se fríen las patatas en aceite de oliva."),
    ],
}
PAIRS = [
    ("The museum is closed on Mondays.", "Am Montag bleibt das Museum geschlossen."),
    ("The pump needs a new seal.", "Die Pumpe braucht eine neue Dichtung."),
    ("We planted two apple trees.", "Wir haben zwei Apfelbäume gepflanzt."),
    ("The train leaves at eight.", "Der Zug fährt um acht Uhr ab."),
]


def write(path, rows):
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(lines, encoding="utf-8")
    return str(path)


@pytest.fixture
def local(tmp_path):
    """Write a task of each kind and return the options that name them."""
    texts = [(topic, *each) for topic, its in TOPICS.items() for each in its]
    bitext = [
        {"language": language, "sentence": number, "text": text}
        for number, pair in enumerate(PAIRS)
        for language, text in zip(("en", "de"), pair, strict=True)
    ]
    classes = [
        {"text": text, "label": topic, "split": "train" if language == "en" else "test"}
        for topic, language, text in texts
    ]
    graded = [
        {"text": one, "other": PAIRS[other][1], "score": 5 if row == other else 0}
        for row, (one, _) in enumerate(PAIRS)
        for other in range(len(PAIRS))
    ]
    paths = [
        str(set_of(tmp_path / "facts")),
        write(tmp_path / "pairs.bitext.jsonl", bitext),
        write(tmp_path / "topics.classification.jsonl", classes),
        write(
            tmp_path / "mixed.clustering.jsonl",
            [{"text": text, "label": topic} for topic, _, text in texts],
        ),
        write(tmp_path / "graded.sts.jsonl", graded),
    ]
    return [word for path in paths for word in ("--local", path)]


def run_json(capsys, *arguments):
    capsys.readouterr()
    status = main(["bench", "mteb", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_task_of_every_class_for_every_model(local, tmp_path, capsys):
    out = tmp_path / "out"
    status, printed = run_json(capsys, *local, "--out", str(out), "--cache", str(tmp_path / "v"))
    assert (status, printed["problems"]) == (Exit.DONE, [])
    rows = printed["result"]["rows"]
    score = {(row["task"], row["measure"], row["model"]): row["score"] for row in rows}
    kinds = {
        ("facts", "ndcg_at_10"),
        ("facts", "recall_at_100"),
        ("pairs", "f1"),
        ("topics", "accuracy"),
        ("mixed", "v_measure"),
        ("graded", "cosine_spearman"),
    }
    assert set(score) == {
        (*kind, model) for kind in kinds for model in ("plain", "raw", "corrected")
    }
    assert score["pairs", "f1", "corrected"] == 1
    assert score["graded", "cosine_spearman", "corrected"] > 0.7
    assert score["topics", "accuracy", "corrected"] > 0.7  # learnt from English alone

    # Results are MTEB's own: it finds and reads them.
    results = mteb.ResultCache(cache_path=out).load_results()
    models = {result.model_name: result for result in results.model_results}
    assert len(models) == 3
    corrected = next(each for name, each in models.items() if name.endswith("-corrected"))
    found = {task.task_name: task.get_score() for task in corrected.task_results}
    assert found["facts"] == pytest.approx(score["facts", "ndcg_at_10", "corrected"], abs=1e-9)


def test_mteb_measures_of_a_search_what_we_do(tmp_path, capsys):
    folder = set_of(tmp_path / "facts")
    # Mostly wrong answers, so that the figure hangs on where every passage stands.
    judged = "".join(f"q{n}\tp{n * 3 % len(FACTS)}\t1\n" for n in range(len(FACTS)))
    (folder / "qrels" / "test.tsv").write_text(f"question\tpassage\tgrade\n{judged}")
    arguments = ["--local", str(folder), "--out", str(tmp_path / "out")]
    _, printed = run_json(capsys, *arguments, "--variant", "corrected")
    theirs = {row["measure"]: row["score"] for row in printed["result"]["rows"]}
    assert main(["evaluate", str(folder), "--mode", "dense", "--json"]) == Exit.DONE
    ours = json.loads(capsys.readouterr().out)["result"]["runs"]["dense"]
    assert 0.2 < ours["ndcg@10"] < 0.6
    # A stored vector has 16 bits, which moves a passage now and then past its neighbour.
    assert theirs["ndcg_at_10"] == pytest.approx(ours["ndcg@10"], abs=0.02)
    assert theirs["recall_at_100"] == ours["recall@100"] == 1


def test_wrong_calls_say_what_is_allowed(tmp_path, capsys, monkeypatch):
    def told(*arguments):
        status, printed = run_json(capsys, *arguments, "--out", str(tmp_path / "out"))
        assert status == Exit.FAILED
        return printed["error"]["message"]

    assert "no task is named" in told()
    assert "'NoSuchTask' not found" in told("--tasks", "NoSuchTask")
    assert "none of STS12 has texts in deu" in told("--tasks", "STS12", "--languages", "deu")
    one_label = write(tmp_path / "a.clustering.jsonl", [{"text": "a", "label": "b"}] * 2)
    assert "fewer than two labels" in told("--local", one_label)
    assert "no effect without --tasks" in told("--languages", "de", "--local", one_label)
    bad = write(tmp_path / "b.sts.jsonl", [{"text": "a", "other": "b", "score": "high"}])
    assert "line 1: its score is 'high'" in told("--local", bad)
    assert "folder in BEIR's layout" in told("--local", str(tmp_path / "texts.jsonl"))


def test_without_the_hub_its_tasks_are_problems_and_local_ones_are_measured(
    local, tmp_path, capsys, monkeypatch
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    chosen = ["--variant", "raw", "--out", str(tmp_path / "out"), "--tasks", "STS12"]
    status, printed = run_json(capsys, *local[2:4], *chosen)
    assert status == Exit.PROBLEMS
    assert [problem["source"] for problem in printed["problems"]] == ["STS12"]
    assert [row["task"] for row in printed["result"]["rows"]] == ["pairs"]
    status, printed = run_json(capsys, *chosen)
    assert (status, printed["error"]["type"]) == (Exit.FAILED, "ModelError")
    assert "STS12" in printed["error"]["message"]
