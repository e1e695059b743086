"""The command line as a person or a script uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.pipelines import demo
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.demo import SampleQuestion
from rag_engine.pipelines.output import Exit


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main([str(each) for each in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path):
    status, out, _ = run(capsys, *arguments, "--json")
    return status, json.loads(out)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "handbook"
    (home / "rules").mkdir(parents=True)
    (home / "pump.md").write_text(
        "# Pumpe\n\n## Wartung\n\nDie Dichtung wird jedes Jahr ersetzt.\n", encoding="utf-8"
    )
    (home / "rules" / "garantie.txt").write_text(
        "La garantie dure trois ans. Gardez la facture.", encoding="utf-8"
    )
    (home / "parts.csv").write_text(
        "id,text,price\nA1,水泵的密封圈,12\nA2,过滤器滤芯,8\n", encoding="utf-8"
    )
    (home / "song.mp3").write_bytes(b"ID3")
    return home


def test_the_life_of_a_knowledge_base(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    status, report = run_json(capsys, "index", folder, "--kb", kb)
    assert status == Exit.DONE
    assert report["ok"] is True
    assert (report["result"]["files"], report["result"]["added"]) == (4, 4)
    assert report["result"]["skipped"][0]["source"] == "handbook/song.mp3"

    status, found = run_json(capsys, "search", "How long is the warranty?", "--kb", kb, "-k", "2")
    assert status == Exit.DONE
    assert found["result"]["language"] == "en"
    best = found["result"]["hits"][0]
    assert (best["document"], best["language"]) == ("handbook/rules/garantie.txt", "fr")
    assert (best["title"], best["source"]) == ("", "handbook/rules/garantie.txt")
    assert set(best["parts"]) == {
        "dense",
        "dense_plain",
        "lexical",
        "matched_terms",
        "late",
        "rerank",
        "rerank_failure",
        "rank_before_rerank",
        "follow_up",
        "translations",
        "translation_failures",
        "answerable",
        "image",
    }
    assert best["twins"] == []
    also = ("--also", "Wie oft wird die Dichtung ersetzt?", "--also", "seal replacement")
    for command in ("search", "ask"):
        _, alone = run_json(capsys, command, "seal", "--kb", kb)
        _, found = run_json(capsys, command, "seal", "--kb", kb, *also)
        before, after = (
            {hit["document"]: hit["parts"]["lexical"] for hit in reply["result"]["hits"]}
            for reply in (alone, found)
        )
        assert after["handbook/pump.md"] > before.get("handbook/pump.md", 0.0) == 0.0
    for command in ("search", "ask"):  # the bundled model was not trained with instructions
        _, failed = run_json(capsys, command, "seal", "--kb", kb, "--instruction", "Find a rule")
        assert "takes no instruction" in failed["error"]["message"]
    status, failed = run_json(capsys, "search", "seal", "--kb", kb, "--also", " ")
    assert (status, failed["error"]["type"]) == (Exit.FAILED, "InvalidInput")
    _, found = run_json(capsys, "search", "seal", "--kb", kb, "--min-score", "0.9999")
    assert found["result"]["hits"] == []
    _, found = run_json(capsys, "search", "seal", "--kb", kb, "--where", "price=12")
    assert found["result"]["hits"][0]["document"] == "handbook/parts.csv#A1"
    _, found = run_json(capsys, "search", "seal", "--kb", kb, "--in", "de")
    assert [hit["section"] for hit in found["result"]["hits"]] == [["Pumpe", "Wartung"]]

    question = "¿Cada cuánto se cambia la junta?"
    status, out, _ = run(capsys, "ask", question, "--kb", kb)
    assert status == Exit.DONE
    assert "“Die Dichtung wird jedes Jahr ersetzt.” [" in out
    assert "jedes Jahr" in out
    _, asked = run_json(capsys, "ask", question, "--kb", kb, "--answer-language", "ja")
    assert any("not in 'ja'" in warning for warning in asked["result"]["warnings"])
    _, asked = run_json(
        capsys, "ask", question, "--kb", kb, "--where", "format=none", "--answer-language", "fr"
    )
    assert (asked["result"]["supported"], asked["result"]["language"]) == (False, "fr")

    for command in ("search", "ask"):  # a source that states no title is shown by its name
        _, out, _ = run(capsys, command, "How long is the warranty?", "--kb", kb)
        assert "handbook/rules/garantie.txt" in out

    status, told = run_json(capsys, "inspect", "--kb", kb)
    assert told["result"]["documents"] == 4
    assert told["result"]["languages"]["zh"] == 2
    status, out, _ = run(capsys, "inspect", "--kb", kb)
    assert "zh" in out
    assert "embedder.weights" in out


def test_indexing_again(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    run(capsys, "index", folder, "--kb", kb)
    _, report = run_json(capsys, "index", folder, "--kb", kb)
    assert report["result"]["unchanged_files"] == 3
    assert report["result"]["added"] == report["result"]["updated"] == 0
    (folder / "pump.md").write_text("# Pumpe\n\nAlles neu.\n", encoding="utf-8")
    (folder / "parts.csv").write_text("id,text\nA1,水泵的密封圈\n", encoding="utf-8")
    (folder / "rules" / "garantie.txt").unlink()
    _, report = run_json(capsys, "index", folder, "--kb", kb)
    assert report["result"]["updated"] == 2
    assert report["result"]["deleted"] == 1
    _, report = run_json(capsys, "index", folder, "--kb", kb, "--sync")
    assert report["result"]["deleted"] == 1
    _, told = run_json(capsys, "inspect", "--kb", kb)
    assert told["result"]["documents"] == 2
    (folder / "parts.csv").write_text("id,text\nA1,X-200 4711\n", encoding="utf-8")
    run(capsys, "index", folder, "--kb", kb, "--language", "sw")
    _, found = run_json(capsys, "search", "X-200", "--kb", kb, "--in", "sw")
    assert "handbook/parts.csv#A1" in {hit["document"] for hit in found["result"]["hits"]}


def test_bad_files_are_reported_again_and_again(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    (folder / "empty.txt").write_text(" \n", encoding="utf-8")
    (folder / "rows.jsonl").write_text('{"text": "gut"}\n{"text": \n', encoding="utf-8")
    for _ in range(2):
        status, report = run_json(capsys, "index", folder, "--kb", kb)
        assert status == Exit.PROBLEMS
        sources = {each["source"].split("#")[0] for each in report["problems"]}
        assert sources == {"handbook/broken.pdf", "handbook/empty.txt", "handbook/rows.jsonl"}
    _, told = run_json(capsys, "inspect", "--kb", kb)
    assert told["result"]["documents"] == 5


def test_a_bad_version_of_a_file_keeps_the_good_one(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    rows = folder / "rows.jsonl"
    rows.write_text('{"text": "Nur hier steht Xylophon."}\n', encoding="utf-8")
    run(capsys, "index", folder, "--kb", kb)
    rows.write_text('{"text": \n', encoding="utf-8")
    status, _ = run_json(capsys, "index", folder, "--kb", kb)
    assert status == Exit.PROBLEMS
    _, found = run_json(capsys, "search", "Xylophon", "--kb", kb, "-k", "1")
    assert found["result"]["hits"][0]["source"] == "handbook/rows.jsonl"


def test_an_emptied_file_loses_its_documents(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    run(capsys, "index", folder, "--kb", kb)
    (folder / "pump.md").write_text("\n", encoding="utf-8")
    status, report = run_json(capsys, "index", folder, "--kb", kb)
    assert status == Exit.PROBLEMS
    assert report["result"]["deleted"] == 1
    _, found = run_json(capsys, "search", "Dichtung", "--kb", kb, "--in", "DE")
    assert found["result"]["hits"] == []


def test_sync_touches_only_the_folder(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    run(capsys, "index", folder, "--kb", kb)
    for wrong in ([folder / "pump.md"], [folder, "--prefix", ""]):
        status, _, err = run(capsys, "index", *wrong, "--kb", kb, "--sync")
        assert status == Exit.FAILED
        assert "--sync" in err
    other = tmp_path / "elsewhere" / "handbook"
    other.mkdir(parents=True)
    (other / "new.txt").write_text("Ganz etwas anderes steht hier.", encoding="utf-8")
    status, _, err = run(capsys, "index", other, "--kb", kb, "--sync")
    assert status == Exit.FAILED
    assert "--prefix" in err
    _, report = run_json(capsys, "index", other, "--kb", kb, "--sync", "--prefix", "two")
    assert report["result"]["deleted"] == 0
    _, report = run_json(capsys, "index", folder / "pump.md", "--kb", kb)
    assert report["result"]["unchanged_files"] == 1


def test_one_file_that_nothing_reads(capsys, tmp_path: Path):
    (tmp_path / "a.xyz").write_bytes(b"x")
    status, told = run_json(capsys, "index", tmp_path / "a.xyz", "--kb", tmp_path / "kb")
    assert (status, told["result"]["skipped"]) == (Exit.PROBLEMS, [])
    assert ".docx" in told["problems"][0]["reason"]


def test_delete(capsys, tmp_path: Path, folder: Path):
    kb = tmp_path / "kb"
    run(capsys, "index", folder, "--kb", kb)
    status, done = run_json(capsys, "delete", "handbook/parts.csv", "handbook/pump.md", "--kb", kb)
    assert status == Exit.DONE
    assert len(done["result"]["deleted"]) == 3
    status, _, err = run(capsys, "delete", "nobody", "--kb", kb)
    assert status == Exit.PROBLEMS
    assert "nobody" in err
    assert run(capsys, "compact", "--kb", kb)[0] == Exit.DONE


def test_errors(capsys, tmp_path: Path):
    status, said = run_json(capsys, "search", "x", "--kb", tmp_path / "no")
    assert status == Exit.FAILED
    assert said["ok"] is False
    assert said["error"]["type"] == "StoreNotFound"
    status, _, err = run(capsys, "index", tmp_path / "no", "--kb", tmp_path / "kb")
    assert status == Exit.FAILED
    assert "does not exist" in err
    assert not (tmp_path / "kb").exists()
    assert main(["search"]) == Exit.USAGE


def test_the_demo(capsys, tmp_path: Path):
    status, told = run_json(capsys, "demo", "--kb", tmp_path / "kb")
    assert status == Exit.DONE
    assert len(told["result"]["answers"]) >= 5
    assert all(answer["citations"] for answer in told["result"]["answers"])
    status, out, _ = run(capsys, "demo", "--kb", tmp_path / "kb")
    assert status == Exit.DONE
    assert out.count("? ") >= 5


def test_the_demo_shows_the_nearest_passages_once(monkeypatch, tmp_path: Path):
    question = SampleQuestion(
        question="Which river flows through Paris?",
        language="en",
        document="",
        answer="",
        demo=True,
    )
    monkeypatch.setattr(demo, "sample_questions", lambda: [question])
    outcome = demo.run_demo(tmp_path / "kb")
    [answer] = outcome.result["answers"]
    assert not answer["supported"]
    nearest = answer["hits"][0]["document"]
    assert sum(nearest in line for line in outcome.lines) == 1


# Interrupts itself when it embeds while a document is in the catalogue: another process, or another
# thread, might come too late. Its batches are small, so that the second one comes soon.
INTERRUPTED = """
import contextlib, os, signal, sqlite3, sys
from rag_engine import ingest
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.pipelines.cli import main

