"""Test sets: a corpus, questions, and which passages answer which question."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rag_engine.errors import InvalidInput
from rag_engine.evaluation.counted import counted
from rag_engine.records import Document, Problem

__all__ = ["TestQuestion", "TestSet", "load_test_set"]


_NAMED = 3
"""Ids that a problem names."""


@dataclass(frozen=True, slots=True)
class TestQuestion:
    """A question of a test set; its language and kind are what the set says, "" for nothing."""

    __test__ = False

    id: str
    text: str
    language: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """A test set in memory.

    ``qrels`` maps a question's id to its judged documents and their grades (0: not relevant).
    ``languages`` maps a document's id to the language that the set states; it is used for
    reports only and never reaches the engine. ``problems`` tell of right answers in the qrels whose
    passage or question is not there.
    """

    __test__ = False

    name: str
    corpus: tuple[Document, ...]
    questions: tuple[TestQuestion, ...]
    qrels: dict[str, dict[str, int]]
    languages: dict[str, str]
    problems: tuple[Problem, ...] = ()

    @property
    def unnamed_languages(self) -> str:
        """Say, for people, that the set does not name its languages, and how it can; "" if it does.

        >>> asked = (TestQuestion("q", "?", "de"),)
        >>> bare = TestSet(name="bare", corpus=(), questions=asked, qrels={}, languages={"p": ""})
        >>> bare.unnamed_languages.partition(":")[0]
        'bare names no languages in corpus.jsonl'
        """
        where = {
            "corpus.jsonl": any(self.languages.values()),
            "queries.jsonl": any(question.language for question in self.questions),
        }
        if all(where.values()):
            return ""
        files = " and ".join(name for name, named in where.items() if not named)
        return (
            f"{self.name} names no languages in {files}: what lies across languages, within them "
            'and at home is not measured; add a field "language" (such as "de") to each line there '
            "(BEIR's layout)"
        )


def load_test_set(folder: Path) -> TestSet:
    """Read a set in BEIR's layout, or one with TREC topics and qrels as MIRACL has.

    BEIR: ``corpus.jsonl`` and ``queries.jsonl`` (``_id``, ``text``, perhaps ``title`` and
    ``language``, a question's ``kind``), ``qrels/test.tsv`` (a header, then question, document,
    grade). TREC: documents in ``docs*.jsonl`` (``docid``, ``title``, ``text``), questions in
    ``topics*.tsv`` (id, text) and judgements in ``qrels*.tsv`` or ``*.qrels`` (question, 0,
    document, grade), beside or below the corpus. JSON Lines may be compressed (``.gz``).

    Raises:
        InvalidInput: a file is missing, or a line can not be read; it names file and line.
    """
    documents: list[Document] = []
    languages: dict[str, str] = {}
    for corpus_file in _found(folder, "corpus.jsonl*", "docs*.jsonl*", "corpus/*.jsonl*"):
        for row in _rows(corpus_file):
            identifier = _identifier(row)
            documents.append(
                Document(id=identifier, text=row.get("text") or "", title=row.get("title") or "")
            )
            languages[identifier] = row.get("language") or ""
    qrels = _qrels(_found(folder, "qrels/test.tsv", "qrels*.tsv", "*.qrels", "qrels/*")[0])
    asked = tuple(_questions(folder))
    questions = tuple(one for one in asked if any(qrels.get(one.id, {}).values()))
    name = folder.resolve().name
    return TestSet(
        name=name,
        corpus=tuple(documents),
        questions=questions,
        qrels=qrels,
        languages=languages,
        problems=tuple(
            Problem(source=f"{name}, qrels", reason=reason)
            for reason in _unknown(qrels, {one.id for one in asked}, languages, len(questions))
        ),
    )


def _unknown(
    qrels: Mapping[str, Mapping[str, int]],
    questions: Collection[str],
    passages: Collection[str],
    measured: int,
) -> Iterator[str]:
    """Yield what right answers name that is not there, and what that does to the figures."""
    right = {
        question: [document for document, grade in judged.items() if grade > 0]
        for question, judged in qrels.items()
    }
    if lost := [one for one, judged in right.items() if judged and one not in questions]:
        yield (
            f"questions that the set does not hold: {_first(lost)}; left out, measured: "
            f"{counted(measured, 'question')}"
        )
    known = {one: judged for one, judged in right.items() if one in questions}
    missing = dict.fromkeys(each for judged in known.values() for each in judged)
    if absent := [each for each in missing if each not in passages]:
        touched = sum(not set(judged).issubset(passages) for judged in known.values())
        yield (
            f"right passages that the corpus does not hold: {_first(absent)}; they count as not "
            f"found, which lowers the figures of {touched:,} of "
            f"{counted(measured, 'question')}"
        )


def _first(ids: list[str]) -> str:
    more = ", ..." if len(ids) > _NAMED else ""
    return f"{len(ids):,} ({', '.join(f'{each!r:.60}' for each in ids[:_NAMED])}{more})"


def _found(folder: Path, *patterns: str) -> list[Path]:
    """Return the files of the first pattern that fits any."""
    for pattern in patterns:
        if paths := sorted(folder.glob(pattern)):
            return paths
    raise InvalidInput(f"{folder} is no test set: it holds none of {', '.join(patterns)}")


def _identifier(row: dict[str, Any]) -> str:
    identifier = row.get("_id") or row.get("docid") or row.get("id")
    if identifier is None:
        raise ValueError(f"it has no _id, docid or id; its fields are {', '.join(row) or 'none'}")
    return str(identifier)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                yield _row(line)
            except (ValueError, TypeError) as error:
                raise InvalidInput(f"{path}, line {number}: {error}") from error


def _row(line: str) -> dict[str, Any]:
    """Read a line; a ValueError or TypeError says in words what is wrong with it."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise ValueError(f"it is no JSON: {what} at column {error.colno}") from error
    if not isinstance(row, dict):
        raise TypeError(f"expected an object with _id and text, got {line.strip()!r:.80}")
    _identifier(row)
    return row


def _questions(folder: Path) -> Iterator[TestQuestion]:
    path = _found(folder, "queries.jsonl*", "topics*.tsv", "topics/*.tsv")[0]
    if path.suffix != ".tsv":
        for row in _rows(path):
            language, kind = (row.get(key) or "" for key in ("language", "kind"))
            if not isinstance(text := row.get("text"), str):
                raise InvalidInput(f"{path}, question {_identifier(row)!r}: it has no text")
            yield TestQuestion(_identifier(row), text, language, kind)
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        identifier, tab, text = line.partition("\t")
        if not tab:
            raise InvalidInput(f"{path}, line {number}: expected id, tab, text; got {line!r:.80}")
        yield TestQuestion(identifier, text, "")


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        parts = line.split()
        if not parts or (number == 1 and not parts[-1].lstrip("-").isdigit()):
            continue  # an empty line, or BEIR's header
        try:
            question, document, grade = parts[0], parts[-2], int(parts[-1])
        except (IndexError, ValueError) as error:
            raise InvalidInput(
                f"{path}, line {number}: expected question, document, grade; got {line!r:.80}"
            ) from error
        qrels.setdefault(question, {})[document] = grade
    return qrels
