"""``rag-engine evaluate`` with several sets, with a cache, and what it says in the end."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.evaluation.cached_embedder import cached_embedder
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.evaluation.verdict import compare
from rag_engine.pipelines import evaluate as evaluating
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.evaluation_runs import ABLATION, evaluate_rows, evaluate_set
from rag_engine.pipelines.evaluation_tables import by_language
from rag_engine.pipelines.output import Exit
from rag_engine.settings import Settings
from tests.conftest import components_with
from tests.doubles import SparseHashEmbedder
from tests.small_sets import FACTS, set_of

ROWS = [row[0] for row in ABLATION]


@pytest.fixture
def sets(tmp_path: Path) -> list[str]:
    return [str(set_of(tmp_path / "first", FACTS[:6])), str(set_of(tmp_path / "other", FACTS[4:9]))]


def without_times(runs: dict) -> dict:
    return {
        row: {name: value for name, value in report.items() if name != "ms_per_query"}
        for row, report in runs.items()
    }


def as_json(capsys, *arguments: str, status: Exit = Exit.DONE) -> tuple[dict, str]:
    capsys.readouterr()
    assert main(["evaluate", *arguments, "--json"]) == status
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def test_with_and_without_the_cache_everything_is_the_same(tmp_path: Path, bundled_e5):
    test_set = load_test_set(set_of(tmp_path / "set"))
    assert len(test_set.questions) == 20
    plain = components_with(bundled_e5)
    expected = evaluate_set(test_set, tmp_path / "plain", Settings(), plain)
    for run in ("empty", "full"):
        with VectorCache(tmp_path / "cache") as cache:
            remembering = cached_embedder(bundled_e5, cache, basis=plain.token_space.basis)
            found = evaluate_set(test_set, tmp_path / run, Settings(), components_with(remembering))
        assert remembering.counts["query"].embedded == {"empty": 20, "full": 0}[run]
        assert remembering.counts["passage"].embedded == {"empty": 20, "full": 0}[run]
        assert found.ndcg == expected.ndcg
        assert without_times({"": found.report}) == without_times({"": expected.report})


def test_a_second_run_embeds_nothing(tmp_path: Path, sets, capsys):
    options = (*sets, "--ablation", "--cache", str(tmp_path / "cache"))
    first, said = as_json(capsys, *options)
    assert first["result"]["cache"]["query"] == {"known": 0, "embedded": 9}  # two are in both
    assert first["result"]["cache"]["passage"] == {"known": 0, "embedded": 9}
    assert "1/2 first: 6 passages, 6 questions" in said
    assert (
        "vectors.sqlite: 0 of 9 passages, 0 of 9 questions; embedded and kept there now: 18" in said
    )
    again, said = as_json(capsys, *options)
    assert again["result"]["cache"] == {
        side: {"known": 9, "embedded": 0} for side in ("query", "passage")
    }
    assert (
        "vectors.sqlite: 9 of 9 passages, 9 of 9 questions; embedded and kept there now: 0" in said
    )
    for name, found in first["result"]["sets"].items():
        repeated = again["result"]["sets"][name]["runs"]
        assert without_times(found["runs"]) == without_times(repeated)
    assert again["result"]["comparisons"] == first["result"]["comparisons"]
    other, _ = as_json(capsys, *options[:1], *options[3:], "--mode", "dense", "--no-fairness")
    assert other["result"]["cache"]["query"] == {"known": 6, "embedded": 0}
    assert other["result"]["runs"]["dense"]["queries"] == 6


def test_an_interrupted_run_says_and_keeps_what_it_embedded(
    tmp_path: Path, sets, capsys, monkeypatch
):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    options = [*sets, "--cache", str(tmp_path / "cache")]
    with monkeypatch.context() as patch:
        patch.setattr("rag_engine.pipelines.evaluation_runs.build_report", interrupted)
        assert main(["evaluate", *options]) == Exit.INTERRUPTED
    said = capsys.readouterr().err
    assert "0 of 6 passages, 0 of 6 questions; embedded and kept there now: 12" in said
    found, _ = as_json(capsys, *options)
    assert found["result"]["cache"]["passage"] == {"known": 6, "embedded": 3}


def test_a_damaged_cache_is_named(tmp_path: Path, sets, capsys):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "vectors.sqlite").write_bytes(b"no cache" * 200)
    assert main(["evaluate", sets[0], "--cache", str(tmp_path / "cache")]) == Exit.FAILED
    assert "vectors.sqlite is damaged" in capsys.readouterr().err


def test_several_sets_are_one_table(tmp_path: Path, sets, capsys):
    assert main(["evaluate", *sets]) == Exit.DONE
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["hybrid", "nDCG@10"]
    assert [line.split()[0] for line in lines] == ["first", "other"]


def test_an_ablation_of_several_sets(tmp_path: Path, sets, capsys):
    report, scores = tmp_path / "all.json", tmp_path / "scores.json"
    written_to = ["--report", str(report), "--calibration", str(scores)]
    options = [*written_to, "--ablation", "--strict", "--kb", str(tmp_path / "kbs")]
    assert main(["evaluate", *sets, *options]) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    for row in ROWS:
        assert row in lines[0]
    assert [line.split()[0] for line in lines[1:3]] == ["first", "other"]
    assert "false answers" in "\n".join(lines)
    assert sum(line.startswith("first de ") and "(few) 5" in line for line in lines) == 1
    assert lines[-1].startswith(
        "never below plain dense or plain RRF(dense, BM25) by more than noise: 4 comparisons"
    )
    written = json.loads(report.read_text(encoding="utf-8"))
    assert list(written["sets"]) == ["first", "other"]
    assert list(written["sets"]["other"]) == ROWS
    assert written["sets"]["first"]["ours"]["queries"] == 6  # one more has no answer
    assert [each["set"] for each in written["comparisons"]] == ["first"] * 2 + ["other"] * 2
    assert set(json.loads(scores.read_text(encoding="utf-8"))["sets"]) == {"first", "other"}
    for picture in ("all.first.png", "all.other.png", "scores.first.png", "scores.other.png"):
        assert (tmp_path / picture).stat().st_size > 1_000
    assert sorted(path.name for path in (tmp_path / "kbs").iterdir()) == ["first", "other"]
    assert main(["evaluate", sets[1], "--kb", str(tmp_path / "kbs" / "other")]) == Exit.DONE


def test_strict_fails_where_ours_is_below(sets, capsys, monkeypatch):
    questions = {str(number): "he" for number in range(50)}
    below = compare(
        "first",
        questions,
        dict.fromkeys(questions, 0.4),
        {"plain dense": dict.fromkeys(questions, 0.5), "plain RRF": dict.fromkeys(questions, 0.4)},
    )
    monkeypatch.setattr(evaluating, "compare_rows", lambda *_: below)
    assert main(["evaluate", sets[0], "--ablation"]) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].startswith("not told apart from plain RRF: first (50 questions): 0.400 agai")
    assert lines[-2] == (
        "below plain dense: first (50 questions): 0.400 against 0.500, -0.1000 [-0.1000, -0.1000]"
    )
    assert lines[-1].startswith("below plain dense or plain RRF in 1 of 2 comparisons")
    found, said = as_json(capsys, sets[0], "--ablation", "--strict", status=Exit.PROBLEMS)
    [problem] = found["problems"]
    assert problem["source"] == "first (50 questions)"
    assert problem["reason"].startswith("below plain dense: 0.400 against 0.500")
    assert "problem: first (50 questions): below plain dense" in said


def test_strict_fails_where_there_is_no_verdict(tmp_path, sets, capsys):
    unanswered = shutil.copytree(sets[0], tmp_path / "unanswered")
    for judgements in (unanswered / "qrels").iterdir():
        judgements.write_text(judgements.read_text(encoding="utf-8").splitlines()[0] + "\n")
    options = [sets[1], str(unanswered), "--ablation", "--strict"]
    found, said = as_json(capsys, *options, status=Exit.PROBLEMS)
    [problem] = found["problems"]
    assert problem["source"] == "unanswered"
    assert "no verdict: no question of it has an answer" in said


def test_languages_without_labels_have_no_table():
    assert by_language({"set": {"ours": {"by_language": {}}}}, ["ours"]) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strict"], "--strict asks for the verdict that --ablation gives; add --ablation"),
        (["--ablation", "--mode", "dense"], "leave out --mode dense"),
        (["--ablation", "--no-fairness"], "leave out --no-fairness"),
    ],
)
def test_options_that_do_not_go_together(sets, options, message, capsys):
    assert main(["evaluate", *sets, *options]) == Exit.FAILED
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--report", "--calibration"])
def test_a_file_that_can_not_be_written_is_refused_before_the_work(option, tmp_path, sets, capsys):
    missing = tmp_path / "missing" / "all.json"
    for path, message in (
        (missing, f"there is no folder {missing.parent}; make it first"),
        (tmp_path, f"{tmp_path} is a folder; name a file"),
    ):
        assert main(["evaluate", *sets, option, str(path), "--json"]) == Exit.USAGE
        said = capsys.readouterr()
        assert message in json.loads(said.out)["error"]["message"]
        assert "passages" not in said.err


def test_sets_of_one_name(tmp_path: Path, sets, capsys):
    again = set_of(tmp_path / "elsewhere" / "first", FACTS[:2])
    for second in (sets[0], str(again)):
        assert main(["evaluate", sets[0], second]) == Exit.FAILED
        assert "two sets are named 'first'" in capsys.readouterr().err


def test_a_bad_set_is_refused_before_anything_is_measured(tmp_path: Path, sets, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["evaluate", sets[0], str(tmp_path / "empty")]) == Exit.FAILED
    said = capsys.readouterr().err
    assert "empty is no test set" in said
    assert "passages" not in said


def test_knowledge_bases_of_something_else(tmp_path: Path, sets, capsys):
    kb = str(tmp_path / "kb")
    assert main(["evaluate", sets[0], "--kb", kb]) == Exit.DONE
    capsys.readouterr()
    assert main(["evaluate", *sets, "--kb", kb]) == Exit.FAILED
    assert f"--kb {kb} is a knowledge base; with 2 sets it is a folder" in capsys.readouterr().err
    assert main(["evaluate", sets[1], "--kb", kb]) == Exit.FAILED
    said = capsys.readouterr().err
    assert "holds 1 documents that the set other does not ('p5', ...)" in said
    assert main(["evaluate", sets[0], "--kb", kb]) == Exit.DONE


class Translates:
    """A generator that counts what it is asked."""

    name, quotes = "translates", False

    def __init__(self):
        self.asked = []

    def generate(self, prompt):
        self.asked.append(prompt.question)
        yield "Translated?"


def test_an_ablation_translates_in_its_last_row_alone(tmp_path: Path, sets, quick_components):
    writer = Translates()
    components = replace(quick_components, generator=writer)
    settings = Settings.model_validate({"retrieval": {"translate": ["am"]}})
    test_set = load_test_set(Path(sets[0]))
    rows = evaluate_rows(test_set, tmp_path / "kb", settings, components, ablation=True)
    assert list(rows)[-2:] == ["ours", "ours + translations"]
    told = [row.report["settings"]["retrieval"]["translate"] for row in rows.values()]
    assert told == [*([[]] * len(ABLATION)), ["am"]]
    assert sorted(writer.asked) == sorted(question.text for question in test_set.questions)


def test_a_cache_that_would_lose_the_weights_of_tokens_is_refused(tmp_path):
    parts = replace(components_with(SparseHashEmbedder()), sparse=True)
    with (
        pytest.raises(InvalidInput, match=r"leave --cache out, or set embedder\.sparse_vectors"),
        evaluating.remembering(parts, Settings(), tmp_path),
    ):
        pass