ingest.BATCH_DOCUMENTS = 40

def documents(catalogue):
    if not os.path.exists(catalogue):
        return 0
    with contextlib.closing(sqlite3.connect(catalogue)) as connection:
        return connection.execute("SELECT count(*) FROM document").fetchone()[0]

def interrupted(embed):
    def checked(*given, **options):
        if documents(sys.argv[1]):
            signal.raise_signal(signal.SIGINT)
        return embed(*given, **options)
    return checked

for name in dir(BundledE5):
    if name.startswith("embed_passage"):
        setattr(BundledE5, name, interrupted(getattr(BundledE5, name)))
# A shell that starts something in the background lets it ignore the signal, and so all below it.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[2:]))
"""


def test_an_interrupted_run_goes_on_where_it_stopped(capsys, tmp_path: Path):
    rows = [
        {"id": str(number), "text": f"Satz {number}: die Pumpe Nummer {number * 7} läuft."}
        for number in range(100)
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(lines, encoding="utf-8")
    kb = tmp_path / "kb"
    arguments = ["index", str(tmp_path / "rows.jsonl"), "--kb", str(kb)]
    running = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, kb / "catalogue.sqlite", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    said = running.stderr
    assert running.returncode == Exit.INTERRUPTED
    assert "interrupted" in said
    with KnowledgeBase.open(kb, read_only=True) as reader:
        done = len(reader.document_ids())
    assert 0 < done < len(rows)
    _, report = run_json(capsys, *arguments)
    assert report["result"]["unchanged"] == done
    assert report["result"]["added"] == len(rows) - done


def test_a_search_without_its_reranker_says_so(capsys, tmp_path: Path, folder: Path):
    kb, settings = tmp_path / "kb", tmp_path / "rag.toml"
    run(capsys, "index", folder, "--kb", kb)
    settings.write_text(
        '[reranker]\nkind = "http"\nmodel = "m"\nbase_url = "http://127.0.0.1:9"\n'
        "max_retries = 0\n",
        encoding="utf-8",
    )
    asked = ("search", "warranty", "--kb", kb, "--settings", settings, "-k", "2")
    status, found = run_json(capsys, *asked)
    assert status == Exit.PROBLEMS
    [problem] = found["problems"]
    assert problem["source"] == "reranker"
    assert problem["reason"].startswith("the reranker 'm' failed: http://127.0.0.1:9 can not be")
    assert problem["reason"].endswith("; the order of retrieval stands")
    assert len(found["result"]["hits"]) == 2
    status, out, err = run(capsys, *asked)
    assert status == Exit.PROBLEMS
    assert "problem: reranker: the reranker 'm' failed" in err
    assert "garantie" in out
