"""What a token weighs where its tokenizer does not say: its information in parallel text.

A unigram tokenizer keeps the probability of every token; WordPiece and BPE keep none. It is counted
here: the mean over languages of how often a token comes in their texts. For the tokenizer of
multilingual E5, of which the truth is known, what is counted in 1,004 sentences of each of 205
languages correlates with it by 0.95 to 0.97 over the running text of six languages (in 128
sentences by 0.82 to 0.93; the language where a token is most common, in place of the mean of all,
by 0.86 to 0.94). So all sentences are counted that there are, not only those that are embedded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rag_engine.ports import Float32Array

__all__ = ["token_information"]


def token_information(
    languages: Iterable[Sequence[Sequence[int]]], vocabulary: int
) -> Float32Array:
    """Return ``-log p`` of each token, ``(vocabulary,)``, from the tokens of texts by language.

    One that came in no text weighs as much as the rarest that did.

    >>> texts = [[[0, 0, 0], [2]], [[2, 2]]]
    >>> token_information(texts, 4).round(2)  # (3/4 + 0)/2, none, (1/4 + 1)/2, none
    array([0.98, 0.98, 0.47, 0.98], dtype=float32)
    """
    rates, count = np.zeros(vocabulary), 0
    for texts in languages:
        ids = np.fromiter((token for text in texts for token in text), np.int64)
        if len(ids):
            rates += np.bincount(ids, minlength=vocabulary)[:vocabulary] / len(ids)
            count += 1
    if not count:
        return np.ones(vocabulary, np.float32)
    rates[rates == 0] = rates[rates > 0].min()
    return (-np.log(rates / count)).astype(np.float32)
