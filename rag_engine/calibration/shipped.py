"""Figures that the package carries for models that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["shipped_for"]


def shipped_for(
    weights: str, package: str, names: Sequence[str]
) -> dict[str, npt.NDArray[Any]] | None:
    """Return the arrays of the file of ``package`` that were computed with these weights, or None.

    Each of the files ``names`` says in its array ``weights`` whose it is. One that is not there is
    passed over.
    """
    for name in names:
        place = files(package) / name
        if not place.is_file():
            continue
        with as_file(place) as path, np.load(path, allow_pickle=False) as arrays:
            if str(arrays["weights"]) == weights:
                return {array: arrays[array] for array in arrays.files}
    return None
