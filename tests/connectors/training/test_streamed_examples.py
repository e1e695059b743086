"""Files of examples that are read as they are needed."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest

from rag_engine.connectors.training import streamed_examples
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import read_examples
from rag_engine.connectors.training.streamed_examples import streamed, surveyed
from rag_engine.errors import InvalidInput


def written(path: Path, count: int, groups: int = 0) -> Path:
    rows = [
        {
            "question": f"q{n}",
            "positive": f"p{n}",
            "negatives": [f"n{n}"] * (1 + n % 2),
            "group": f"g{n % groups}" if groups else "",
        }
        for n in range(count)
    ]
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_survey_tells_what_reading_all_tells(tmp_path: Path, name: str):
    path = written(tmp_path / name, 100)
    file, whole = surveyed(path, draw=10, seed=1), read_examples(path)
    assert (file.name, file.count, file.sha256) == (name, 100, whole.sha256)
    assert file.by_negatives == {1: 50, 2: 50}
    assert len({each.question for each in file.drawn}) == 10
    assert set(file.drawn) <= set(whole.examples)
    assert max(int(each.question[1:]) for each in file.drawn) > 20  # not the first ten


def test_every_example_has_its_turn_and_no_batch_a_group_twice(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(streamed_examples, "_WINDOW", 40)
    file = surveyed(written(tmp_path / "a.jsonl", 200, groups=20), draw=5, seed=1)
    notes: list[str] = []
    part = streamed(file, 25, EmbedderTraining(batch=8), on_note=notes.append)
    assert (part.count, part.negatives) == (200, 1)
    assert notes == [
        "100 of 200 examples of a file have no more than 1 negatives: so many of each are used; "
        "--mine 2 finds more"
    ]
    examples = list(part.examples())
    assert len(examples) == 200
    assert len({each.question for each in examples[:160]}) == 160
    assert {len(each.negatives) for each in examples} == {1}
    for start in range(0, 200, 8):
        assert len({each.group for each in examples[start : start + 8]}) == 8
    assert list(part.examples()) == examples  # the same each time: training may go on
    assert [each.question for each in examples] != sorted(
        (each.question for each in examples), key=lambda name: int(name[1:])
    )


def test_of_a_file_no_more_is_read_than_is_asked_for(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(streamed_examples, "_WINDOW", 40)
    file = surveyed(written(tmp_path / "a.jsonl", 1_000), draw=5, seed=1)
    read: list[str] = []
    real = streamed_examples.each_example

    def watched(path: Path):
        for example in real(path):
            read.append(example.question)
            yield example

    monkeypatch.setattr(streamed_examples, "each_example", watched)
    part = streamed(file, 100, EmbedderTraining(batch=8), on_note=lambda text: None)
    assert len(list(islice(part.examples(), 16))) == 16
    assert len(read) <= 40


def test_a_line_that_is_none_is_named_before_anything_is_trained(tmp_path: Path):
    path = written(tmp_path / "a.jsonl", 5)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"question": "q"}\n')
    with pytest.raises(InvalidInput, match=r"a\.jsonl, line 6: positive: Field required"):
        surveyed(path, draw=2, seed=1)
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(written(tmp_path / "whole.jsonl.gz", 500).read_bytes()[:-40])
    with pytest.raises(InvalidInput, match=r"cut\.jsonl\.gz: no examples can be read"):
        surveyed(cut, draw=2, seed=1)


def test_too_few_for_a_batch(tmp_path: Path):
    file = surveyed(written(tmp_path / "a.jsonl", 20, groups=3), draw=2, seed=1)
    part = streamed(file, 2, EmbedderTraining(batch=8), on_note=lambda text: None)
    with pytest.raises(InvalidInput, match="do not fill a batch of 8"):
        list(part.examples())
