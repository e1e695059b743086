"""The two-stage recipe's pairs, and the held-back set beside them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from rag_engine.calibration.prior import LanguagePrior
from rag_engine.connectors.training.examples import read_examples
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.pipelines.recipes.make_two_stage_data import is_held_back, main
from rag_engine.pipelines.recipes.measure_dimensions import beginnings, cut, sampled


def write_rows(path: Path, language: str, titles: int) -> None:
    rows = [
        {
            "source": "made",
            "language": language,
            "title": f"{language} {title}",
            "question": f"{language}: how many parts has thing {title}, asked the {turn}. time?",
            "passage": f"Of thing {title} much is said. It has {title} parts. It is number {turn}.",
            "answer": f"{title} parts",
        }
        for title in range(titles)
        for turn in range(3)
    ]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def test_what_is_measured_is_of_articles_that_are_not_trained_on(tmp_path: Path):
    write_rows(tmp_path / "qa.jsonl.gz", "en", 60)
    write_rows(tmp_path / "qa_more.jsonl.gz", "de", 60)
    given = [str(tmp_path), str(tmp_path / "out"), "--pairs", "40", "--asked", "6", "--pool", "9"]
    main(given)
    pairs = read_examples(tmp_path / "out" / "pairs.jsonl").examples
    held = load_test_set(tmp_path / "out" / "held")
    assert sorted(each.passage_language for each in pairs) == ["de"] * 40 + ["en"] * 40
    for each in pairs:
        number = each.question.split("thing ")[1].split(",")[0]
        assert each.positive == f"It has {number} parts."  # the sentence that answers
        assert not is_held_back(f"{each.question_language} {number}")
    assert {each.language for each in held.questions} == {"en", "de"}
    assert len(held.questions) == 12
    texts = {each.id: each.text for each in held.corpus}
    for question in held.questions:
        number = question.text.split("thing ")[1].split(",")[0]
        [right] = held.qrels[question.id]
        assert f" {number} parts" in texts[right]
        assert is_held_back(f"{question.language} {number}")
    main([*given[:1], str(tmp_path / "again"), *given[2:]])
    name = "pairs.jsonl"
    assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    few = sampled(held, 3, 5)
    assert (len(few.questions), len(few.corpus)) == (3, 5)


def test_a_prior_is_cut_as_vectors_are():
    middle, offsets = np.array([[3, 4, 0, 12]], np.float32) / 13, np.eye(4, dtype=np.float32)[:1]
    prior = LanguagePrior(("de",), offsets, middle[0])
    shorter = cut(prior, 2)
    assert shorter is not None
    np.testing.assert_allclose(shorter.middle, beginnings(middle, 2)[0], atol=1e-6)
    np.testing.assert_allclose(shorter.offsets, [[13 / 5, 0]], atol=1e-6)
