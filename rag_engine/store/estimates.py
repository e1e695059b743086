"""What a new generation estimates from the passages it holds: calibration and twins."""

from __future__ import annotations

import numpy as np

from rag_engine.calibration.calibration import Calibration
from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.null_distribution import PASSAGES, TOKENS, Background, joined_tokens
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace, centred_tokens
from rag_engine.calibration.twins import Rows, Twins, mine_twins
from rag_engine.ports import DenseIndex, Float32Array, Ranking
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.segment import PassageVectors

__all__ = ["calibrate", "twins_of"]

_SEED = 20_261_124
"""Samples are drawn with it: the same passages give the same generation."""
_TOKENS_OF_ONE = 16
"""Tokens looked at of each passage drawn, so that long ones do not make up the background."""


def calibrate(
    catalogue: CatalogueReader,
    passages: PassageVectors,
    *,
    prior: LanguagePrior | None,
    space: TokenSpace | None,
    fair: bool,
) -> Calibration:
    """Estimate the calibration of a corpus; ``fair`` tells whether languages are centred."""
    offsets = LanguageMeans.fit(
        passages.vectors,
        passages.language_list(),
        prior=prior if fair else None,
        enabled=fair,
    )
    random = np.random.default_rng(_SEED)
    count = len(passages.ids)
    rows = np.sort(random.choice(count, min(PASSAGES, count), replace=False))
    sample = passages.vectors[rows].astype(np.float32)
    languages = passages.language_list(rows)
    background = Background(
        passages=offsets.centre_passages(sample, languages),
        tokens=_background_tokens(catalogue, passages, rows, offsets, space, random),
        usual=prior.usual if prior is not None and fair else None,
    )
    return Calibration(offsets, background)


def _background_tokens(
    catalogue: CatalogueReader,
    passages: PassageVectors,
    rows: Rows,
    offsets: LanguageMeans,
    space: TokenSpace | None,
    random: np.random.Generator,
) -> Float32Array:
    if space is None:
        return np.empty((0, 0), dtype=np.float32)
    found = catalogue.token_vectors(passages.ids[rows].tolist(), len(space.basis))
    few = np.minimum(found.lengths, _TOKENS_OF_ONE)
    starts = np.cumsum(found.lengths) - found.lengths
    drawn = [
        start + random.choice(length, count, replace=False)
        for start, length, count in zip(starts, found.lengths, few, strict=True)
    ]
    languages = passages.language_list(passages.rows_of(found.ids)[0])
    shifts = offsets.of_passage_tokens(languages) @ space.basis.T
    places = np.concatenate([np.empty(0, dtype=np.intp), *drawn])
    own = centred_tokens(found.vectors(places), np.repeat(shifts, few, axis=0))
    in_corpus = round(len(found.scales) * len(passages.ids) / max(1, len(rows)))
    return joined_tokens(own, in_corpus, space.background[:TOKENS], random)


def twins_of(
    passages: PassageVectors,
    offsets: LanguageMeans,
    index: DenseIndex,
    on_stage: OnStage = silent,
) -> Twins:
    """Find the translation twins of a corpus; none where languages are not centred."""
    if not offsets.enabled:
        return Twins.none()

    as_searched, wholly = passages.centred(offsets), passages.centred(offsets, wholly=True)

    def neighbours(rows: Rows, k: int) -> list[Ranking]:
        on_stage("finding translations", int(rows[0]), len(passages.ids))
        return index.search(as_searched[rows], k)

    return mine_twins(passages.ids, passages.language_list(), wholly.__getitem__, neighbours)
