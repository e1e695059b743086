"""Files of every text format are indexed and asked about in other languages, by the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit

FILES = {
    "messen.ipynb": json.dumps(
        {
            "nbformat": 4,
            "cells": [
                {"cell_type": "markdown", "source": "# Messung\n\nDer Sensor misst den pH-Wert."},
                {"cell_type": "markdown", "source": "Die Batterie hält achtzehn Monate."},
                {"cell_type": "code", "source": "read_sensor()", "outputs": []},
            ],
        }
    ),
    "vortrag.srt": (
        "1\n00:12:30,000 --> 00:12:33,000\nالآن نغسل المرشح\n\n"
        "2\n00:12:33,100 --> 00:12:36,000\nبماء بارد كل أسبوع.\n"
    ),
    "fuehrung.vtt": (
        "WEBVTT\n\n00:01:05.000 --> 00:01:09.000\n<v 佐藤>倉庫の鍵は受付の引き出しにあります。\n"
    ),
    "handbuch.rst": "Гарантия\n========\n\nГарантия на насос действует четыре года.\n",
    "plan.adoc": "= Kış\n\n== Don\n\nDon tehlikesi varsa su *boruları* boşaltılır.\n",
    "pt.po": (
        'msgid ""\nmsgstr "Language: pt\\n"\n\n'
        'msgid "Payment failed"\nmsgstr "O pagamento com cartão foi recusado."\n'
    ),
    "blog.rss": (
        '<rss version="2.0"><channel><title>समाचार</title><item><title>नई दुकान</title>'
        "<link>https://example.org/1</link><description>हमारी नई दुकान पुणे में सोमवार को खुलेगी।"
        "</description></item></channel></rss>"
    ),
    "teile.xml": "<liste><teil><farbe>rouge</farbe><usage>Le joint rouge est pour l'eau chaude."
    "</usage></teil></liste>",
    "i18n.json": '{"versand": {"frist": "Wysyłka trwa trzy dni robocze."}}',
}
QUESTIONS = {
    "How long does the battery last?": ("messen.ipynb", ["Messung", "#1-3"]),
    "How often is the filter washed?": ("vortrag.srt", ["00:12:30"]),
    "Wo ist der Schlüssel zum Lager?": ("fuehrung.vtt", ["00:01:05"]),
    "How many years is the pump guaranteed?": ("handbuch.rst", ["Гарантия"]),
    "Must water pipes be emptied when there is a danger of frost?": ("plan.adoc", ["Kış", "Don"]),
    "カード払いが拒否された": ("pt.po", ["Payment failed"]),
    "Where does the new shop open?": ("blog.rss", ["नई दुकान"]),
    "Welche Dichtung nimmt man für heißes Wasser?": ("teile.xml", []),
    "How many days does shipping take?": ("i18n.json", []),
}


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("formats")
    (home / "docs").mkdir()
    for name, content in FILES.items():
        (home / "docs" / name).write_text(content, encoding="utf-8")
    assert main(["index", str(home / "docs"), "--kb", str(home / "kb")]) == Exit.DONE
    return home / "kb"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_in_another_language_finds_the_place(
    capsys: pytest.CaptureFixture[str], kb: Path, question: str
) -> None:
    name, section = QUESTIONS[question]
    capsys.readouterr()
    assert main(["search", question, "--kb", str(kb), "-k", "1", "--json"]) == Exit.DONE
    [hit] = json.loads(capsys.readouterr().out)["result"]["hits"]
    assert (hit["document"], hit["section"]) == (f"docs/{name}", section)
