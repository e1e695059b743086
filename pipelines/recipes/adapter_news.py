"""News sentences and their translations, as examples: ``make_adapter_data`` asks for them."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag_engine.connectors.training.examples import Example

__all__ = ["parts_of_news", "read_rows", "some_words", "translated", "translated_news"]

_PAIRS_A_SENTENCE = 8
_PARTS_A_BLOCK = 16
_BLOCK = 3
"""News sentences at most that make a passage."""
_FEW_WORDS = 4
_SHARE = (0.3, 0.8)
"""Of a sentence's words, so many make a question."""
_SENTENCES_A_TOPIC = 10
"""News sentences stand in the order of their articles: neighbours are near misses."""
_SYMMETRIC = 1 / 2


def translated_news(path: Path, chance: random.Random) -> list[Example]:
    """Return sentences with translations."""
    by_number: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in read_rows(path):
        by_number[row["sentence"]].append((row["language"], row["text"].strip()))
    return [
        translated(
            chance,
            chance.sample(texts, 2),
            group=f"news {number}",
            topic=f"news {number // _SENTENCES_A_TOPIC}",
        )
        for number, texts in sorted(by_number.items())
        for _ in range(_PAIRS_A_SENTENCE)
    ]


def parts_of_news(path: Path, chance: random.Random) -> list[Example]:
    """Return words of a sentence with up to three sentences of another language around it."""
    by_number: dict[int, dict[str, str]] = defaultdict(dict)
    for row in read_rows(path):
        by_number[row["sentence"]][row["language"]] = row["text"].strip()
    found: list[Example] = []
    for start in range(0, max(by_number) + 1, _BLOCK):
        block = [by_number[n] for n in range(start, start + _BLOCK) if n in by_number]
        for _ in range(_PARTS_A_BLOCK if block else 0):
            first = chance.randrange(len(block))
            chosen = block[first : chance.randint(first + 1, len(block))]
            known = sorted(set.intersection(*(set(each) for each in chosen)))
            own, other = chance.sample(known, 2)
            found.append(
                Example(
                    question=some_words(chance.choice(chosen)[own], chance),
                    positive=" ".join(each[other] for each in chosen),
                    question_language=own,
                    passage_language=other,
                    group=f"news {start // _BLOCK}",
                    topic=f"news {start // _SENTENCES_A_TOPIC}",
                )
            )
    return found


def some_words(sentence: str, chance: random.Random) -> str:
    """Return some of a sentence's words, in a row; of one without spaces, some of its signs."""
    words = sentence.split()
    blank = " " if len(words) > _FEW_WORDS else ""
    pieces = words if blank else list(sentence)
    count = max(_FEW_WORDS, round(len(pieces) * chance.uniform(*_SHARE)))
    start = chance.randint(0, max(0, len(pieces) - count))
    return blank.join(pieces[start : start + count])


def translated(
    chance: random.Random, pair: Sequence[tuple[str, str]], *, group: str, topic: str
) -> Example:
    """Return a text and its translation as an example; ``pair`` are both with their languages."""
    (own, text), (other, translation) = pair
    return Example(
        question=text,
        positive=translation,
        question_language=own,
        passage_language=other,
        group=group,
        topic=topic,
        symmetric=chance.random() < _SYMMETRIC,
    )


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read gzipped JSON Lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)
