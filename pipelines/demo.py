"""``rag-engine demo``: the sample knowledge base indexed, and asked across languages."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines import output
from rag_engine.pipelines.index import report_outcome
from rag_engine.pipelines.output import Outcome
from rag_engine.records import Answer
from rag_engine.serialisation import AskReply

__all__ = ["SampleQuestion", "run_demo", "sample_documents", "sample_questions"]

_HITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuestion:
    """A question about the sample knowledge base and the document that answers it."""

    question: str
    language: str
    document: str
    answer: str
    demo: bool = False


def sample_documents() -> Path:
    """Return the folder of the sample knowledge base's documents."""
    with as_file(files("rag_engine.pipelines") / "sample_kb" / "documents") as folder:
        return folder


def sample_questions() -> list[SampleQuestion]:
    """Return the questions about the sample knowledge base."""
    text = (files("rag_engine.pipelines") / "sample_kb" / "questions.jsonl").read_text(
        encoding="utf-8"
    )
    return [SampleQuestion(**json.loads(line)) for line in text.splitlines() if line.strip()]


def run_demo(path: Path | None) -> Outcome:
    """Index the sample documents (into ``path``, or a folder that is removed) and ask about them.

    An existing knowledge base at ``path`` is brought up to date.
    """
    if path is not None:
        return _run(path)
    with tempfile.TemporaryDirectory() as folder:
        return _run(Path(folder) / "kb")


def _run(path: Path) -> Outcome:
    started = time.perf_counter()
    output.note("preparing the bundled model (only the first time) and indexing the sample ...")
    with KnowledgeBase.open(path) as kb:
        ready = time.perf_counter() - started
        report = kb.add_files(sample_documents(), prefix="")
        indexed = time.perf_counter() - started - ready
        statistics = kb.inspect()
        lines = [
            f"{statistics.documents} documents in {len(statistics.languages)} languages, "
            f"{statistics.chunks} chunks; model ready in {ready:.1f} s, indexed in {indexed:.1f} s",
        ]
        results = []
        for sample in filter(lambda sample: sample.demo, sample_questions()):
            answer = kb.ask(sample.question)
            results.append(AskReply.of(sample.question, answer).model_dump())
            lines += ["", f"? {sample.question}", *_answer_lines(answer)]
    outcome = report_outcome(report)
    return Outcome(
        result={"index": outcome.data, "answers": results},
        lines=lines,
        problems=outcome.problems,
    )


def _answer_lines(answer: Answer) -> Iterator[str]:
    if answer.supported:  # else the answer's own lines hold the nearest passages
        for hit in answer.hits[:_HITS]:
            yield from output.hit_lines(hit, width=90)
    yield "   answer:"
    for line in output.answer_lines(answer):
        yield f"   {line}".rstrip()
