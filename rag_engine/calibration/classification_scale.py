"""From the cosines of a text with labels to probabilities, with one for "none of these".

The cosines, languages taken out, are the logits of a softmax (multinomial logit) once they are
multiplied by a slope; "none of these" is one more label, whose cosine with every text is the same.
Both constants were fitted on other languages than they are measured on
(``pipelines/recipes/make_classification.py``): to sets of labels drawn at random from a larger one,
with texts of the labels that were left out. It is supposed that none of the labels fits as often as
any single one does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ClassificationScale"]

_Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationScale:
    """The constants of one model: ``slope`` are logits a unit of cosine, ``none`` is a cosine.

    ``fitted_on`` names the languages that they were fitted on: who measures leaves these out.
    """

    slope: float
    none: float
    fitted_on: tuple[str, ...] = ()

    def probabilities(self, cosines: _Floats) -> _Floats:
        """Return the probabilities ``(n, n_labels + 1)`` of labels, the last that of none.

        ``cosines`` are ``(n, n_labels)``. A row without figures (NaN) stays without.

        >>> scale = ClassificationScale(slope=10.0, none=0.1)
        >>> scale.probabilities(np.array([[0.1, 0.1]])).round(3).tolist()
        [[0.333, 0.333, 0.333]]
        >>> scale.probabilities(np.array([[0.5, 0.1]])).round(3).tolist()
        [[0.965, 0.018, 0.018]]
        """
        none = np.full((len(cosines), 1), self.none, dtype=cosines.dtype)
        none[np.isnan(cosines).any(axis=1)] = np.nan
        logits = self.slope * np.concatenate([cosines, none], axis=1)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: _Floats = weights / weights.sum(axis=1, keepdims=True)
        return shares
