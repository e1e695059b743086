"""``rag-engine bench languages``: on sentences of the tests."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench.languages import bench_languages
from tests.text.samples import SAMPLES


@pytest.fixture
def file(tmp_path: Path) -> Path:
    codes = {"de": "deu_Latn", "id": "ind_Latn", "sw": "swh_Latn", "zh": "yue_Hant"}
    rows = [
        {"language": codes.get(language, language), "text": text}
        for language, texts in SAMPLES.items()
        for text in texts
    ]
    path = tmp_path / "sentences.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as written:
        written.writelines(f"{json.dumps(row)}\n" for row in rows)
    return path


def test_all_detectors_are_measured_alike(file: Path):
    result = bench_languages(file, 3).result
    rows = {row["detector"].split("-")[0]: row for row in result["rows"]}
    assert {"the default", "fastText, by script", "lid.176.ftz", "cld2", "cld3"} <= set(rows)
    assert result["languages"] == len(SAMPLES)
    ours, one = rows["the default"], rows["fastText, by script"]
    assert ours["whole: all"] > 0.9
    assert ours["cut: all"] > one["cut: all"]
    assert all(row["cut: all"] <= row["whole: all"] for row in rows.values())
    assert ours["claims"] == len(SAMPLES)


@pytest.mark.parametrize("line", ["{}", "[]", "no", '{"language": "de"}'])
def test_what_is_no_sentence_is_refused(tmp_path: Path, line: str):
    path = tmp_path / "bad.jsonl"
    path.write_text(f'{{"language": "de", "text": "Ja."}}\n{line}\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match="line 2"):
        bench_languages(path, 1)
    path.write_text("", encoding="utf-8")
    with pytest.raises(InvalidInput, match="holds no sentence"):
        bench_languages(path, 1)
