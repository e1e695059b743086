"""A question in a conversation: does it go on with what was talked about, or is it a new one?

Nothing here knows a language. The question is asked alone, of all passages; and, as a continuation,
of the documents alone that the last exchange was about (those of one source). There it is asked by
itself and together with the question before it, and both must agree (``agreed``): the first tells
what is asked for, the second of what. Searches tell calibrated probabilities, so that what is known
of a passage is their mean, weighed by how likely the question is a follow-up (``mixed``)::

    score = (1 - f) * score alone + f * score as a continuation

How likely it is, the evidence tells: the length of the question (what was said is left out when
it is referred to), and how probable it is that all passages answer it alone, and that those of the
topic answer it as a continuation. What stands alone and is answered elsewhere wins by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag_engine.ports import Float32Array, Int64Array
from rag_engine.records import Message
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.evidence import best_first
from rag_engine.retrieval.log_odds import log_odds

__all__ = [
    "FOLLOW_UPS",
    "Exchange",
    "FollowUpWeights",
    "agreed",
    "follow_up",
    "last_exchange",
    "mixed",
    "mixed_probability",
]

_QUESTION = 500
"""Characters of an earlier question that are read, from its end: the new one must find room."""
_ANSWER = 1_000
"""Characters of an answer that are read, from its beginning."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The last question of a conversation, and what was answered; either may be empty."""

    question: str
    answer: str

    @property
    def about(self) -> list[str]:
        """The texts that tell what it was about."""
        return [text for text in (self.question, self.answer) if text]

    def continued_by(self, question: str) -> str:
        """Return a question together with the one before it.

        >>> Exchange("How long does the warranty last?", "").continued_by("And on pumps?")
        'How long does the warranty last? And on pumps?'
        """
        return f"{self.question} {question}".strip()


def last_exchange(history: Sequence[Message]) -> Exchange | None:
    """Return the last exchange of a conversation; None: nothing was said.

    >>> last_exchange([Message("user", "Who?"), Message("assistant", "Ada."), Message("user", "?")])
    Exchange(question='?', answer='')
    """
    question, answer = "", ""
    for message in history:
        if message.role == "user":
            question, answer = message.content.strip()[-_QUESTION:].strip(), ""
        else:
            answer = message.content.strip()[:_ANSWER].strip()
    return Exchange(question, answer) if question or answer else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpWeights:
    """What speaks for a follow-up, in nats.

    ``tokens`` is for each e-fold of the question's length, ``alone`` and ``continued`` for each nat
    of the log-odds of the best passage of the two searches. ``most`` is how likely a question is at
    most to be answered by the same source.
    """

    intercept: float
    tokens: float
    alone: float
    continued: float
    most: float


FOLLOW_UPS = FollowUpWeights(intercept=14.4, tokens=-5.7, alone=-0.9, continued=0.8, most=0.9)
"""Fitted to the development half of the dialogues of ``rag-engine bench dialogues``, which shares
neither languages nor topics with the half that is held out."""


def follow_up(
    tokens: int,
    alone: Float32Array,
    continued: Float32Array,
    weights: FollowUpWeights = FOLLOW_UPS,
) -> float:
    """Return how likely a question is answered by what was talked about before, 0 to ``most``.

    ``tokens`` counts the question's, as the embedder does; ``alone`` ``(n,)`` and ``continued``
    ``(m,)`` are the scores of the passages of the two searches::

        most * logistic(intercept + w.tokens * ln(tokens) + w.alone * logit(best alone)
                        + w.continued * logit(best continued))

    Without a passage to go on with it is 0.

    >>> scores = np.array([0.2], np.float32)
    >>> [round(follow_up(tokens, scores, scores), 2) for tokens in (8, 16, 32)]
    [0.84, 0.2, 0.0]
    """
    if len(continued) == 0:
        return 0.0
    if len(alone) == 0:
        return weights.most
    evidence = (
        weights.intercept
        + weights.tokens * math.log(max(1, tokens))
        + weights.alone * float(log_odds(alone.max()))
        + weights.continued * float(log_odds(continued.max()))
    )
    return weights.most / (1 + math.exp(-max(-30.0, min(30.0, evidence))))


def agreed(first: Candidates, second: Candidates) -> Candidates:
    """Return the candidates of two searches with what both agree on, best first.

    That is the mean of the log-odds of their scores (the geometric mean of the odds). A passage
    that a search did not find has the least score that it gave; all other figures are those of the
    first search that found it.
    """
    joined = _joined(first, second)
    if len(joined) == 0:
        return joined
    logits = [
        log_odds(_scores(joined.ids, of, missing=float(of.scores.min())))
        for of in (first, second)
        if len(of)
    ]
    scores = (1 / (1 + np.exp(-np.mean(logits, axis=0)))).astype(np.float32)
    return best_first(replace(joined, scores=scores), scores)


def mixed(alone: Candidates, continued: Candidates, probability: float) -> Candidates:
    """Return the candidates of both searches with their mean scores, best first.

    ``probability`` is that of ``continued``. A passage that a search did not find has 0 in it; all
    other figures are those of the likelier search that found it.
    """
    joined = _joined(alone, continued) if probability < 0.5 else _joined(continued, alone)
    scores = (1 - probability) * _scores(joined.ids, alone)
    scores = (scores + probability * _scores(joined.ids, continued)).astype(np.float32)
    return best_first(replace(joined, scores=scores), scores)


def mixed_probability(
    alone: float | None, continued: Sequence[float | None], probability: float
) -> float | None:
    """Return how probable it is that anything answers, from what the searches tell of that.

    ``alone`` is that of the question alone, ``continued`` those of the searches that must agree;
    ``probability`` is that of these, as for ``mixed``. None where a search tells nothing.

    >>> mixed_probability(0.5, [0.9, 0.1], 0.5)
    0.5
    """
    known = [one for one in continued if one is not None]
    if alone is None or len(known) < len(continued):
        return None
    agreed_on = 1 / (1 + math.exp(-float(log_odds(known).mean())))
    return (1 - probability) * alone + probability * agreed_on


def _joined(first: Candidates, second: Candidates) -> Candidates:
    return first.with_others(second.taken(np.flatnonzero(~np.isin(second.ids, first.ids))))


def _scores(ids: Int64Array, of: Candidates, missing: float = 0.0) -> Float32Array:
    known = dict(zip(of.ids.tolist(), of.scores.tolist(), strict=True))
    return np.array([known.get(place, missing) for place in ids.tolist()], dtype=np.float32)
