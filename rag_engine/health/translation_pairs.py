"""Which languages hold translations of each other, and twins that can not be ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rag_engine.calibration.twins import Twins
from rag_engine.health.findings import EXAMPLES, Example, Finding, example_of, name_of, not_told
from rag_engine.health.sample import Places
from rag_engine.store.view import View
from rag_engine.tasks.same_texts import grouped

__all__ = ["TranslationPairs", "count_pairs", "groups_of", "pair_findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationPairs:
    """``by_pair`` maps two languages (``de-fr``) to how many passages of them are twins.

    ``with_twins`` counts the passages that have any, ``in_two`` are groups of twins of which two
    are in the same language, each a tuple of passages' ids.
    """

    with_twins: int
    by_pair: dict[str, int]
    in_two: tuple[tuple[int, ...], ...]


def groups_of(twins: Twins) -> list[list[int]]:
    """Return all that are twins of one another, or of a third, by ids, ascending.

    >>> groups_of(Twins(np.array([[3, 5], [5, 9], [6, 7]])))
    [[3, 5, 9], [6, 7]]
    """
    pairs: list[tuple[int, int]] = [(one, other) for one, other in twins.pairs.tolist()]
    return sorted(sorted(group) for group in grouped(pairs))


def count_pairs(view: View) -> TranslationPairs:
    """Count the translations that the index holds, all of them."""
    snapshot = view.snapshot
    names, pairs = snapshot.language_names, snapshot.twins.pairs
    kept = np.isin(pairs, snapshot.deleted, invert=True).all(axis=1)
    twins = Twins(pairs[kept])
    codes = snapshot.language_codes(twins.pairs.ravel()).reshape(-1, 2)
    by_pair = Counter("-".join(sorted((names[a], names[b]))) for a, b in codes.tolist())
    groups = groups_of(twins)
    return TranslationPairs(
        with_twins=sum(map(len, groups)),
        by_pair=dict(by_pair.most_common()),
        in_two=tuple(tuple(group) for group in groups if _repeats(_codes(view, group))),
    )


def _codes(view: View, group: list[int]) -> Places:
    return view.snapshot.language_codes(np.array(group, dtype=np.int64))


def _repeats(codes: Places) -> bool:
    return len(np.unique(codes)) < len(codes)


def pair_findings(view: View, pairs: TranslationPairs, of: int) -> Iterator[Finding]:
    """Say how much is there in several languages, and where that contradicts itself."""
    if len(view.snapshot.languages) < 2:
        yield not_told("translations", "all passages are in one language")
    else:
        yield _translated(pairs, of)
    if not pairs.by_pair:
        yield not_told("twins in one language", "no passage has a translation here")
    else:
        yield _in_one_language(view, pairs, of)


def _translated(pairs: TranslationPairs, of: int) -> Finding:
    if pairs.by_pair:
        largest = ", ".join(f"{name} {n:,}" for name, n in list(pairs.by_pair.items())[:EXAMPLES])
        says = f"{pairs.with_twins:,} passages have a translation here; most by pair: {largest}"
    else:
        says = "no passage has a translation here"
    return Finding(
        check="translations",
        fine=True,
        says=says,
        advice="nothing to do: a search shows one of them, if it can in the reader's language",
        count=pairs.with_twins,
        of=of,
    )


def _in_one_language(view: View, pairs: TranslationPairs, of: int) -> Finding:
    return Finding(
        check="twins in one language",
        fine=not pairs.in_two,
        says=f"groups of translations with two passages in one language: {len(pairs.in_two):,}",
        advice=(
            "nothing to do"
            if not pairs.in_two
            else "one of the two is a copy, or is in another language than was told: state it "
            "(rag-engine index --language), or delete the copy"
        ),
        count=len(pairs.in_two),
        of=of,
        examples=tuple(_examples(view, pairs)),
    )


def _examples(view: View, pairs: TranslationPairs) -> Iterator[Example]:
    for group in pairs.in_two[:EXAMPLES]:
        found = view.chunks(list(group))
        codes = _codes(view, list(group)).tolist()
        twice = [each for each, code in zip(group, codes, strict=True) if codes.count(code) > 1]
        shown = [found[each].chunk for each in twice if each in found]
        for chunk in shown[:1]:
            yield example_of(chunk, f"says the same as {', '.join(map(name_of, shown[1:4]))}")
