"""``bench similarity`` and what ``bench bitext`` says of mining, by the real model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag_engine.calibration.prior import load_prior
from rag_engine.pipelines.bench.parallel import evenly, halves, logistic_fit
from rag_engine.pipelines.bench.similarity import best_threshold, calibration_error, logistic_map
from rag_engine.pipelines.cli import main
from tests.tasks.test_similarity import SENTENCES


def run_json(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["result"]


def test_similarity_is_measured_on_languages_that_nothing_was_fitted_on(
    tmp_path: Path, capsys, bundled_e5
):
    path = tmp_path / "parallel.jsonl"
    texts = {**SENTENCES, "dz": ["ཀ", "ཁ", "ག"], "xx": SENTENCES["en"]}
    lines = [
        json.dumps({"language": language, "sentence": number, "text": text})
        for language, sentences in texts.items()
        for number, text in enumerate(sentences)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    result = run_json(capsys, "bench", "similarity", path, "--cache", tmp_path / "cache")
    known = sorted([*SENTENCES, "dz"])
    fitted = load_prior(bundled_e5.contract.weights).similarity.fitted_on
    assert {"de", "es"} < set(fitted)
    assert result["languages"] == [
        code for code in known[1::2] if code != "dz" and code not in fitted
    ]
    assert result["unknown"] == ["xx"]
    raw, ours, _, _ = result["rows"]
    assert (raw["figure"], ours["figure"], ours["threshold"]) == ("raw cosine", "similarity", 0.5)
    assert ours["AUROC"] >= raw["AUROC"] - 0.02
    assert ours["accuracy"] > 0.9
    assert len(result["pairs"]) == len(result["languages"]) * (len(result["languages"]) - 1) // 2
    again = run_json(capsys, "bench", "similarity", path, "--cache", tmp_path / "cache")
    assert again["rows"] == result["rows"]


def test_what_is_no_parallel_text_is_refused(tmp_path: Path, capsys):
    path = tmp_path / "parallel.jsonl"
    path.write_text('{"language": "de", "text": "a"}', encoding="utf-8")
    assert main(["bench", "similarity", str(path)]) == 1
    assert "line 1: KeyError('sentence')" in capsys.readouterr().err
    path.write_text('{"language": "de", "sentence": 1, "text": "a"}', encoding="utf-8")
    assert main(["bench", "similarity", str(path)]) == 1
    assert "does not hold two sentences in two languages" in capsys.readouterr().err
    assert main(["bench", "similarity", str(path), "--sentences", "1"]) == 1
    assert "--sentences 1" in capsys.readouterr().err


def test_mining_is_measured_where_half_has_no_translation(tmp_path: Path, capsys):
    path = tmp_path / "pairs.jsonl"
    more = ["It will rain tomorrow.", "I missed the train."]
    rows = [
        (language, text, english)
        for language in ("de", "sw")
        for text, english in zip(SENTENCES[language], SENTENCES["en"], strict=True)
    ]
    rows += [("fr", "Il pleuvra demain.", more[0]), ("fr", "J'ai raté le train.", more[1])]
    lines = [
        json.dumps({"language": one, "text": two, "english": three}) for one, two, three in rows
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    result = run_json(capsys, "bench", "bitext", path)
    german = next(row for row in result["languages"] if row["language"] == "de")
    assert set(german["mining"]) == {
        "raw, ratio",
        "raw, distance",
        "centred, ratio",
        "centred, distance",
    }
    for figures in german["mining"].values():
        assert figures["gold"] == 2  # of three sentences the second lost its translation
        assert figures["recall"] == 1.0
    assert result["mean"]["mining"]["raw, ratio"]["f1"] > 0.8


def test_figures_are_counted_by_hand():
    assert best_threshold(np.array([0.5, 0.5, 0.9]), np.array([1.0, 0.0, 1.0])) == 0.9
    assert calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    assert evenly(["a", "b"], 5) == ["a", "b"]
    figures = np.linspace(0, 1, 50)
    truths = (np.random.default_rng(1).random(50) < 1 / (1 + np.exp(4 - 8 * figures))).astype(float)
    mapped = logistic_map(figures, truths)(figures)
    assert mapped.sum() == pytest.approx(truths.sum())  # a maximum of the likelihood
    assert (np.diff(mapped) > 0).all()
    intercept, slope = logistic_fit(figures[:, np.newaxis], truths)
    assert mapped[0] == pytest.approx(1 / (1 + np.exp(-intercept)))
    assert slope > 0


def test_halves_share_no_language_and_leave_out_what_the_model_can_not_read(bundled_e5):
    prior = load_prior(bundled_e5.contract.weights)
    fitted, held_out = halves(["bo", "de", "dz", "en", "fr", "sw"], prior)
    assert (fitted, held_out) == (["fr"], ["de", "en", "sw"])


TOPICS = {
    "science/technology": ["The telescope measures light.", "A new engine was invented."],
    "travel": ["The hotel is near the station.", "Take the ferry to the island."],
    "politics": ["The parliament voted on the law.", "The president lost the election."],
    "sports": ["The team won the final.", "She ran the marathon."],
    "health": ["The doctor treats the infection.", "Vaccines prevent diseases."],
    "entertainment": ["The film won a prize.", "The band plays tonight."],
    "geography": ["The river flows to the sea.", "The mountain is very high."],
}


def sib_folder(tmp_path: Path) -> Path:
    """Return files as SIB-200's, in two languages of which one was fitted on."""
    rows = [(topic, text) for topic, texts in TOPICS.items() for text in texts]
    for code in ("eng_Latn", "ita_Latn", "deu_Latn"):
        (tmp_path / "sib" / code).mkdir(parents=True)
        for split, chosen in (("train", rows[::2]), ("dev", []), ("test", rows[1::2])):
            lines = [f"{rows.index(row)}\t{row[0]}\t{row[1]}" for row in chosen]
            text = "\n".join(["index_id\tcategory\ttext", *lines]) + "\n"
            (tmp_path / "sib" / code / f"{split}.tsv").write_text(text, encoding="utf-8")
    return tmp_path / "sib"


