"""All that is estimated from the corpus, without labels, to make its languages comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.null_distribution import NullDistribution
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.ports import Float32Array

__all__ = ["CALIBRATION_VERSION", "Calibration", "calibration_version"]

CALIBRATION_VERSION = "4"
"""Part of what an index states of itself: raise it with any change to these estimates."""


def calibration_version(*, enabled: bool) -> str:
    """Return what an index built with these rules states of its calibration."""
    return CALIBRATION_VERSION if enabled else "off"


@dataclass(frozen=True)
class Calibration:
    """Where each language of a corpus lies, and what a passage of it matches by chance."""

    offsets: LanguageMeans
    null_distribution: NullDistribution

    @property
    def version(self) -> str:
        """What an index states of its calibration: the version of these rules, or ``off``."""
        return calibration_version(enabled=self.offsets.enabled)

    def grown(
        self, vectors: Float32Array, languages: Sequence[str], *, prior: LanguagePrior | None
    ) -> Calibration:
        """Return the calibration that knows new languages too, from their first passages.

        ``vectors`` ``(n, dimension)`` are those of passages added since; languages that were in
        the corpus keep their offsets until all is estimated anew.
        """
        return replace(self, offsets=self.offsets.grown(vectors, languages, prior=prior))

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the calibration as plain arrays, for ``np.savez``."""
        return {**self.offsets.to_arrays(), **self.null_distribution.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Calibration:
        """Take the calibration from what ``to_arrays`` returned."""
        return cls(LanguageMeans.from_arrays(arrays), NullDistribution.from_arrays(arrays))
