"""Late interaction: each token of the question looks for its best match among a passage's tokens.

One vector a text blurs what a passage says beside the answer. The vectors of its tokens, from the
same run of the same model, do not: a passage's score is the mean, over the question's tokens, of
the greatest cosine with any of its tokens (MaxSim, Khattab and Zaharia 2020, "ColBERT", section
3.2). Weighing tokens by their information, taking out what is language and what any passage of
that length and kind would match, is this project's own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array

__all__ = ["late_interaction_scores"]

_EXPECTED = 0.5
"""How much of the mean match with foreign tokens is taken off."""
_LENGTH = 0.005
"""What is taken off for each e-fold of a passage's length in tokens."""


def late_interaction_scores(
    question: Float32Array,
    weights: Float32Array,
    tokens: Float32Array,
    lengths: npt.NDArray[np.intp],
    background: Float32Array,
) -> Float32Array:
    """Score passages by how well they match the question token by token, shape ``(n,)``.

    ``question`` is ``(q, width)`` and ``weights`` ``(q,)``; ``tokens`` ``(total, width)`` holds
    the tokens of one passage after the other, ``lengths`` ``(n,)`` how many each has, at least
    one. All rows are centred and of unit length. The score is::

        sum(weight * best match) / sum(weight) - 0.5 * expected - 0.005 * ln(tokens)

    where ``expected`` is the mean best match of the ``background`` tokens ``(b, width)``.

    >>> question, other, background = np.eye(3, dtype=np.float32)[:, np.newaxis]
    >>> tokens, lengths = np.concatenate([question, other]), np.array([1, 1])
    >>> late_interaction_scores(question, np.ones(1, np.float32), tokens, lengths, background)
    array([1., 0.], dtype=float32)
    """
    starts = np.cumsum(lengths) - lengths
    best = np.maximum.reduceat(tokens @ question.T, starts, axis=0)
    expected = np.maximum.reduceat(tokens @ background.T, starts, axis=0).mean(axis=1)
    matched = best @ weights / max(float(weights.sum()), 1e-9)
    scores: Float32Array = matched - _EXPECTED * expected - _LENGTH * np.log(lengths)
    return scores.astype(np.float32)
