"""``rag-engine reembed`` as a person or a script uses it, with the bundled model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit

NOTES = {
    "pumpe.txt": "Die Pumpe X-200 braucht jedes Jahr eine neue Dichtung. Der Filter hält länger.",
    "garantie.txt": "La garantie dure trois ans. Gardez la facture avec la machine.",
    "water.txt": "The water may be as warm as sixty degrees. Do not run the pump dry.",
    "книга.txt": "Книги выдаются на четыре недели. Продлить можно один раз.",
    "dog.txt": "Dogs may come along on the bus if they wear a muzzle.",
    "ferry.txt": "Le bateau part à sept heures et revient le soir.",
}
QUESTIONS = {
    "How often does the seal have to be replaced?": "notes/pumpe.txt",
    "Wie lange gilt die Garantie?": "notes/garantie.txt",
    "Quelle température l'eau peut-elle avoir ?": "notes/water.txt",
    "How long may I keep a book?": "notes/книга.txt",
    "Darf mein Hund mit in den Bus?": "notes/dog.txt",
    "When does the ship leave?": "notes/ferry.txt",
}


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path):
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.fixture
def kb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert run_json(capsys, "index", folder, "--kb", tmp_path / "kb")[0] == Exit.DONE
    lines = [json.dumps({"question": q, "document": d}) for q, d in QUESTIONS.items()]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "kb"


def toml(kb: Path, text: str) -> Path:
    path = kb.with_name("new.toml")
    path.write_text(text, encoding="utf-8")
    return path


def first_hit(capsys: pytest.CaptureFixture[str], kb: Path, question: str) -> str:
    _, found = run_json(capsys, "search", question, "--kb", kb)
    return str(found["result"]["hits"][0]["document"])


def test_measured_put_in_place_and_back(capsys, kb: Path):
    new = toml(kb, "[chunking]\nmax_tokens = 16\n")
    questions = kb.with_name("questions.jsonl")
    arguments = ("reembed", "--kb", kb, "--settings", new, "--questions", questions)

    status, report = run_json(capsys, *arguments, "--no-flip")
    assert (status, report["result"]["in_place"]) == (Exit.DONE, False)
    assert report["result"]["written"]["added"] == 6
    assert report["result"]["differing"] == {"chunking.max_tokens": [256, 16]}
    measured = report["result"]["questions"]
    assert set(measured) == {"all", "de", "en", "fr"}
    assert measured["all"]["questions"] == 6
    assert measured["all"]["old"]["hit@1"] == 1.0
    assert measured["en"]["questions"] == 3

    assert main([*map(str, arguments), "--only-if-better"]) == Exit.DONE
    printed = capsys.readouterr().out
    assert "chunking.max_tokens: 256 -> 16" in printed
    assert "documents: 0 added, 0 replaced, 0 deleted; 0 chunks embedded" in printed
    assert "hit@1" in printed
    assert f"in place: {kb}; the other one is at {kb}.before" in printed
    _, held = run_json(capsys, "inspect", "--kb", kb)
    assert held["result"]["contract"]["chunking.max_tokens"] == 16
    for question, document in QUESTIONS.items():
        assert first_hit(capsys, kb, question) == document

    status, report = run_json(capsys, "index", kb.with_name("notes"), "--kb", kb)
    assert (report["result"]["unchanged_files"], report["result"]["chunks"]) == (6, 0)

    (kb.with_name("notes") / "new.txt").write_text("The lamp is green.", encoding="utf-8")
    run_json(capsys, "index", kb.with_name("notes"), "--kb", kb)
    status, report = run_json(capsys, "reembed", "--kb", kb, "--back")
    assert (status, report["result"]["written"]["added"]) == (Exit.DONE, 1)
    _, held = run_json(capsys, "inspect", "--kb", kb)
    assert held["result"]["contract"]["chunking.max_tokens"] == 256
    assert first_hit(capsys, kb, "Welche Farbe hat die Lampe?") == "notes/new.txt"

    status, report = run_json(capsys, "reembed", "--kb", kb, "--settings", new)
    assert report["result"]["written"]["added"] == 0
    status, report = run_json(capsys, "reembed", "--kb", kb, "--back", "--lose-newer")
    assert (status, report["result"]["lost"]["added"]) == (Exit.DONE, 0)


def test_a_worse_one_is_not_put_in_place(capsys, kb: Path):
    new = toml(kb, '[embedder]\nkind = "tests.doubles:HashEmbedder"\n')
    questions = kb.with_name("questions.jsonl")
    arguments = ("reembed", "--kb", kb, "--settings", new, "--questions", questions)
    status, report = run_json(capsys, *arguments, "--only-if-better")
    assert status == Exit.PROBLEMS
    assert not report["result"]["in_place"]
    assert report["result"]["questions"]["all"]["difference"]["ndcg@10"]["standing"] == "below"
    [problem] = report["problems"]
    assert "is worse" in problem["reason"]
    assert "--only-if-better" in problem["reason"]
    assert first_hit(capsys, kb, "How long may I keep a book?") == "notes/книга.txt"


def test_another_contract_names_the_command(capsys, kb: Path):
    new = toml(kb, "[chunking]\nmax_tokens = 16\n")
    status, report = run_json(capsys, "search", "pump", "--kb", kb, "--settings", new)
    assert (status, report["error"]["type"]) == (Exit.FAILED, "ContractMismatch")
    assert "rag-engine reembed --kb DIR --settings TOML" in report["error"]["message"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--back", "--no-flip"], "--no-flip has no effect with --back"),
        (["--lose-newer"], "--lose-newer is for --back"),
        (["--only-if-better"], "--only-if-better needs questions"),
        (["--questions", "none.jsonl"], "questions none.jsonl"),
        (["--back"], "nothing to go back to"),
    ],
    ids=["no-flip", "lose-newer", "only-if-better", "no questions", "no before"],
)
def test_what_has_no_effect_is_refused(capsys, tmp_path: Path, options, message):
    status, report = run_json(capsys, "reembed", "--kb", tmp_path / "kb", *options)
    assert status == Exit.FAILED
    assert message in report["error"]["message"]
