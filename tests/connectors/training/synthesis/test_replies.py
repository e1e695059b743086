"""One clean question from whatever a model replies."""

from __future__ import annotations

import pytest

from rag_engine.connectors.training.synthesis.replies import (
    clean_question,
    has_question_mark,
    read_reply,
)
from rag_engine.ports import Prompt

PASSAGE = "Die Pumpe X-200 arbeitet mit acht Bar. Wartung: jährlich."


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        ("Wie hoch ist der Druck?", "Wie hoch ist der Druck?"),
        ("  „Wie hoch ist der Druck?“ \n", "Wie hoch ist der Druck?"),
        ("1. **Wie hoch ist der Druck?**\n2. Was ist eine Pumpe?", "Wie hoch ist der Druck?"),
        ("Sure! Here is a question:\n\n* Wie hoch ist der Druck?", "Wie hoch ist der Druck?"),
        ("Question in German (Deutsch): Wie hoch?", "Wie hoch?"),
        ("Swali: Shinikizo ni kiasi gani?", "Shinikizo ni kiasi gani?"),
        ("问题：压力是多少？", "压力是多少？"),
        ("Wartung: wann ist sie fällig?", "Wartung: wann ist sie fällig?"),
        ("Um 10:30 Uhr: was geschieht dann?", "Um 10:30 Uhr: was geschieht dann?"),
        ("Wie hoch ist der Druck?! Antwort: acht Bar.", "Wie hoch ist der Druck?!"),
        ("Wie hoch ist der Druck? (How high is it?)", "Wie hoch ist der Druck?"),
        ("<think>\nA question?\n</think>\nWie hoch ist er?", "Wie hoch ist er?"),
        ("<think>Should I ask how high? I", ""),
        ("```text\nWie hoch ist der Druck?\n```", "Wie hoch ist der Druck?"),
        ("¿Cuál es la presión?", "¿Cuál es la presión?"),
        ("Πόση είναι η πίεση; Οκτώ μπαρ.", "Πόση είναι η πίεση;"),
        ("Ինչպե՞ս է աշխատում պոմպը", "Ինչպե՞ս է աշխատում պոմպը"),
        ("ポンプの圧力はどのくらいですか。", "ポンプの圧力はどのくらいですか。"),
        ("Of course:\nแรงดันของปั๊มเท่าไร", "แรงดันของปั๊มเท่าไร"),
        ("Druck\x1b[31m\ud800 hoch?", "Druck [31m hoch?"),
        ("می‌خواهم بدانم فشار چقدر است؟", "می‌خواهم بدانم فشار چقدر است؟"),
        ("- \n***\n...", ""),
        ("", ""),
    ],
)
def test_a_reply_is_reduced_to_its_question(reply, question):
    assert clean_question(reply, PASSAGE) == question


def test_question_marks_of_many_scripts():
    assert all(map(has_question_mark, ["a?", "多少？", "چقدر؟", "የት ነው፧", "Ինչպե՞ս", "Πόσο;"]))
    assert not any(map(has_question_mark, ["a; b", "", "Wie hoch."]))


class Writer:
    """Writes pieces, and counts those that were taken."""

    name, quotes = "writer", False

    def __init__(self, *pieces: str) -> None:
        self._pieces = pieces
        self.taken = 0
        self.closed = False

    def generate(self, prompt: Prompt):
        try:
            for piece in self._pieces:
                self.taken += 1
                yield piece
        finally:
            self.closed = True


PROMPT = Prompt(system="", user="", question="", language="de")


def test_reading_stops_at_a_whole_question():
    writer = Writer("<think>Why?\n", "</think>", "Wie", " hoch?", "\nUnd", " noch eine?\n")
    assert read_reply(writer, PROMPT) == "<think>Why?\n</think>Wie hoch?\nUnd"
    assert (writer.taken, writer.closed) == (5, True)


def test_reading_stops_where_nothing_comes_of_it():
    writer = Writer(*["bla " * 100] * 50)
    assert len(read_reply(writer, PROMPT)) == 1200
    writer = Writer(*["bla "] * 50)
    read_reply(writer, PROMPT, stopped=lambda: True)
    assert (writer.taken, writer.closed) == (1, True)
