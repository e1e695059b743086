"""Language centring (first version)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.fairness.prior import LanguagePrior
from rag_engine.ports import Detection, Float32Array

__all__ = ["LanguageOffsets"]

_PART = 0.7
_SHRINK = 10.0


@dataclass(frozen=True, slots=True)
class LanguageOffsets:
    """What is subtracted from the vectors of each language."""

    languages: tuple[str, ...]
    offsets: Float32Array

    @classmethod
    def fit(
        cls,
        vectors: Float32Array,
        languages: Sequence[str],
        *,
        prior: LanguagePrior | None,
        enabled: bool = True,
    ) -> LanguageOffsets:
        names = tuple(sorted(set(languages)))
        if not enabled or not names:
            return cls((), np.zeros((0, vectors.shape[1]), np.float32))
        codes = np.array([names.index(each) for each in languages])
        overall = vectors.mean(axis=0)
        offsets = []
        for code in range(len(names)):
            mine = vectors[codes == code]
            offsets.append(
                _PART * (mine.mean(axis=0) - overall) * len(mine) / (len(mine) + _SHRINK)
            )
        return cls(names, np.array(offsets, np.float32))

    def _offset(self, language: str) -> Float32Array | float:
        return self.offsets[self.languages.index(language)] if language in self.languages else 0.0

    def centre_passages(self, vectors: Float32Array, languages: Sequence[str]) -> Float32Array:
        if not self.languages or not len(vectors):
            return vectors.astype(np.float32)
        moved = vectors - np.array(
            [np.broadcast_to(self._offset(l), vectors.shape[1]) for l in languages]
        )
        return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)

    def centre_query(self, vector: Float32Array, detections: Sequence[Detection]) -> Float32Array:
        moved = vector - self._offset(detections[0].language if detections else "und")
        return (moved / np.linalg.norm(moved)).astype(np.float32)

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        return {"languages": np.array(self.languages, dtype="U16"), "offsets": self.offsets}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> LanguageOffsets:
        return cls(tuple(str(x) for x in arrays["languages"]), arrays["offsets"].astype(np.float32))
