"""``rag-engine bench quotations`` on a handful of passages of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench.quotations import bench_quotations, holds
from rag_engine.settings import Settings

PUMP = "The pump is blue. The seal is replaced every year. It weighs eleven kilograms."
SHOP = "Der Laden hat im Juli zu. Die Garantie dauert drei Jahre. Das Lager steht in Lyon."
ROWS = [
    {"language": "en", "question": "How heavy is the pump?", "passage": PUMP, "answer": "eleven"},
    {"language": "en", "question": "What colour is the pump?", "passage": PUMP, "answer": "blue"},
    {"language": "de", "question": "Wo steht das Lager?", "passage": SHOP, "answer": "Lyon"},
    {"language": "de", "question": "Was kostet das Lager?", "passage": SHOP, "answer": ""},
]
EAGER = Settings.model_validate({"answering": {"min_score": 0.0}})


def written(folder: Path, rows) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_what_is_quoted_is_counted(tmp_path):
    told = bench_quotations(written(tmp_path, ROWS), 5, EAGER).result["rows"]
    rows = {(row["asked of"], row["language"]): row for row in told}
    assert [rows["its passage", name]["questions"] for name in ("all", "de", "en")] == [3, 1, 2]
    own = rows["its passage", "all"]
    assert own["answered"] == own["answers that hold it"] == own["sources"] == 1.0
    assert own["sentences that hold it"] == pytest.approx(1 / own["sentences"])
    assert rows["all passages", "all"]["answers that hold it"] == 1.0


def test_an_answer_beside_the_point_does_not_hold_it(tmp_path):
    wrong = [{**ROWS[2], "answer": "Juli"}]
    told = bench_quotations(written(tmp_path, wrong), 5, EAGER).result["rows"]
    assert {row["answers that hold it"] for row in told} == {0.0}


@pytest.mark.parametrize(
    ("quotation", "answer", "right"),
    [
        ("It was  built in 1904.", "in 1904", True),
        ("It is red.", "It is red. It was built in 1904.", True),
        ("Founded in 1904(3).", "1904[3]", True),
        ("It is red.", "1904", False),
    ],
)
def test_a_quotation_holds_the_answer_or_is_a_part_of_it(quotation, answer, right):
    assert holds(quotation, answer) is right


def test_what_is_no_question_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="line 2"):
        bench_quotations(written(tmp_path, [ROWS[0], {"language": "de"}]), 5, EAGER)
    with pytest.raises(InvalidInput, match="no question whose answer"):
        bench_quotations(written(tmp_path, [ROWS[3]]), 5, EAGER)
