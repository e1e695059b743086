"""``rag-engine ask``."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from rag_engine.answering.strictness import checked_strictness
from rag_engine.pipelines import output
from rag_engine.pipelines.cli.history import load_history, write_history
from rag_engine.pipelines.cli.opening import open_to_ask
from rag_engine.pipelines.cli.options import (
    HistoryFile,
    InLanguages,
    Instruction,
    KbDirs,
    OtherFormulations,
    Question,
    QuestionLanguage,
    SettingsFile,
    Where,
    checked_file,
    chosen_filter,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.records import Answer, Message, Problem

__all__ = ["ask"]


def ask(
    question: Question,
    *,
    kb: KbDirs,
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
    k: Annotated[
        int | None,
        typer.Option(
            "-k", metavar="K", help="Most passages that are read.", show_default="answering.hits"
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            metavar="P",
            help="Read only passages that answer with at least this probability, 0 to 1.",
            show_default="answering.min_score",
        ),
    ] = None,
    strictness: Annotated[
        str | None,
        typer.Option(
            "--strictness",
            metavar="WORD",
            help="How sure it has to be that anything answers: strict, careful, balanced, eager.",
            show_default="answering.strictness",
        ),
    ] = None,
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
    wanted = None if strictness is None else checked_strictness(strictness)
    said = [] if remember and history and not history.exists() else load_history(history)
    with open_to_ask(kb, settings) as opened:
        answer = opened.ask(
            question,
            also=also or (),
            history=said,
            where=chosen,
            language=language,
            answer_language=answer_language,
            k=k,
            min_score=min_score,
            strictness=wanted,
            instruction=instruction,
        )
    problems: list[Problem] = []
    if remember and history is not None:
        said += [Message("user", question), Message("assistant", answer.text)]
        try:
            write_history(history, said)
        except OSError as error:
            problems.append(
                Problem(source=str(history), reason=f"what was said is not remembered: {error}")
            )
    return Outcome(
        result=partial(_as_data, question, answer),
        lines=output.answer_lines(answer),
        problems=problems,
    )


def _as_data(question: str, answer: Answer) -> dict[str, Any]:
    from rag_engine.serialisation import AskReply  # takes time that lines for people need not

    told = AskReply.of(question, answer).model_dump()
    for hit, of_hit in zip(answer.hits, told["hits"], strict=True):
        if hit.knowledge_base is not None:
            of_hit["knowledge_base"] = hit.knowledge_base
    for citation, of_citation in zip(answer.citations, told["citations"], strict=True):
        if citation.knowledge_base is not None:
            of_citation["knowledge_base"] = citation.knowledge_base
    return told
