"""From the cosine of two texts to the probability that they say the same.

A multilingual model gives translations other cosines in one pair of languages than in another, and
unrelated texts too. Two figures tell most of it, and neither needs a label:

- **What is usual.** The mean cosine of unrelated texts is the product of the two places where their
  languages lie (the mean of a language's vectors: ``LanguagePrior.place``), as the mean of products
  of independent draws is the product of the means; and short texts are all nearer to each other. A
  cosine counts by what it has above that.
- **How far texts of a language lie apart**: one less the square of its place's length. The vectors
  of a language that a model knows badly are all alike, and its translations are less near.

A logistic function of both is fitted once, to parallel sentences against their nearest misses
(``pipelines/recipes/make_similarity.py``), and holds for every pair of languages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST_SPREAD", "SimilarityScale"]

_Floats = npt.NDArray[np.floating]

LEAST_SPREAD = 0.135
"""Where texts of a language lie less far apart than that, the model can not read it: of Tibetan,
Dzongkha and Dhivehi every sentence has nearly the same vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityScale:
    """The constants of one model. Arguments of the methods may be arrays that broadcast.

    ``usual`` and ``by_places`` tell the usual cosine of unrelated texts; ``spread`` is the
    logarithm of that of a language which the prior does not have. ``at`` (of the cosine above the
    usual, with two such languages) has the probability one half; ``slope`` are log odds a unit of
    cosine; ``by_spread`` log odds a unit of the logarithm of spreads. ``fitted_on`` names the
    languages that they were fitted on: who measures leaves these out.
    """

    usual: float
    by_places: float
    spread: float
    at: float
    slope: float
    by_spread: float
    fitted_on: tuple[str, ...] = ()

    def usual_cosine(self, places: _Floats) -> _Floats:
        """Return the mean cosine of unrelated texts by the product of their languages' places.

        >>> scale = SimilarityScale(usual=0.1, by_places=0.5, spread=-1.0, at=0.1, slope=50.0,
        ...     by_spread=-5.0)
        >>> round(float(scale.usual_cosine(np.float32(0.8))), 3)
        0.5
        """
        usual: _Floats = self.usual + self.by_places * places
        return usual

    def probability(self, above: _Floats, spreads: _Floats) -> _Floats:
        """Return the probability that two texts say the same, 0 to 1.

        ``above`` is their cosine less the usual one, ``spreads`` the sum of the logarithms of their
        languages' spreads.

        >>> scale = SimilarityScale(usual=0.1, by_places=0.5, spread=-1.0, at=0.1, slope=50.0,
        ...     by_spread=-5.0)
        >>> [round(float(scale.probability(above, -2.0)), 3) for above in (0.1, 0.2)]
        [0.5, 0.993]
        """
        odds = self.slope * (above - self.at) + self.by_spread * (spreads - 2 * self.spread)
        probability: _Floats = 1 / (1 + np.exp(-np.clip(odds, -60, 60)))
        return probability
