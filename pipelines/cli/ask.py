"""``rag-engine ask``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from rag_engine.pipelines import output
from rag_engine.pipelines.cli.options import (
    HistoryFile,
    InLanguages,
    Instruction,
    KbDir,
    OtherFormulations,
    Question,
    QuestionLanguage,
    SettingsFile,
    Where,
    checked_file,
    chosen_filter,
    load_history,
    open_kb,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.records import Message
from rag_engine.serialisation import AskReply

__all__ = ["ask"]


def ask(
    question: Question,
    *,
    kb: KbDir,
    settings: SettingsFile = None,
    also: OtherFormulations = None,
    history: HistoryFile = None,
    remember: Annotated[
        bool,
        typer.Option(
            "--remember",
            help="Add question and answer to the file of --history, which is made if missing.",
        ),
    ] = False,
    instruction: Instruction = None,
    language: QuestionLanguage = None,
    languages: InLanguages = None,
    where: Where = None,
    answer_language: Annotated[
        str | None,
        typer.Option(
            "--answer-language",
            metavar="LANGUAGE",
            help="The answer's language.",
            show_default="the question's",
        ),
    ] = None,
) -> Outcome:
    """Answer a question, with sources."""
    if remember and history is None:
        raise typer.BadParameter("--remember needs --history FILE, the file to write to")
    if remember:
        checked_file(history)
    chosen = chosen_filter(languages, where)
    said = [] if remember and history and not history.exists() else load_history(history)
    with open_kb(kb, settings, read_only=True) as opened:
        answer = opened.ask(
            question,
            also=also or (),
            history=said,
            where=chosen,
            language=language,
            answer_language=answer_language,
            instruction=instruction,
        )
    if remember and history is not None:
        said += [Message("user", question), Message("assistant", answer.text)]
        messages = [asdict(message) for message in said]
        text = json.dumps(messages, ensure_ascii=False, indent=1)
        history.write_text(f"{text}\n", encoding="utf-8")
    return Outcome(
        result=AskReply.of(question, answer).model_dump(),
        lines=output.answer_lines(answer),
    )
