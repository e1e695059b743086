"""The fit of ``rag_engine.retrieval.answerable``: its regression, its data, its measurement."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag_engine import Document
from rag_engine.pipelines.recipes import measure_answerable
from rag_engine.pipelines.recipes.answerable_data import Case, judged_questions, passages, see
from rag_engine.pipelines.recipes.make_answerable import (
    area_under_curve,
    cross_validated,
    fit_logistic,
    rows_of,
)
from rag_engine.retrieval.answerable import answerable
from tests.samples import RULES


def test_the_regression_finds_the_weights_that_made_the_labels():
    chance = np.random.default_rng(3)
    signs = chance.normal(size=(20_000, 2)) * [1, 5] + [0, 3]
    odds = 1.5 * signs[:, 0] - 0.2 * signs[:, 1] + 0.4
    labels = (chance.random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(float)
    found = fit_logistic(signs, labels, np.ones(len(labels)))
    assert found == pytest.approx([1.5, -0.2, 0.4], abs=0.08)


def test_what_counts_more_decides():
    signs = np.zeros((2, 1))
    labels = np.array([0.0, 1.0])
    intercept = fit_logistic(signs, labels, np.array([1.0, 3.0]))[-1]
    assert intercept == pytest.approx(np.log(3))


def test_a_group_is_told_by_the_others_alone():
    signs = np.tile([[0.0], [1.0]], (30, 1))
    labels = np.tile([0.0, 1.0], 30)
    groups = ["de"] * 30 + ["fr"] * 30
    labels[30:] = 1 - labels[30:]  # in French all is the other way round
    told = cross_validated(signs, labels, np.ones(60), groups)
    assert area_under_curve(labels[:30], told[:30]) == 0
    assert area_under_curve(labels[30:], told[30:]) == 0


def test_a_row_counts_what_reaches_the_bounds():
    labels, told = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.8, 0.5, 0.25, 0.1])
    row = rows_of("some", labels, before=told[::-1], told=told)
    assert row["AUROC: before/after"] == "0.000/1.000"
    assert row["at 9 %: before/after"] == "0.000/1.000"
    assert row["strict: answered/false"] == "0.50/0.00"
    assert row["careful: answered/false"] == "1.00/0.00"
    assert row["balanced: answered/false"] == "1.00/0.50"
    assert rows_of("gone", labels[2:], told[2:], told[2:])["careful: answered/false"] == "-/0.00"


def test_judged_questions_are_as_many_of_each_language_and_label():
    rows = [
        {"id": f"{language}{n}", "language": language, "answerable": n % 3 == 0,
         "passages": [{"id": f"p{n}", "title": "", "text": "Text."}]}
        for language in ("de", "fr") for n in range(12)
    ]  # fmt: skip
    chosen, rest = judged_questions(rows, 2)
    assert len(chosen) == 8
    assert {row["id"] for row in chosen} | {row["id"] for row in rest} == {r["id"] for r in rows}
    assert len(chosen) + len(rest) == len(rows)
    assert len(passages(chosen)) == len({row["passages"][0]["id"] for row in chosen})


def test_the_signs_are_those_by_which_the_engine_tells(tmp_path: Path, real_components):
    from rag_engine import KnowledgeBase

    question = "How often must the seal be replaced?"
    case = {"question": question, "answerable": True, "group": "en", "kind": "small 4"}
    whole, without = see(
        tmp_path / "kb",
        real_components,
        RULES,
        [Case(**case), Case(**case, without=["pump"])],
    )
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        [hit] = kb.search(question, k=1)
    assert answerable(whole.usual) == pytest.approx(hit.parts.answerable, abs=1e-6)
    assert whole.best == pytest.approx(hit.score, abs=1e-6)
    assert answerable(without.usual) < answerable(whole.usual)
    assert answerable(whole.other) != answerable(whole.usual)


def test_a_set_is_measured(tmp_path: Path, capsys):
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    documents: list[Document] = list(RULES)
    corpus = [{"_id": each.id, "text": each.text, "language": "de"} for each in documents]
    questions = [
        {"_id": "1", "text": "How often must the seal be replaced?", "language": "en"},
        {"_id": "2", "text": "Wie lange gilt die Garantie?", "language": "de"},
    ]
    for name, rows in (("corpus", corpus), ("queries", questions)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    right = "query-id\tcorpus-id\tscore\n1\tpump\t1\n2\tgarantie\t1\n"
    (folder / "qrels" / "test.tsv").write_text(right, encoding="utf-8")
    asked = measure_answerable.questions_of(folder, 9)
    assert [(each.answerable, each.without) for each in sorted(asked, key=lambda a: a.text)] == [
        (True, ()), (False, ("pump",)), (True, ()), (False, ("garantie",)),
    ]  # fmt: skip
    measure_answerable.main([str(folder), str(tmp_path / "kb")])
    first, *lines = capsys.readouterr().err.splitlines()
    assert "AUROC" in first
    assert [line.split()[:2] for line in lines] == [["all", "4"], ["de", "2"], ["en", "2"]]
