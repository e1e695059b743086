"""Batches of training examples: what stands beside what, and how many negatives each has."""

from __future__ import annotations

import logging
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence

from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.training_records import HeldPairs, Pairs
from rag_engine.errors import InvalidInput

__all__ = [
    "held_batches",
    "laid_out",
    "negatives_used",
    "ordered_batches",
    "too_few",
    "trimmed",
]

_log = logging.getLogger(__name__)


def laid_out(
    examples: Sequence[Example],
    steps: int,
    settings: EmbedderTraining,
    *,
    on_note: Callable[[str], None] = _log.warning,
) -> Pairs:
    """Lay out as many rounds of examples as the steps need.

    ``on_note`` is told in words what of the examples is not used as it was given.

    Raises:
        InvalidInput: too few for a batch.
    """
    examples, count = _with_as_many_negatives(examples, settings.batch, on_note)
    wanted = steps * settings.batch
    apart = True
    ordered: list[Example] = []
    while len(ordered) < wanted:
        seed = settings.seed + len(ordered)
        turn = ordered_batches(examples, settings.batch, seed, apart=apart)
        if not turn and apart and count:
            apart = False
            on_note(
                f"{settings.batch} examples can not be put together without a negative beside a "
                "question that it answers: they are trained on as they are; a smaller batch or "
                "fewer negatives would be better"
            )
            continue
        if not turn:
            groups = len({example.what for example in examples})
            raise too_few(len(examples), groups, settings.batch)
        ordered += turn
    ordered = ordered[:wanted]
    return Pairs(
        questions=[example.question for example in ordered],
        positives=[example.positive for example in ordered],
        negatives=[example.negatives for example in ordered] if count else [],
        symmetric=[example.symmetric for example in ordered],
    )


def held_batches(examples: Sequence[Example], steps: int, batch: int, seed: int) -> HeldPairs:
    """Lay out batches of one topic each; within a topic, examples stay in their order.

    What of a topic does not fill a batch is left out; when all have had their turn, they have
    another.

    Raises:
        InvalidInput: no topic fills a batch.

    >>> rows = [Example(question=str(n), positive="p", topic="ab"[n % 2]) for n in range(5)]
    >>> sorted(held_batches(rows, 2, 2, seed=1).questions)
    ['0', '1', '2', '3']
    """
    by_topic: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_topic[example.topic].append(example)
    batches = [
        of_topic[start : start + batch]
        for of_topic in by_topic.values()
        for start in range(0, len(of_topic) - batch + 1, batch)
    ]
    if not batches:
        raise InvalidInput(
            f"{len(examples)} examples of {len(by_topic)} topics: none fills a batch of {batch}; "
            "give more of a topic, or a smaller batch"
        )
    chance = random.Random(seed)
    ordered: list[Example] = []
    while len(ordered) < steps * batch:
        ordered += [each for some in chance.sample(batches, len(batches)) for each in some]
    ordered = ordered[: steps * batch]
    return HeldPairs(
        questions=[each.question for each in ordered],
        passages=[each.positive for each in ordered],
        original_questions=[each.original_question or each.question for each in ordered],
        original_passages=[each.original_positive or each.positive for each in ordered],
    )


def too_few(examples: int, groups: int, batch: int) -> InvalidInput:
    """Return the error that so many examples fill no batch."""
    return InvalidInput(
        f"{examples} examples of {groups} groups do not fill a batch of {batch}; give more, or a "
        "smaller batch"
    )


def _with_as_many_negatives(
    examples: Sequence[Example], batch: int, on_note: Callable[[str], None]
) -> tuple[list[Example], int]:
    """Return examples with one number of negatives, and that number (see ``negatives_used``)."""
    counts = Counter(map(len, _wrong_alone(examples)))
    used = negatives_used(counts, batch, on_note)
    return trimmed(examples, used), used


def _wrong_alone(examples: Sequence[Example]) -> list[tuple[str, ...]]:
    """Return each example's negatives, but for the positives of others of the same group."""
    groups = {example.positive: example.what for example in examples}
    return [
        tuple(text for text in example.negatives if groups.get(text) != example.what)
        for example in examples
    ]


def trimmed(examples: Sequence[Example], used: int) -> list[Example]:
    """Return the examples that have so many negatives, each with the first so many.

    What is the positive of another example of the same group is no negative.
    """
    return [
        example.model_copy(update={"negatives": negatives[:used]})
        for example, negatives in zip(examples, _wrong_alone(examples), strict=True)
        if len(negatives) >= used
    ]


def negatives_used(
    counts: Mapping[int, int], batch: int, on_note: Callable[[str], None] = _log.warning
) -> int:
    """Return how many negatives an example gets; ``counts`` are of how many examples have how many.

    It is the number by which most texts are trained on, of those that leave a ``batch`` of
    examples: one with fewer is left out, of one with more the first are used.

    >>> negatives_used({0: 9, 1: 10, 7: 1}, 4, on_note=lambda text: None)
    1
    """
    examples = sum(counts.values())
    most = max(counts)
    having = [
        sum(number for count, number in counts.items() if count >= least)
        for least in range(most + 1)
    ]
    filling = [count for count in range(1, most + 1) if having[count] >= batch]
    used = max((0, *filling), key=lambda count: (count + 1) * having[count])
    if having[used] < examples:
        on_note(
            f"{examples - having[used]} of {examples} examples of a file have fewer than "
            f"{used} negatives and are left out; --mine {used} finds more"
        )
    if used < most:
        on_note(
            f"{having[used] - having[used + 1]} of {examples} examples of a file have no more "
            f"than {used} negatives: so many of each are used; --mine {most} finds more"
        )
    return used


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
    groups = {example.positive: example.what for example in examples}
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
            negatives = {groups.get(text, text) for text in example.negatives if apart}
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
