"""``rag-engine bench quotations``: do quoted sentences hold the answer, and nothing else?

Questions with their passages and the words that answer, as sets for reading comprehension have
them. All passages drawn make one knowledge base. Each question is asked of its own passage alone,
which tells how sentences are chosen, and of the whole, which tells which sources are quoted too.

A sentence holds the answer if the answer stands in it, or it in the answer, but for white space
(an answer may be longer than a sentence). A short answer, such as a number, may stand in a sentence
by chance: the figures are for comparing one way of choosing with another.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_engine.answering.citations import without_marks
from rag_engine.errors import InvalidInput
from rag_engine.filters import Equals
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.records import Answer, Document
from rag_engine.settings import Settings

__all__ = ["Asked", "bench_quotations", "holds"]

_LINE = '{"language": "...", "question": "...", "passage": "...", "answer": "..."}'
_QUOTATION = re.compile(r"“(.*)” \[\d+\]")
_KINDS = ("its passage", "all passages")


@dataclass(frozen=True, slots=True)
class _Question:
    language: str
    text: str
    passage: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it was answered; ``right`` tells of each quotation whether it holds the answer.

    No quotation: nothing was answered.
    """

    language: str
    kind: str
    right: tuple[bool, ...]
    sources: int


def bench_quotations(path: Path, questions: int, settings: Settings, seed: int = 1) -> Outcome:
    """Measure on JSON Lines (``.gz`` too) of ``language``, ``question``, ``passage``, ``answer``.

    ``questions`` are drawn of each language; rows without an answer are left out.

    Raises:
        InvalidInput: a line can not be read, or there is none; or the generator does not quote.
    """
    drawn = _drawn(path, questions, seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        KnowledgeBase.open(Path(folder) / "kb", settings=settings) as kb,
        Bar() as bar,
    ):
        asked = list(_asked(kb, drawn, bar))
    rows = [row for kind in _KINDS for row in _rows(kind, [a for a in asked if a.kind == kind])]
    shown = [
        {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]
    return Outcome(result={"rows": rows}, lines=table(shown))


def holds(quotation: str, answer: str) -> bool:
    """Tell whether a quotation holds the answer, or is a part of it.

    >>> holds("It was built in 1904.", "1904"), holds("It is red.", "1904")
    (True, False)
    """
    quoted, wanted = (" ".join(without_marks(text).split()) for text in (quotation, answer))
    return wanted in quoted or quoted in wanted


def _asked(kb: KnowledgeBase, questions: Sequence[_Question], bar: Bar) -> Iterator[Asked]:
    passages = list(dict.fromkeys(question.passage for question in questions))
    names = {passage: f"p{number}" for number, passage in enumerate(passages)}
    kb.add(Document(id=name, text=passage) for passage, name in names.items())
    kb.publish()
    for number, question in enumerate(questions):
        bar.stage("questions", number, len(questions))
        own = Equals("document_id", names[question.passage])
        for kind, where in zip(_KINDS, (own, None), strict=True):
            answer = kb.ask(question.text, where=where)
            yield Asked(
                language=question.language,
                kind=kind,
                right=tuple(holds(text, question.answer) for text in _quotations(answer)),
                sources=len(answer.citations),
            )


def _quotations(answer: Answer) -> list[str]:
    if not answer.supported:
        return []
    quotations = [_QUOTATION.fullmatch(line) for line in answer.text.splitlines()]
    if not quotations or not all(quotations):
        raise InvalidInput(
            f"{answer.generator!r} does not quote; this is measured with generator.kind = "
            "'extractive'"
        )
    return [match[1] for match in quotations if match]


def _rows(kind: str, asked: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    groups = {"all": list(asked)}
    for language in sorted({one.language for one in asked}):
        groups[language] = [one for one in asked if one.language == language]
    for name, group in groups.items():
        answered = [one for one in group if one.right]
        quoted = [right for one in answered for right in one.right]
        answers, count = max(1, len(answered)), max(1, len(quoted))
        yield {
            "asked of": kind,
            "language": name,
            "questions": len(group),
            "answered": len(answered) / len(group),
            "answers that hold it": sum(any(one.right) for one in answered) / answers,
            "sentences that hold it": sum(quoted) / count,
            "sentences": len(quoted) / answers,
            "sources": sum(one.sources for one in answered) / answers,
        }


def _drawn(path: Path, questions: int, seed: int) -> list[_Question]:
    by_language: dict[str, list[_Question]] = defaultdict(list)
    number = 0
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for line in file:
                number += 1
                row = json.loads(line)
                if row["answer"] and row["answer"] in row["passage"]:
                    by_language[row["language"]].append(
                        _Question(row["language"], row["question"], row["passage"], row["answer"])
                    )
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can not be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path}, line {number}: {error!r}; a line is {_LINE}") from error
    if not by_language:
        raise InvalidInput(f"{path} holds no question whose answer stands in its passage: {_LINE}")
    return [
        question
        for language, its in sorted(by_language.items())
        for question in random.Random(f"{seed} {language}").sample(its, min(questions, len(its)))
    ]
