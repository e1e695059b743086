"""A set whose questions are asked in several languages, asked alone and with their translations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.evaluation.datasets import load_test_set
from rag_engine.pipelines.recipes.measure_formulations import draw, main

QUESTIONS = {
    "pump": {
        "en": "How often is the pump cleaned?",
        "de": "Wie oft wird die Pumpe gereinigt?",
        "fr": "À quelle fréquence nettoie-t-on la pompe ?",
        "it": "Ogni quanto si pulisce la pompa?",
    },
    "crane": {
        "en": "How much does the crane carry?",
        "de": "Wie viel trägt der Kran?",
        "fr": "Combien porte la grue ?",
        "it": "Quanto porta la gru?",
    },
}
PASSAGES = {
    "pump": "La bomba se limpia cada seis meses.",
    "crane": "The crane carries two tons.",
    "door": "Die Tür bleibt nachts geschlossen.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": name, "text": text} for name, text in PASSAGES.items()]
    questions = [
        {"_id": f"{language}-{name}", "text": text}
        for name, languages in QUESTIONS.items()
        for language, text in languages.items()
    ]
    for file, rows in (("corpus.jsonl", documents), ("queries.jsonl", questions)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / file).write_text(lines, encoding="utf-8")
    judged = [f"{question['_id']}\t{question['_id'].split('-')[1]}\t1\n" for question in questions]
    (folder / "qrels" / "test.tsv").write_text("q\td\ts\n" + "".join(judged), encoding="utf-8")
    return folder


def test_a_question_is_drawn_in_one_language_with_its_translations(folder: Path):
    asked = draw(load_test_set(folder), 2)
    assert draw(load_test_set(folder), 2) == asked
    assert {question["id"].split("-")[1] for question in asked} == set(QUESTIONS)
    for question in asked:
        language, name = question["id"].split("-")
        texts = QUESTIONS[name]
        assert question["own"] == texts[language] != question["english"] == texts["en"]
        others = {question["own"], question["third"], question["fourth"]}
        assert others == set(texts.values()) - {texts["en"]}
        assert question["unrelated"] not in texts.values()
        assert set(question["keywords"].split()) < set(question["own"].split())


def test_every_way_of_asking_is_measured(folder: Path, tmp_path: Path, capsys):
    main([str(folder), str(tmp_path / "kb"), "2"])
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "2 questions over 3 documents"
    figures = {
        name: [float(cell) for cell in cells]
        for name, *cells in ([cell.strip() for cell in row.strip("| ").split("|")] for row in rows)
    }
    assert len(figures) == 6
    ndcg, first, there, gone = figures["question, English"]
    assert (ndcg, first) == (1.0, 1.0)
    assert there > gone
