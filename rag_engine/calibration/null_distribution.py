"""What any passage matches by chance: the null distribution that evidence is measured against.

A cosine of 0.6 says little by itself: to one question half of the corpus is that near, to another
nothing. So a question's cosines are told in standard deviations from the mean over passages drawn
from the corpus at random, and the matches of its tokens are compared with what tokens drawn at
random reach. After that, evidence means the same for every question, and needs no labels. A corpus
of few passages is no sample of anything: it leans on what is usual for the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Float32Array

__all__ = [
    "PASSAGES",
    "TOKENS",
    "CosineMoments",
    "ModelPrior",
    "NullDistribution",
    "distinct_rows",
    "joined_tokens",
]

PASSAGES = 512
"""So many passages are drawn: a mean over them is good to a twentieth of a deviation."""
TOKENS = 64
"""So many tokens are drawn: 256 gave no better ranking on any set."""

_BUNDLED_COSINE_MOMENTS = (0.44, 0.047)
"""The bundled model's usual figures without its adapter: what an empty corpus is given where the
model's own are not known."""
_PRIOR_PASSAGES = 20
"""The model's usual figures weigh as much as so many passages."""
_SMALLEST_STD = 1e-3
_BY_CHANCE = 2.3
"""Standard deviations above the mean: what one draw in a hundred exceeds if they are normal, and
so about what the best of a passage's tokens reaches by chance."""
_NEAR_DUPLICATE = 0.85
"""Cosine, after centring, from which passages count as one. Of 512 passages drawn from each of six
corpora it leaves 96 % or more; of 400 lines of a log, which differ in their numbers alone, 17."""
_TOKENS_TO_TRUST = 5_000
"""Tokens of a corpus at which half of the background is drawn from it."""


@dataclass(frozen=True, slots=True)
class CosineMoments:
    """The mean and the standard deviation of a question's cosines with passages at random."""

    mean: float
    std: float


@dataclass(frozen=True, slots=True)
class ModelPrior:
    """What a model gives usually: the moments of a question among the passages of a corpus.

    ``log_odds`` is added to the evidence for a hit when it becomes a probability, where this
    model's is worth more or less than that of the one to which the probabilities were fitted.
    """

    mean: float
    std: float
    log_odds: float = 0.0


@dataclass(frozen=True)
class NullDistribution:
    """A sample of a corpus: ``passages`` ``(n, dimension)`` and ``tokens`` ``(m, width)``.

    Both are float32 rows of unit length, centred as passages and tokens are compared; ``tokens``
    is empty where there is no late interaction. ``prior`` is what the model gives usually, None
    where that is not known.
    """

    passages: Float32Array
    tokens: Float32Array
    prior: ModelPrior | None

    def cosine_moments(self, question: Float32Array) -> CosineMoments:
        """Return the moments of a centred question ``(dimension,)`` among passages at random.

        >>> rows = np.array([[1, 0], [0, 1]], np.float32)
        >>> NullDistribution(rows, rows, prior=None).cosine_moments(np.array([1, 0], np.float32))
        CosineMoments(mean=0.5, std=0.5)
        """
        cosines = np.vecdot(self.passages, question)
        count = len(cosines)
        mean, std = _BUNDLED_COSINE_MOMENTS
        if count:
            mean, std = float(cosines.mean()), float(cosines.std())
        if self.prior:
            trust = count / (count + _PRIOR_PASSAGES)
            mean = trust * mean + (1 - trust) * self.prior.mean
            std = trust * std + (1 - trust) * self.prior.std
        return CosineMoments(mean, max(std, _SMALLEST_STD))

    def chance_match(self, tokens: Float32Array, weights: Float32Array) -> float:
        """Return what a question's tokens ``(q, width)`` match in any passage by chance.

        The mean over the tokens, by their ``weights`` ``(q,)``, of a similarity that one of a
        hundred tokens at random exceeds.
        """
        if len(self.tokens) == 0:  # an empty corpus, and nothing shipped for the model
            return 0.0
        similarities = matmul_on_one_thread(tokens, self.tokens)
        chance = similarities.mean(axis=1) + _BY_CHANCE * similarities.std(axis=1)
        return float(chance @ weights) / max(float(weights.sum()), 1e-9)

    def as_kept(self) -> NullDistribution:
        """Return it as it is once it was written and read: who built an index finds the same."""
        return self.from_arrays(self.to_arrays())

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the sample as plain arrays, for ``np.savez``."""
        return {
            "passages": self.passages.astype(np.float16),
            "tokens": self.tokens.astype(np.float16),
            "usual": np.array(astuple(self.prior) if self.prior else []),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> NullDistribution:
        """Take the sample from what ``to_arrays`` returned."""
        return cls(
            passages=arrays["passages"].astype(np.float32),
            tokens=arrays["tokens"].astype(np.float32),
            prior=_model_prior(arrays["usual"]),
        )


def _model_prior(array: npt.NDArray[Any]) -> ModelPrior | None:
    """Return the model's prior from its array; older ones only say whether it is known."""
    if array.dtype == np.bool_:
        return ModelPrior(*_BUNDLED_COSINE_MOMENTS) if array else None
    return ModelPrior(*array.tolist()) if array.size else None


def distinct_rows(passages: Float32Array) -> npt.NDArray[np.intp]:
    """Return the places of passages that no earlier one nearly equals, ascending.

    ``passages`` ``(n, dimension)`` are centred and of unit length. Copies of one text say one thing
    of what a corpus matches by chance: counted one by one, a thousand lines of a log make anything
    that is no log look like an answer to everything.

    >>> distinct_rows(np.array([[1, 0], [0.999, 0.04], [0, 1]], np.float32)).tolist()
    [0, 2]
    """
    alike = matmul_on_one_thread(passages, passages) >= _NEAR_DUPLICATE
    kept = np.zeros(len(passages), dtype=bool)
    for row in range(len(passages)):
        kept[row] = not (alike[row, :row] & kept[:row]).any()
    return np.flatnonzero(kept)


def joined_tokens(
    own: Float32Array, corpus_tokens: int, shipped: Float32Array, random: np.random.Generator
) -> Float32Array:
    """Draw background tokens from a corpus's ``own`` ``(n, width)``, filled up by shipped ones.

    A corpus of ``corpus_tokens`` tokens gives the share ``corpus_tokens / (corpus_tokens +
    5,000)`` of them: what is common in it says little there, but a few documents are no sample.

    >>> few, shipped = np.zeros((10, 2), np.float32), np.ones((64, 2), np.float32)
    >>> int(joined_tokens(few, 10, shipped, np.random.default_rng(1)).sum())
    128
    """
    share = round(TOKENS * corpus_tokens / (corpus_tokens + _TOKENS_TO_TRUST))
    share = max(share, TOKENS - len(shipped))  # all, where nothing is shipped for the model
    drawn = own[random.choice(len(own), min(share, len(own)), replace=False)]
    joined: Float32Array = np.concatenate([drawn, shipped[: TOKENS - len(drawn)]])
    return joined.astype(np.float32)
