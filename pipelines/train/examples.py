"""Training examples: a question, the passage that answers it, and passages that do not."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rag_engine.errors import InvalidInput

__all__ = ["Example", "ExampleFile", "ordered_batches", "read_examples"]

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Example(BaseModel):
    """One line of a file of examples.

    ``negatives`` are passages that look right and are not; may be none. ``group`` names what the
    positive says: of two examples of one group the other's positive would be right as well, so
    that no batch holds both. Without one, the positive itself is the group. ``topic`` names what
    the group is about, an article or a document: examples of one topic share batches, so that the
    batch's other passages are near misses. ``symmetric`` says that both texts are of one kind, as
    of a sentence and its translation: both get the question's prompt. Languages are BCP-47 codes,
    for reports; other keys are passed over.

    >>> Example(question="Wie hoch?", positive="324 metres.").what
    '324 metres.'
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: Text
    positive: Text
    negatives: tuple[Text, ...] = ()
    question_language: str = ""
    passage_language: str = ""
    group: str = ""
    topic: str = ""
    symmetric: bool = False

    @property
    def what(self) -> str:
        """The group, else the positive."""
        return self.group or self.positive


class ExampleFile(BaseModel):
    """A file of examples as it was read; ``sha256`` is that of its bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    examples: tuple[Example, ...]


def read_examples(path: Path) -> ExampleFile:
    """Read JSON Lines (``.gz`` too), one ``Example`` a line; empty lines are passed over.

    Raises:
        InvalidInput: the file is missing, holds no example, or a line is none; it names the line.
    """
    try:
        data = path.read_bytes()
        with _opened(path) as file:
            examples = tuple(_parsed(path, file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: no examples can be read: {error}") from error
    if not examples:
        raise InvalidInput(f"{path} holds no example; a line is {_SHAPE}")
    digest = hashlib.sha256(data).hexdigest()
    return ExampleFile(name=path.name, sha256=digest, examples=examples)


_SHAPE = '{"question": "...", "positive": "...", "negatives": ["..."], "group": "..."}'


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _parsed(path: Path, lines: IO[str]) -> Iterator[Example]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Example.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(each) for each in first["loc"])
            raise InvalidInput(
                f"{path}, line {number}: {where + ': ' if where else ''}{first['msg']}; a line is "
                f"{_SHAPE}"
            ) from error


def ordered_batches(
    examples: Sequence[Example], batch: int, seed: int, *, apart: bool = True
) -> list[Example]:
    """Shuffle examples so that no ``batch`` in a row holds a group twice.

    Nor does one hold a negative beside an example that it would be right for (of its group, if the
    negative is the positive of another example): every passage of a batch is measured against every
    question (unless ``apart`` is false). Of a topic, examples come in runs of half a batch. What is
    left at the end and does not fill a batch is left out of this round.

    >>> rows = [Example(question=str(n), positive="p", group="ab"[n % 2]) for n in range(5)]
    >>> [each.group for each in ordered_batches(rows, 2, seed=1)] in (
    ...     ["a", "b", "a", "b"], ["a", "b", "b", "a"], ["b", "a", "a", "b"], ["b", "a", "b", "a"]
    ... )
    True
    """
    groups = {each.positive: each.what for each in examples}
    left = deque(_in_runs(examples, max(batch // 2, 1), random.Random(seed)))
    ordered: list[Example] = []
    set_aside = 0
    while len(left) >= batch:
        right: set[str] = set()
        wrong: set[str] = set()
        chosen: list[Example] = []
        passed: list[Example] = []
        while left and len(chosen) < batch:
            example = left.popleft()
            negatives = {groups.get(each, each) for each in example.negatives if apart}
            if example.what in right | wrong or not negatives.isdisjoint(right):
                passed.append(example)
            else:
                right.add(example.what)
                wrong |= negatives
                chosen.append(example)
        if len(chosen) == batch:
            ordered += chosen
            left.extendleft(reversed(passed))
        elif set_aside < batch:  # one example may stand in the way of all others
            set_aside += 1
            left.extend([*passed, *chosen[1:]])
        else:
            break
    return ordered


def _in_runs(examples: Sequence[Example], length: int, chance: random.Random) -> list[Example]:
    """Shuffle examples; those of one topic stay together in runs of ``length``."""
    shuffled = chance.sample(examples, len(examples))
    by_topic: dict[str, list[Example]] = defaultdict(list)
    for place, example in enumerate(shuffled):
        by_topic[example.topic or f"\0{place}"].append(example)
    runs = [
        of_topic[start : start + length]
        for of_topic in by_topic.values()
        for start in range(0, len(of_topic), length)
    ]
    chance.shuffle(runs)
    return [example for run in runs for example in run]
