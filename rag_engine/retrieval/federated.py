"""How hits of several knowledge bases become the hits of all of them.

**Scores.** The log odds of a score are ``slope * evidence - size * ln(n) + intercept``
(``fusion.probability``): given that the question has an answer or has none, half and half, how
probable is it that this passage is it, among the ``n`` different things that the passages of *its*
knowledge base say. Among those of all, ``N`` in number, the same evidence comes by chance more
often, and a search of them all in one would have taken ``size * ln(N)`` from it. So that is taken::

    logit(score among all) = logit(score) - size * (ln(N) - ln(n))

In the words of Bayes: that the answer stands in one knowledge base rather than in another is the
more probable beforehand the more it holds; by ``n / N`` if ``size`` were 1, and 0.7 is what was
fitted. Knowledge bases of one size keep their order; of two equal hits that of the larger one is
first. What this can not make up for is that each calibrates by its own passages: the evidence is in
standard deviations above what passages *there* have by chance.

**Whether anything answers.** What ``answerable`` tells of one knowledge base is of its nearest
passage, how that stands out, how it stands at home, and the size. Nearest and best of all is the
best of one of them: its log odds are taken, how the best stands out from the others is told anew
from the hits of all, and the size is that of all::

    logit(any answers) = logit(of the best's) + lead * (lead of all - lead there)
                         + size * (ln(N) - ln(n))       (size is negative)

Why not ``1 - product(1 - p)``: that supposes that each knowledge base has an answer of its own
with a probability of a half, so that twenty which hold none would surely answer together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag_engine.records import Hit
from rag_engine.retrieval.answerable import BEST, KNOWN_MODEL, OTHER_MODEL, lead_of, log_size
from rag_engine.retrieval.fusion import WITH_TOKENS
from rag_engine.retrieval.log_odds import log_odds
from rag_engine.tasks.same_texts import text_key

__all__ = ["BEST", "FoundIn", "answerable_of_all", "merged", "rescaled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIn:
    """What was found in one knowledge base.

    ``hits`` are its best, ``BEST`` or more if there are; ``size`` is how many different things the
    passages say that may be found; ``known_model`` tells whether it is known what its model gives
    usually.
    """

    name: str
    hits: Sequence[Hit]
    size: float
    known_model: bool


def rescaled(score: float, size: float, size_of_all: float) -> float:
    """Return a score among the passages of all, from that among those of one knowledge base.

    >>> rescaled(0.5, 1000, 1000), round(rescaled(0.5, 1000, 4000), 3)
    (0.5, 0.275)
    """
    shift = WITH_TOKENS.size * (log_size(size_of_all) - log_size(size))
    if shift == 0:
        return score
    return _probability(float(log_odds(score)) - shift)


def merged(found: Sequence[FoundIn]) -> list[Hit]:
    """Return all hits with their scores among all, best first; ranks are not told anew.

    Of those with the same text (and picture) in several knowledge bases the best is there once.
    Ties: as the knowledge bases stand, then as their hits do.
    """
    total = sum(one.size for one in found)
    hits = [
        replace(
            hit,
            score=rescaled(hit.score, one.size, total),
            knowledge_base=one.name,
        )
        for one in found
        for hit in one.hits
    ]
    hits.sort(key=lambda hit: -hit.score)
    first: dict[tuple[int, str | None], str | None] = {}
    return [
        hit
        for hit in hits
        if first.setdefault((text_key(hit.chunk.text), hit.image), hit.knowledge_base)
        == hit.knowledge_base
    ]


def answerable_of_all(found: Sequence[FoundIn], hits: Sequence[Hit]) -> float | None:
    """Return how probable it is that any passage of all answers; ``hits`` are the merged ones.

    None: nobody can tell, as one of those with the best hit can not.
    """
    if not hits:
        return 0.0
    best = next(one for one in found if one.name == hits[0].knowledge_base)
    told = best.hits[0].parts.answerable
    if told is None:
        return None
    weights = KNOWN_MODEL if best.known_model else OTHER_MODEL
    total = sum(one.size for one in found)
    logit = float(log_odds(told))
    logit += weights.lead * (_lead(hits) - _lead(best.hits))
    logit += weights.size * (log_size(total) - log_size(best.size))
    return _probability(logit)


def _lead(hits: Sequence[Hit]) -> float:
    return lead_of([hit.score for hit in hits[:BEST]])


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
