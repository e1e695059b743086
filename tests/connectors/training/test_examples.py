"""Reading training examples."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rag_engine.connectors.training.examples import read_examples
from rag_engine.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no example"),
        ('{"question": "a", "positive": "b"}\n{"question": "a"}', "line 2: positive"),
        ('{"question": " ", "positive": "b"}', "line 1: question"),
        ("{", "line 1"),
    ],
)
def test_examples_that_can_not_be_read(tmp_path: Path, text: str, told: str):
    path = tmp_path / "bad.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=told):
        read_examples(path)


def test_compressed_examples(tmp_path: Path):
    path = tmp_path / "some.jsonl.gz"
    path.write_bytes(gzip.compress('{"question": "a", "positive": "ä"}\n\n'.encode()))
    assert [each.positive for each in read_examples(path).examples] == ["ä"]
    path.write_bytes(b"no gzip")
    with pytest.raises(InvalidInput, match="no examples can be read"):
        read_examples(path)
