"""The shipped prior: where each language lies in a model's space, apart from any topic.

Sentences that say the same in many languages differ, for a model, in nothing but the language. The
mean over such sentences of one language, less the mean over all languages, is that language's
offset, and the mean over all languages the middle of the model's space, around which a corpus of
few passages is supposed to lie. ``pipelines/recipes/make_prior.py`` computed them for the bundled
model from the Tatoeba sentences of the LASER repository (112 languages and English) and NTREX-128
(news, some 90 languages). The file holds one vector a language, the middle, and none of the
sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rag_engine.calibration.classification_scale import ClassificationScale
from rag_engine.calibration.null_distribution import ModelPrior
from rag_engine.calibration.shipped import shipped_for
from rag_engine.calibration.similarity_scale import SimilarityScale
from rag_engine.ports import Float32Array

__all__ = ["PRIOR_FILES", "LanguagePrior", "load_prior"]

PRIOR_FILES = ("prior_e5_small.npz", "prior_e5_small_adapted.npz")
"""The bundled model's, without its adapter and with it."""
_MODEL_PRIORS = (ModelPrior(0.44, 0.047), ModelPrior(0.37, 0.056))
"""The centred cosines of a question with the passages of a corpus, as each of the two gives them:
the first is the mean over 17 corpora (0.39 to 0.51 and 0.039 to 0.056), the second over ten (0.34
to 0.42 and 0.047 to 0.060)."""
_SIMILARITY_SCALES: tuple[SimilarityScale | None, ...] = (
    None,
    SimilarityScale(
        usual=0.2673,
        by_places=0.6189,
        spread=-1.4117,
        at=0.1250,
        slope=69.12,
        by_spread=-7.400,
        fitted_on=(
            *("af", "awa", "bs", "cs", "de", "eu", "fi", "gl", "hi", "is", "kab", "km", "lt"),
            *("mr", "nl", "fa", "ru", "sm", "es", "tt", "th", "tr", "wo", "ms"),
        ),
    ),
)
"""How the cosines of each become probabilities that two texts say the same; None: not fitted. The
second is what ``pipelines/recipes/make_similarity.py`` printed for FLORES' sentences in 24
languages."""
_CLASSIFICATION_SCALES: tuple[ClassificationScale | None, ...] = (
    None,
    ClassificationScale(
        slope=20.0,
        none=0.0743,
        fitted_on=(
            *("af", "awa", "bs", "cs", "de", "es", "eu", "fa", "fi", "gl", "hi", "is", "kab"),
            *("km", "lt", "mr", "ms", "nl", "ru", "sm", "th", "tr", "tt", "wo"),
        ),
    ),
)
"""How the cosines of texts with labels become probabilities. The second is what
``pipelines/recipes/make_classification.py`` printed for SIB-200's topics in 24 languages; with any
one topic left out it is 18.3 to 20.6, and 0.071 to 0.081."""
_BASIS = 32
"""Directions that are kept as "language"; they hold 93 % of the offsets' variance."""


@dataclass(frozen=True)
class LanguagePrior:
    """Offsets of languages: ``languages`` (BCP-47), ``offsets`` ``(n, dimension)`` float32.

    ``middle`` ``(dimension,)`` is what they are offsets from: the mean of texts of all languages;
    ``model_prior`` the cosines that the model gives a question usually; ``similarity`` how cosines
    of texts become probabilities, ``classification`` how those with labels do. All where that is
    known.
    """

    languages: tuple[str, ...]
    offsets: Float32Array
    middle: Float32Array | None = None
    model_prior: ModelPrior | None = None
    similarity: SimilarityScale | None = None
    classification: ClassificationScale | None = None

    @cached_property
    def basis(self) -> Float32Array:
        """The directions in which languages differ: ``(32 or fewer, dimension)``, orthonormal."""
        rows: Float32Array = np.linalg.svd(self.offsets, full_matrices=False)[2][:_BASIS]
        return rows

    def offset(self, language: str) -> Float32Array | None:
        """Return a language's offset ``(dimension,)``, or None if it is not known."""
        if language not in self.languages:
            return None
        row: Float32Array = self.offsets[self.languages.index(language)]
        return row

    def place(self, language: str) -> Float32Array | None:
        """Return where a language lies, ``(dimension,)``: the mean of its texts' vectors.

        None where the language or the middle is not known.

        >>> offsets, middle = np.array([[1, 0]], np.float32), np.array([0, 2], np.float32)
        >>> LanguagePrior(("de",), offsets, middle).place("de").tolist()
        [1.0, 2.0]
        """
        offset = self.offset(language)
        if offset is None or self.middle is None:
            return None
        place: Float32Array = self.middle + offset
        return place


def load_prior(weights: str) -> LanguagePrior | None:
    """Return the prior of the model whose weights have this SHA-256, or None if none is shipped.

    >>> load_prior("another model") is None
    True
    """
    figures = zip(
        PRIOR_FILES, _MODEL_PRIORS, _SIMILARITY_SCALES, _CLASSIFICATION_SCALES, strict=True
    )
    for name, model_prior, scale, classification in figures:
        arrays = shipped_for(weights, "rag_engine.calibration", [name])
        if arrays is not None:
            return LanguagePrior(
                languages=tuple(str(language) for language in arrays["languages"]),
                offsets=arrays["offsets"].astype(np.float32),
                middle=arrays["middle"].astype(np.float32),
                model_prior=model_prior,
                similarity=scale,
                classification=classification,
            )
    return None
