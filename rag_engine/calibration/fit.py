"""Fits a calibration to a corpus: what a new generation estimates from its passages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.calibration import Calibration
from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.null_distribution import (
    PASSAGES,
    TOKENS,
    NullDistribution,
    distinct_rows,
    joined_tokens,
)
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace, centred_tokens
from rag_engine.ports import Float32Array, Int64Array

__all__ = ["Corpus", "PassageTokenVectors", "fit_calibration"]

_SEED = 20_261_124
"""Samples are drawn with it: the same passages give the same calibration."""
_TOKENS_OF_ONE = 16
"""Tokens looked at of each passage drawn, so that long ones do not make up the background."""


class PassageTokenVectors(Protocol):
    """The token vectors of some passages, one passage after the other."""

    @property
    def ids(self) -> Int64Array:
        """The passages that have some, ``(n,)``."""
        ...

    @property
    def lengths(self) -> npt.NDArray[np.intp]:
        """How many vectors each has, ``(n,)``."""
        ...

    @property
    def tokens(self) -> npt.NDArray[np.intp]:
        """About how many tokens these stand for, ``(n,)``."""
        ...

    @property
    def vectors(self) -> Float32Array:
        """Those of all of them, ``(total, width)`` float32."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The passages of a corpus, row by row in the order of ``ids`` ``(n,)``, which ascend.

    ``vectors`` are the embedder's own, ``(n, dimension)`` of unit length; ``languages`` names the
    language of each. ``read_tokens`` gives the token vectors of the passages with some ids, in
    their order.
    """

    ids: Int64Array
    vectors: npt.NDArray[np.floating]
    languages: Sequence[str]
    read_tokens: Callable[[Sequence[int]], PassageTokenVectors]


def fit_calibration(
    corpus: Corpus,
    *,
    prior: LanguagePrior | None,
    token_space: TokenSpace | None,
    fair: bool,
) -> Calibration:
    """Estimate the calibration of a corpus; ``fair`` tells whether languages are centred.

    >>> empty = Corpus(ids=np.empty(0, np.int64), vectors=np.empty((0, 2), np.float32),
    ...     languages=[], read_tokens=lambda ids: None)
    >>> fit_calibration(empty, prior=None, token_space=None, fair=True).offsets.enabled
    False
    """
    offsets = LanguageMeans.fit(
        corpus.vectors, corpus.languages, prior=prior if fair else None, enabled=fair
    )
    random = np.random.default_rng(_SEED)
    count = len(corpus.ids)
    rows = np.sort(random.choice(count, min(PASSAGES, count), replace=False))
    passages = offsets.centre_passages(
        corpus.vectors[rows].astype(np.float32), [corpus.languages[row] for row in rows]
    )
    null_distribution = NullDistribution(
        passages=passages[distinct_rows(passages)],
        tokens=_null_tokens(corpus, rows, offsets, token_space, random),
        prior=prior.model_prior if prior is not None and fair else None,
    )
    return Calibration(offsets, null_distribution.as_kept())


def _null_tokens(
    corpus: Corpus,
    rows: npt.NDArray[np.intp],
    offsets: LanguageMeans,
    space: TokenSpace | None,
    random: np.random.Generator,
) -> Float32Array:
    """Draw tokens of the passages at some rows, and fill them up by the shipped ones."""
    if space is None:
        return np.empty((0, 0), dtype=np.float32)
    tokens = corpus.read_tokens(corpus.ids[rows].tolist())
    few = np.minimum(tokens.lengths, _TOKENS_OF_ONE)
    starts = np.cumsum(tokens.lengths) - tokens.lengths
    drawn = [
        start + random.choice(length, count, replace=False)
        for start, length, count in zip(starts, tokens.lengths, few, strict=True)
    ]
    places = np.concatenate([np.empty(0, dtype=np.intp), *drawn])
    languages = [corpus.languages[row] for row in np.searchsorted(corpus.ids, tokens.ids)]
    shifts = (
        space.shifts(np.empty((len(languages), 0), np.float32))
        if space.own
        else offsets.of_passage_tokens(languages) @ space.basis.T
    )
    own = centred_tokens(tokens.vectors[places], np.repeat(shifts, few, axis=0))
    in_corpus = round(int(tokens.tokens.sum()) * len(corpus.ids) / max(1, len(rows)))
    return joined_tokens(own, in_corpus, space.background[:TOKENS], random)
