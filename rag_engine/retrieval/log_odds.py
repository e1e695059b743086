"""The log odds of probabilities: what evidence adds up in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["log_odds"]

_SURE = 1e-6
"""Probabilities are held this far from 0 and 1, so that their log odds are finite."""


def log_odds(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return ``ln(p / (1 - p))`` of probabilities, of the same shape.

    >>> log_odds([0.5, 0.9, 1.0]).round(2).tolist()
    [0.0, 2.2, 13.82]
    """
    held = np.clip(np.asarray(probabilities, dtype=np.float64), _SURE, 1 - _SURE)
    return np.asarray(np.log(held / (1 - held)))
