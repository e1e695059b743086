"""Which sentences are quoted: the one that matches best, and a second where it adds something.

Each token of the question looks for its best match among a sentence's tokens, as in
``retrieval.late_interaction``. The first sentence is chosen by all that it matches and by the score
of its passage, a second by what it matches better than the first (the greedy choice of Lin and
Bilmes 2011, "A Class of Submodular Functions for Document Summarization", section 3).
"""

from __future__ import annotations

import numpy as np

from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Float32Array
from rag_engine.retrieval.fusion import WITH_TOKENS

__all__ = ["AS_WELL", "choose_sentences", "token_matches"]

AS_WELL = 0.6
"""A passage is quoted only if its score is at least this part of the best one's. With 0.5 three
answers of ten quote two sources, with 0.8 fewer than one: see ``pipelines/bench/RESULTS.md``."""
_ADDS = 0.0135
"""A further sentence must match the question so much better than those before it. One does for one
question of five that asks for one thing, and for four of five that ask for two (see
``pipelines/bench/RESULTS.md``)."""


def choose_sentences(
    matches: Float32Array, weights: Float32Array, scores: Float32Array, *, most: int
) -> list[int]:
    """Return the rows of the sentences to quote, ascending, 1 to ``most`` of them.

    ``matches`` ``(n, q)`` are the best matches of the question's tokens in each sentence,
    ``weights`` ``(q,)`` what the tokens weigh, ``scores`` ``(n,)`` those of the sentences'
    passages, above 0. A match is worth as many nats beside the logarithm of a score as where
    passages are scored. Of equals the first is chosen.

    >>> matches = np.array([[0.9, 0.2], [0.8, 0.2], [0.1, 0.9]], np.float32)
    >>> weights, scores = np.array([2, 1], np.float32), np.ones(3, np.float32)
    >>> choose_sentences(matches, weights, scores, most=2)
    [0, 2]
    >>> choose_sentences(matches[:2], weights, scores[:2], most=2)
    [0]
    """
    shares = weights / max(float(weights.sum()), 1e-9)
    nats = WITH_TOKENS.slope * WITH_TOKENS.late
    totals = np.log(np.maximum(scores, 1e-9)) + nats * (matches @ shares)
    chosen = [int(totals.argmax())]
    while len(chosen) < most:
        gains = np.maximum(matches - matches[chosen].max(axis=0), 0) @ shares
        best = int(gains.argmax())
        if gains[best] < _ADDS:
            break
        chosen.append(best)
    return sorted(chosen)


def token_matches(question: Float32Array, sentences: list[Float32Array]) -> Float32Array:
    """Return the greatest cosine of each token of a question with one of each sentence, ``(n, q)``.

    All rows ``(tokens, width)`` are of unit length. What has no tokens matches nothing: -1.

    >>> eye = np.eye(3, dtype=np.float32)
    >>> token_matches(eye[:2], [eye[1:], eye]).tolist()
    [[0.0, 1.0], [1.0, 1.0]]
    """
    best = [matmul_on_one_thread(tokens, question).max(axis=0, initial=-1) for tokens in sentences]
    return np.array(best, np.float32).reshape(len(sentences), len(question))
