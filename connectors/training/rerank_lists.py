"""From examples to lists that a reranker learns to order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.reranker_records import RankedLists
from rag_engine.connectors.training.reranker_settings import RerankerTraining
from rag_engine.errors import InvalidInput
from rag_engine.ports import Reranker

__all__ = ["ranked_lists", "scored", "taught_lists", "with_wrong_passages"]


def with_wrong_passages(examples: Sequence[Example], mined: int) -> list[Example]:
    """Return the examples whose lists have something to order, without repeated passages.

    Where negatives were ``mined`` and none was found, an example is left out.

    Raises:
        InvalidInput: there are none, or without mining an example has no negatives.

    >>> with_wrong_passages([Example(question="q", positive="p", negatives=("p",))], mined=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: 1 of 1 examples have no negatives, and a reranker learns from \
wrong passages beside the right one; give them, or let --mine N look for N an example
    """
    distinct = [
        example.model_copy(
            update={
                "negatives": tuple(
                    text for text in dict.fromkeys(example.negatives) if text != example.positive
                )
            }
        )
        for example in examples
    ]
    orderable = [example for example in distinct if example.negatives]
    if mined and not orderable:
        raise InvalidInput(
            f"no hard negatives were found for any of {len(examples)} examples; give more examples "
            "in each language, with different positives"
        )
    if not mined and len(orderable) < len(distinct):
        raise InvalidInput(
            f"{len(distinct) - len(orderable)} of {len(distinct)} examples have no negatives, and "
            "a reranker learns from wrong passages beside the right one; give them, or let --mine "
            "N look for N an example"
        )
    return orderable


def ranked_lists(examples: Sequence[Example], settings: RerankerTraining) -> RankedLists:
    """Lay out as many rounds of examples as the steps need, in the order of ``settings.seed``.

    >>> one = Example(question="q", positive="right", negatives=("wrong",))
    >>> ranked_lists([one], RerankerTraining(steps=1, batch=2)).targets
    [[1.0, 0.0], [1.0, 0.0]]
    """
    drawn = random.Random(settings.seed)
    wanted = settings.steps * settings.batch
    questions: list[str] = []
    passages: list[list[str]] = []
    while len(questions) < wanted:
        turn = list(examples)
        drawn.shuffle(turn)
        for example in turn[: wanted - len(questions)]:
            count = min(settings.negatives, len(example.negatives))
            questions.append(example.question)
            passages.append([example.positive, *drawn.sample(example.negatives, count)])
    targets = [[1.0] + [0.0] * (len(row) - 1) for row in passages]
    return RankedLists(questions=questions, passages=passages, targets=targets)


def taught_lists(
    lists: RankedLists, teacher: Reranker, file: Path, on_done: Callable[[int, int], None]
) -> RankedLists:
    """Return the same lists with a teacher's scores as targets; ``file`` keeps what it said.

    Stopped, it goes on with the questions that are not kept there.
    """
    known = scored(lists.questions, lists.passages, teacher, file, on_done)
    pairs = zip(lists.questions, lists.passages, strict=True)
    return replace(
        lists,
        targets=[[known[question, passage] for passage in row] for question, row in pairs],
        taught=True,
    )


def scored(
    questions: Sequence[str],
    candidates: Sequence[Sequence[str]],
    teacher: Reranker,
    file: Path,
    on_done: Callable[[int, int], None],
) -> dict[tuple[str, str], float]:
    """Return what a reranker says of each question and its candidates; ``file`` keeps what it said.

    Stopped, it goes on with the questions that are not kept there.
    """
    known = _kept(file)
    wanted: dict[str, dict[str, None]] = {}
    for question, row in zip(questions, candidates, strict=True):
        wanted.setdefault(question, {}).update(dict.fromkeys(row))
    with file.open("a", encoding="utf-8") as journal:
        for done, (question, passages) in enumerate(wanted.items(), start=1):
            unscored = [passage for passage in passages if (question, passage) not in known]
            if unscored:
                scores = [round(score, 5) for score in teacher.score(question, unscored).tolist()]
                known.update({(question, p): s for p, s in zip(unscored, scores, strict=True)})
                journal.write(json.dumps([question, unscored, scores], ensure_ascii=False) + "\n")
                journal.flush()
            on_done(done, len(wanted))
    return known


def _kept(file: Path) -> dict[tuple[str, str], float]:
    """Read what was said of question and passage; drop a line that a kill cut off."""
    if not file.exists():
        return {}
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with file.open("r+b") as cut:
            cut.truncate(len(whole))
    known: dict[tuple[str, str], float] = {}
    for line in whole.decode("utf-8").splitlines():
        question, passages, scores = json.loads(line)
        known.update({(question, p): s for p, s in zip(passages, scores, strict=True)})
    return known
