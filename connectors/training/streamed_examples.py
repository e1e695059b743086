"""Examples of files that are larger than memory: read twice, never held.

The first reading says whether every line is an example and how many negatives to use, and draws
some; the second lays out batches from a window of examples that moves through the file.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rag_engine.connectors.training.batches import (
    negatives_used,
    ordered_batches,
    too_few,
    trimmed,
)
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import Example, each_example, file_digest
from rag_engine.connectors.training.training_records import StreamedPairs

__all__ = ["StreamedFile", "streamed", "surveyed"]

_log = logging.getLogger(__name__)

_WINDOW = 10_000
"""Examples from which batches are put together."""
_BATCHES = 4
"""At least so many batches' examples."""
_SAMPLED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedFile:
    """What a first reading tells of a file; ``drawn`` are some of its examples."""

    path: Path
    sha256: str
    count: int
    by_negatives: Counter[int]
    drawn: Sequence[Example]

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self.path.name


def surveyed(path: Path, *, draw: int, seed: int) -> StreamedFile:
    """Read a file once; draw so many of its examples, each as probably (Vitter 1985, algorithm R).

    Raises:
        InvalidInput: a line is no example, or there is none.
    """
    chance = random.Random(seed)
    by_negatives: Counter[int] = Counter()
    drawn: list[Example] = []
    count = 0
    for example in each_example(path):
        count += 1
        by_negatives[len(example.negatives)] += 1
        if len(drawn) < draw:
            drawn.append(example)
        elif (place := chance.randrange(count)) < draw:
            drawn[place] = example
    return StreamedFile(
        path=path,
        sha256=file_digest(path),
        count=count,
        by_negatives=by_negatives,
        drawn=drawn,
    )


def streamed(
    file: StreamedFile,
    steps: int,
    settings: EmbedderTraining,
    *,
    on_note: Callable[[str], None] = _log.warning,
) -> StreamedPairs:
    """Return as many rounds of a file's examples as the steps need, as they will be read.

    Batches are put together as ``ordered_batches`` does it, but from the examples of a window
    alone: what is of one group or answers another's question is known of those. So a file is best
    shuffled, with what shares a topic close together.

    Raises:
        InvalidInput: (when it is read) no batch can be filled.
    """
    used = negatives_used(file.by_negatives, settings.batch, on_note)
    wanted = steps * settings.batch

    def examples() -> Iterator[Example]:
        return islice(_rounds(file, used, settings, on_note), wanted)

    return StreamedPairs(
        examples=examples,
        count=wanted,
        negatives=used,
        sample=[example.positive for example in file.drawn[:_SAMPLED]],
    )


def _rounds(
    file: StreamedFile,
    used: int,
    settings: EmbedderTraining,
    on_note: Callable[[str], None],
) -> Iterator[Example]:
    batch, window = settings.batch, max(_WINDOW, _BATCHES * settings.batch)
    seed, apart, left = settings.seed, True, list[Example]()
    while True:
        found = 0
        source = each_example(file.path)
        while block := list(islice(source, window - len(left))):
            pool = left + trimmed(block, used)
            ordered = ordered_batches(pool, batch, seed, apart=apart)
            seed += 1
            found += len(ordered)
            yield from ordered
            taken = set(map(id, ordered))
            left = [example for example in pool if id(example) not in taken][:batch]
        if not found and apart and used:
            apart = False
            on_note(
                f"{batch} examples of {file.name} can not be put together without a negative "
                "beside a question that it answers: they are trained on as they are; a smaller "
                "batch or fewer negatives would be better"
            )
        elif not found:
            groups = len({example.what for example in left})
            raise too_few(len(left), groups, batch)
