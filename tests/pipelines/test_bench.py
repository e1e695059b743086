"""The benchmarks: that they run, that their figures are of what they say, not what they are."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from rag_engine.calibration.token_space import load_token_space
from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench import peers
from rag_engine.pipelines.bench.bench_report import median_seconds
from rag_engine.pipelines.bench.embed import bench_embed
from rag_engine.pipelines.bench.peers import PeerFailed, bench_peers
from rag_engine.pipelines.bench.search import bench_search
from rag_engine.pipelines.bench.stopwatch import Stopwatch
from rag_engine.pipelines.bench.synthetic_corpus import DrawnCorpus, DrawnEmbedder
from rag_engine.pipelines.bench.texts import sample_questions, sample_texts, synthetic_documents
from rag_engine.pipelines.bench.write_path import bench_index
from rag_engine.pipelines.cli import main
from rag_engine.settings import Settings


@pytest.fixture(scope="module")
def texts():
    return sample_texts()


@pytest.fixture(scope="module")
def corpus(texts, bundled_e5):
    space = load_token_space(bundled_e5.contract.weights)
    real = synthetic_documents(120, texts)
    return DrawnCorpus(real, bundled_e5, space, FastTextDetector())


def test_texts_are_different_and_the_same_again(texts):
    documents = synthetic_documents(200, texts)
    assert len({each.text for each in documents}) == len({each.id for each in documents}) == 200
    assert documents == synthetic_documents(200, texts)
    assert sample_questions(5, texts) == sample_questions(5, texts)


def test_drawn_vectors_have_the_mean_and_the_spread_of_the_real_ones(corpus):
    drawn = np.array([corpus.vector(number) for number in range(2_000)])
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-5)
    real = corpus.vectors
    assert np.linalg.norm(drawn.mean(axis=0) - real.mean(axis=0)) < 0.05
    spreads = [each.var(axis=0).sum() for each in (drawn, real)]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.1)
    assert len(np.unique(drawn, axis=0)) >= 1_990  # b and c may be the same passage


def test_a_drawn_document_is_given_what_was_drawn_for_it(corpus, bundled_e5):
    embedder = DrawnEmbedder(bundled_e5, corpus)
    documents = [corpus.document(3), corpus.real[5], corpus.document(4)]
    space = load_token_space(bundled_e5.contract.weights)
    given = [each.text for each in documents]
    vectors, tokens = embedder.embed_passage_tokens([*given, "Das steht nirgends."], space.basis)
    np.testing.assert_array_equal(vectors[0], corpus.vector(3))
    np.testing.assert_array_equal(vectors[1], corpus.vectors[5])
    np.testing.assert_array_equal(vectors[2], corpus.vector(4))
    expected = bundled_e5.embed_passages(["Das steht nirgends."])[0]
    np.testing.assert_allclose(vectors[3], expected, atol=1e-6)
    assert tokens[0] is corpus.token_vectors(3)
    assert embedder.embed_passages([]).shape == (0, 384)
    assert len({each.text for each in map(corpus.document, range(500))}) == 500


def test_a_stopwatch_adds_up():
    class Sleeper:
        def sleep(self, times: int) -> int:
            time.sleep(0.01)
            return times if times == 1 else self.sleep(times - 1) + 1

    calls: list[tuple[int, int]] = []
    watch, sleeper = Stopwatch(), Sleeper()
    watch.time(sleeper.sleep, "sleeping", then=lambda result, times: calls.append((result, times)))
    started = time.perf_counter()
    for _ in range(3):
        assert sleeper.sleep(2) == 2
    taken = time.perf_counter() - started
    assert 0.06 <= watch.seconds["sleeping"] <= taken  # what calls itself counts once
    assert calls == [(2, 2)] * 3
    assert median_seconds(lambda: None, repeats=3) < 0.01


def test_index(tmp_path: Path):
    found = bench_index(40, tmp_path / "kb").result
    assert found["documents"] == 40
    assert sum(found["stages_s"].values()) == pytest.approx(found["total_s"], abs=0.1)
    assert found["stages_s"]["embedding"] > 0
    with pytest.raises(InvalidInput, match="0"):
        bench_index(0, None)


def test_search(tmp_path: Path, capsys):
    report = tmp_path / "report.json"
    arguments = ["bench", "search", "--chunks", "150", "--queries", "10", "--json"]
    assert main([*arguments, "--kb", str(tmp_path / "kb"), "--report", str(report)]) == 0
    found = json.loads(report.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out)["result"] == found
    assert found["chunks"] >= 150
    assert found["recall"] == 1  # so few are searched exactly
    stages = found["ms"]
    assert stages["all"]["p50"] > stages["embed"]["p50"] > 0
    assert set(found["questions_per_s"]) == {"1", "2", "8"}
    again = bench_search(150, 10, tmp_path / "kb", Settings())  # it is there: nothing is built
    assert "build_s" not in again.result
    with pytest.raises(InvalidInput, match="5"):
        bench_search(5, 10, None, Settings())


def test_bitext(tmp_path: Path, capsys):
    pairs = [
        ("deu", "Die Katze schläft auf dem Sofa.", "The cat sleeps on the sofa."),
        ("deu", "Morgen wird es regnen.", "It will rain tomorrow."),
        ("deu", "Ich habe den Zug verpasst.", "I missed the train."),
        ("xxx", "It will rain tomorrow.", "The cat sleeps on the sofa."),  # no translation
        ("xxx", "The cat sleeps on the sofa.", "It will rain tomorrow."),
    ]
    path = tmp_path / "pairs.jsonl"
    lines = [
        json.dumps({"language": language, "text": text, "english": english})
        for language, text, english in pairs
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert main(["bench", "bitext", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["result"]
    assert {each["language"]: each["accuracy"] for each in found["languages"]} == {
        "deu": 1.0,
        "xxx": 0.0,
    }
    assert found["mean"]["accuracy"] == 0.5
    path.write_text('{"language": "deu"}', encoding="utf-8")
    assert main(["bench", "bitext", str(path)]) == 1
    assert "line 1: KeyError('text')" in capsys.readouterr().err


def typed(folder: Path, questions: list[tuple[str, str, str]]) -> Path:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    corpus = [
        {"_id": "pump", "text": "Die Wärmepumpe wird im Frühjahr geprüft."},
        {"_id": "bread", "text": "Le pain est cuit à six heures."},
    ]
    rows = [
        {"_id": name, "text": text, "language": "de", "kind": kind}
        for name, text, kind in questions
    ]
    for name, lines in (("corpus", corpus), ("queries", rows)):
        text = "\n".join(json.dumps(line) for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    judged = "".join(f"{name}\tpump\t1\n" for name, _, _ in questions)
    (folder / "qrels" / "test.tsv").write_text(f"q\td\ts\n{judged}", encoding="utf-8")
    return folder


def test_typing(tmp_path: Path, capsys):
    questions = [
        ("a", "Wann wird die Wärmepumpe geprüft?", "as written"),
        ("a-bare", "wann wird die waermepumpe geprueft", "letters otherwise"),
        ("b", "Was geschieht mit der Wärmepumpe im Frühjahr?", "as written"),
        ("b-bare", "à quelle heure est cuit le pain", "something else"),  # finds the other one
    ]
    folder = typed(tmp_path / "set", questions)
    assert main(["bench", "typing", "--set", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["result"]
    assert [(each["kind"], each["mrr_otherwise"]) for each in found["kinds"]] == [
        ("letters otherwise", 1.0),
        ("something else", 0.5),
    ]
    assert found["languages"] == [
        {
            "language": "de",
            "questions": 2,
            "first_as_written": 2,
            "first_otherwise": 1,
            "mrr_as_written": 1.0,
            "mrr_otherwise": 0.75,
        }
    ]
    assert [(each["as_written"], each["otherwise"]) for each in found["questions"]] == [
        (1, 1),
        (1, 2),
    ]
    assert main(["bench", "typing", "--set", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line] == [
        "kind",
        "letters",
        "something",
        "all",
        "language",
        "de",
    ]
    typed(folder, questions[:3])
    assert main(["bench", "typing", "--set", str(folder)]) == 1
    assert "question 'b' has no pair" in capsys.readouterr().err
    typed(folder, [("b-bare", "wann", "letters otherwise")])
    assert main(["bench", "typing", "--set", str(folder)]) == 1
    assert "question 'b-bare' has no pair" in capsys.readouterr().err
    typed(folder, [])
    assert main(["bench", "typing", "--set", str(folder)]) == 1
    assert "no question with a right passage" in capsys.readouterr().err


def test_embedding_with_too_little():
    with pytest.raises(InvalidInput, match="3"):
        bench_embed(passages=3)


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    corpus = ["Die Pumpe wird im Herbst geprüft.", "Le pain est cuit à six heures."]
    rows = [json.dumps({"_id": f"d{n}", "text": text}) for n, text in enumerate(corpus)]
    (folder / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    question = json.dumps({"_id": "q", "text": "When is the pump checked?"})
    (folder / "queries.jsonl").write_text(question, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("q\td\ts\nq\td0\t1\n", encoding="utf-8")
    return folder


def test_peers_ours_is_measured_and_a_failed_peer_is_told(small_set, tmp_path, monkeypatch):
    def fails(*_: object) -> None:
        raise PeerFailed("no such framework")

    monkeypatch.setattr(peers, "_peer", fails)
    monkeypatch.setattr(peers, "export_bundled", lambda folder, adapter: folder.mkdir())
    found = bench_peers(small_set, peers=["txtai"], work=tmp_path / "work")
    [ours] = found.result["frameworks"]
    assert (ours["framework"], ours["nDCG@10"], ours["ratio"]) == ("rag_engine", 1.0, 1.0)
    assert found.result["failures"] == [{"peer": "txtai", "reason": "no such framework"}]
    assert any("txtai" in line for line in found.lines)
    with pytest.raises(InvalidInput, match="2 passages"):
        bench_peers(small_set, chunks=1, work=tmp_path / "work")
