"""``rag-engine search``."""

from __future__ import annotations

from typing import Annotated

import typer

from rag_engine.pipelines import output
from rag_engine.pipelines.cli.opening import open_kb
from rag_engine.pipelines.cli.options import (
    InLanguages,
    Instruction,
    KbDir,
    OtherFormulations,
    Question,
    QuestionLanguage,
    SettingsFile,
    Where,
    chosen_filter,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.records import Problem
from rag_engine.serialisation import SearchReply

__all__ = ["search"]


def search(
    question: Question,
    *,
    kb: KbDir,
    settings: SettingsFile = None,
    also: OtherFormulations = None,
    instruction: Instruction = None,
    language: QuestionLanguage = None,
    languages: InLanguages = None,
    where: Where = None,
    k: Annotated[int, typer.Option("-k", metavar="K", help="How many passages.")] = 10,
    min_score: Annotated[
        float,
        typer.Option(
            "--min-score",
            metavar="P",
            help="Only passages that answer with at least this probability, 0 to 1.",
        ),
    ] = 0.0,
) -> Outcome:
    """Find the passages that answer a question."""
    chosen = chosen_filter(languages, where)
    with open_kb(kb, settings, read_only=True) as opened:
        hits = opened.search(
            question,
            also=also or (),
            k=k,
            where=chosen,
            language=language,
            min_score=min_score,
            instruction=instruction,
        )
    lines = [line for hit in hits for line in output.hit_lines(hit)]
    failures = dict.fromkeys(hit.parts.rerank_failure for hit in hits if hit.parts.rerank_failure)
    return Outcome(
        result=SearchReply.of(question, hits).model_dump(),
        lines=lines or ["nothing found"],
        problems=[
            Problem(source="reranker", reason=f"{failure}; the order of retrieval stands")
            for failure in failures
        ],
    )