def test_topics_are_measured_in_languages_that_nothing_was_fitted_on(tmp_path, capsys):
    folder = sib_folder(tmp_path)
    result = run_json(capsys, "bench", "topics", folder, "--cache", tmp_path / "cache")
    assert result["languages"] == ["eng_Latn", "ita_Latn"]
    clusters = {(row["k-means of"], row["languages"]): row for row in result["clusters"]}
    assert set(clusters) == {
        (kind, count) for kind in ("the model's own", "languages out") for count in (1, 2)
    }
    assert clusters["languages out", 1]["language purity"] == 1
    rows = {(row["labels"], row["by"]): row for row in result["classification"]}
    raw, ours = (rows["English names", by] for by in ("raw cosines", "languages out"))
    assert raw["error"] is None
    assert ours["accuracy"] >= 0.7
    assert 0 <= ours["none: wrongly"] <= ours["none: told"] <= 1
    assert rows["in the text's language", "languages out"]["languages"] == 1  # English


def test_what_is_no_folder_of_topics_is_refused(tmp_path, capsys):
    assert main(["bench", "topics", str(tmp_path)]) == 1
    assert "data/annotated" in capsys.readouterr().err
    folder = sib_folder(tmp_path)
    (folder / "eng_Latn" / "train.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    assert main(["bench", "topics", str(folder)]) == 1
    assert "index_id, category and text" in capsys.readouterr().err
    assert main(["bench", "topics", str(folder), "--languages", "0"]) == 1
    assert main(["bench", "topics", str(folder), "--only", "deu_Latn"]) == 1  # fitted on
    assert "deu_Latn" in capsys.readouterr().err
