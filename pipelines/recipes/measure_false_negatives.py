"""How many mined negatives are right answers: ``measure_false_negatives MODEL SET_DIR [COUNT]``.

``MODEL`` is a folder of sentence-transformers, ``SET_DIR`` a set in BEIR's layout in which a
question has right passages in several languages. ``COUNT`` of its questions (200) become pairs,
each with one right passage of its own language, or of any. Five negatives each are mined among the
passages of all pairs: by sentence-transformers' ``mine_hard_negatives`` (a margin of 5 %, as its
documentation advises), and by ``rag-engine train embedder --mine 5``, with ``--mine-across`` and
without. Neither is told which pairs say the same. Prints how many negatives were found, and the
share of those that the set says are right answers.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from rag_engine.components import default_detector, default_embedder
from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.hard_negatives import hard_candidates, with_negatives
from rag_engine.connectors.training.says_the_same import SaysTheSame
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.settings import Settings

__all__ = ["main", "pairs_of"]

_SEED = 20_261_130
_NEGATIVES = 5


def pairs_of(test_set: TestSet, count: int) -> list[Example]:
    """Return pairs of few different answers, as many languages of each as the set has."""
    chance = random.Random(_SEED)
    by_answers: dict[tuple[str, ...], list[Example]] = {}
    texts = {each.id: each.text for each in test_set.corpus}
    for question in test_set.questions:
        right = sorted(test_set.qrels[question.id])
        own = [name for name in right if test_set.languages[name] == question.language]
        name = own[0] if own else chance.choice(right)
        by_answers.setdefault(tuple(right), []).append(
            Example(
                question=question.text,
                positive=texts[name],
                question_language=question.language,
                passage_language=test_set.languages[name],
            )
        )
    groups = list(by_answers.values())
    chance.shuffle(groups)
    return [pair for group in groups for pair in group][:count]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a way to mine."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import mine_hard_negatives

    from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder

    parser = argparse.ArgumentParser(prog="measure_false_negatives")
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("count", type=int, nargs="?", default=200)
    given = parser.parse_args(arguments)
    test_set = load_test_set(given.set)
    pairs = pairs_of(test_set, given.count)
    names = {each.text.strip(): each.id for each in test_set.corpus}
    right = {
        each.text.strip(): {name for name, grade in test_set.qrels[each.id].items() if grade > 0}
        for each in test_set.questions
    }

    def told(way: str, found: Iterable[tuple[str, str]]) -> None:
        rows = list(found)
        false = sum(names[passage] in right[question] for question, passage in rows)
        share = f"{false / len(rows):.1%}" if rows else "-"
        print(f"{way}: {len(rows)} negatives, {share} of them right answers", flush=True)  # noqa: T201

    mined = mine_hard_negatives(
        Dataset.from_dict(
            {"question": [p.question for p in pairs], "passage": [p.positive for p in pairs]}
        ),
        SentenceTransformer(str(given.model), device="cpu"),
        relative_margin=0.05,
        num_negatives=_NEGATIVES,
        query_prompt="query: ",
        corpus_prompt="passage: ",
        verbose=False,
    )
    told("sentence-transformers", zip(mined["question"], mined["negative"], strict=True))
    embedder = SentenceTransformerEmbedder(model=str(given.model), device="cpu")
    same = SaysTheSame(default_embedder(Settings()), default_detector())
    for way, across, told_apart in (
        ("--mine 5", False, None),
        ("--mine 5 --mine-across, without looking at what says the same", True, None),
        ("--mine 5 --mine-across", True, same),
    ):
        candidates = hard_candidates(
            pairs, _NEGATIVES, embedder=embedder, across=across, same=told_apart
        )
        examples = with_negatives(candidates, _NEGATIVES)
        told(way, ((each.question, text) for each in examples for text in each.negatives))


if __name__ == "__main__":
    main()
