"""``rag-engine search``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer

from rag_engine.pipelines import output
from rag_engine.pipelines.cli.history import load_history
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
    chosen_filter,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.records import Hit, Problem

__all__ = ["search"]


def search(
    question: Question,
    *,
    kb: KbDirs,
    settings: SettingsFile = None,
    also: OtherFormulations = None,
    history: HistoryFile = None,
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
    chosen, said = chosen_filter(languages, where), load_history(history)
    with open_to_ask(kb, settings) as opened:
        hits = opened.search(
            question,
            also=also or (),
            history=said,
            k=k,
            where=chosen,
            language=language,
            min_score=min_score,
            instruction=instruction,
        )
    lines = [line for hit in hits for line in output.hit_lines(hit)] or ["nothing found"]
    parts = hits[0].parts if hits else None  # what is told of the search is told by each hit
    problems = []
    if parts and parts.rerank_failure:
        told = f"{parts.rerank_failure}; the order of retrieval stands"
        problems.append(Problem(source="reranker", reason=told))
    for failure in parts.translation_failures if parts else ():
        told = f"{failure}; the question was searched without it"
        problems.append(Problem(source="translation", reason=told))
    return Outcome(
        result=partial(_as_data, question, hits),
        lines=lines + output.translation_lines(parts.translations if parts else ()),
        problems=problems,
    )


def _as_data(question: str, hits: Sequence[Hit]) -> dict[str, Any]:
    from rag_engine.serialisation import SearchReply  # takes time that lines for people need not

    told = SearchReply.of(question, hits).model_dump()
    for hit, of_hit in zip(hits, told["hits"], strict=True):
        if hit.knowledge_base is not None:
            of_hit["knowledge_base"] = hit.knowledge_base
    return told
