"""Takes out of every vector what only says which language it is in.

A multilingual model puts texts of one language near each other, whatever they say, so that plain
search prefers passages in the question's language. The difference between the mean of a
language's passages and the mean of all is subtracted from passages and questions alike. That
difference holds language, but also topic where languages are about different things (all German
documents are about cars). The shipped prior tells them apart: its directions span what differs
between languages that say the same. What lies in them is taken out, of the rest only a little.

Mean centring per language is known from LAReQA (Roy et al. 2020, section 5) and LIR (Yang et al.
2021); shrinking towards a prior and restricting to its span are this project's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.fairness.prior import LanguagePrior
from rag_engine.ports import Detection, Float32Array
from rag_engine.records import UNDETERMINED

__all__ = ["CENTRING_VERSION", "LanguageOffsets", "centring_version"]

CENTRING_VERSION = "1"
"""Part of what an index states of itself: raise it with any change to the offsets."""


_IN_SPAN = 0.7
"""The part of an offset inside the prior's span that is taken out."""
_OUT_OF_SPAN = 0.1
"""The part outside it, which is topic more than language."""
_WITHOUT_PRIOR = 0.5
"""The part of a whole offset that is taken out where no prior tells language from topic."""
_OVERALL = 0.5
"""The part of the overall mean that is taken out of everything: cosines spread wider."""
_PRIOR_CHUNKS = 5.0
"""A language's own mean weighs as much as the prior at this number of chunks."""


def centring_version(*, enabled: bool) -> str:
    """Return what an index built with these rules states of its centring."""
    return CENTRING_VERSION if enabled else "off"


@dataclass(frozen=True)
class LanguageOffsets:
    """What is subtracted from the vectors of each language.

    ``offsets`` has shape ``(n_languages, dimension)`` float32; ``default`` ``(dimension,)`` is for
    languages that are in neither the corpus nor the prior, and for ``und``. Where nothing is to
    be changed (fairness is off, or the corpus is empty), ``default`` is all zeros.
    """

    languages: tuple[str, ...]
    offsets: Float32Array
    default: Float32Array
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows = {language: row for row, language in enumerate(self.languages)}
        object.__setattr__(self, "_rows", rows)

    @classmethod
    def fit(
        cls,
        vectors: Float32Array,
        languages: Sequence[str],
        *,
        prior: LanguagePrior | None,
        enabled: bool = True,
    ) -> LanguageOffsets:
        """Estimate the offsets of a corpus: ``vectors`` ``(n, dimension)`` unit rows float32.

        A language with few chunks leans on the prior; one without any has the prior's offset
        alone. A corpus in one language gets one offset for all, which changes next to nothing.

        >>> corpus = np.array([[1, 0], [0, 1]], np.float32).repeat(50, axis=0)
        >>> fitted = LanguageOffsets.fit(corpus, ["de"] * 50 + ["fr"] * 50, prior=None)
        >>> fitted.default.tolist()
        [0.25, 0.25]
        >>> (fitted.offsets[0] - fitted.default).round(3).tolist()  # 0.5 * 50/55 of the difference
        [0.22699999809265137, -0.22699999809265137]
        """
        dimension = vectors.shape[1]
        if not enabled or len(vectors) == 0:
            empty = np.zeros((0, dimension), dtype=np.float32)
            return cls((), empty, np.zeros(dimension, dtype=np.float32))
        names = sorted(set(languages))
        codes = np.searchsorted(np.array(names), np.array(languages))
        counts = np.bincount(codes, minlength=len(names))
        sums = np.zeros((len(names), dimension), dtype=np.float64)
        np.add.at(sums, codes, vectors)
        trust = counts / (counts + _PRIOR_CHUNKS)
        means = sums / counts[:, np.newaxis]
        overall = np.average(means, axis=0, weights=trust)
        known = _prior_offsets(names, prior, dimension)
        origin = np.average(known, axis=0, weights=trust)
        trust = trust[:, np.newaxis]
        own = trust * (means - overall) + (1 - trust) * (known - origin)
        table = {
            name: _part(offset, prior) + _OVERALL * overall
            for name, offset in zip(names, own, strict=True)
            if name != UNDETERMINED
        }
        for name in prior.languages if prior is not None else ():
            if name not in table:
                offset = _prior_offsets([name], prior, dimension)[0] - origin
                table[name] = _part(offset, prior) + _OVERALL * overall
        ordered = sorted(table)
        return cls(
            tuple(ordered),
            np.array([table[name] for name in ordered], np.float32).reshape(-1, dimension),
            (_OVERALL * overall).astype(np.float32),
        )

    @property
    def version(self) -> str:
        """What an index states of its centring: the version of these rules, or ``off``."""
        return centring_version(enabled=bool(self.default.any()))

    def _of(self, language: str) -> Float32Array:
        row = self._rows.get(language)
        offset: Float32Array = self.default if row is None else self.offsets[row]
        return offset

    def centre_passages(self, vectors: Float32Array, languages: Sequence[str]) -> Float32Array:
        """Return passages' vectors ``(n, dimension)`` less their languages' offsets, unit rows."""
        if len(vectors) == 0:
            return vectors.astype(np.float32)
        table = np.vstack([self.offsets, self.default])
        rows = [self._rows.get(language, len(self.languages)) for language in languages]
        return _unit(vectors - table[rows], vectors)

    def centre_query(self, vector: Float32Array, detections: Sequence[Detection]) -> Float32Array:
        """Return a question's vector ``(dimension,)`` less its language's offset, unit length."""
        moved: Float32Array = _unit((vector - self.of_query(detections))[np.newaxis], vector)[0]
        return moved

    def of_passages(self, languages: Sequence[str]) -> Float32Array:
        """Return what is subtracted from passages in these languages, ``(n, dimension)``."""
        return np.array([self._of(language) for language in languages], dtype=np.float32)

    def of_query(self, detections: Sequence[Detection]) -> Float32Array:
        """Return what is subtracted from a question, ``(dimension,)``.

        Where several languages are plausible, their offsets are mixed by their confidences.
        """
        told = [each for each in detections if each.confidence > 0]
        if not told:
            return self.default
        shares = np.array([each.confidence for each in told], dtype=np.float32)
        offsets = self.of_passages([each.language for each in told])
        mixed: Float32Array = shares @ offsets / shares.sum()
        return mixed

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the offsets as plain arrays, for ``np.savez``."""
        names = np.array(self.languages, dtype="U35")  # BCP-47's longest tag
        return {"languages": names, "offsets": self.offsets, "default": self.default}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> LanguageOffsets:
        """Take the offsets from what ``to_arrays`` returned."""
        names = tuple(str(name) for name in arrays["languages"])
        return cls(
            names, arrays["offsets"].astype(np.float32), arrays["default"].astype(np.float32)
        )


def _prior_offsets(
    names: Sequence[str], prior: LanguagePrior | None, dimension: int
) -> npt.NDArray[np.float64]:
    offsets = np.zeros((len(names), dimension), dtype=np.float64)
    for row, name in enumerate(names):
        found = None if prior is None else prior.offset(name)
        if found is not None:
            offsets[row] = found
    return offsets


def _part(offset: npt.NDArray[np.float64], prior: LanguagePrior | None) -> npt.NDArray[np.float64]:
    if prior is None:
        return _WITHOUT_PRIOR * offset
    inside = prior.basis.T @ (prior.basis @ offset)
    part: npt.NDArray[np.float64] = _IN_SPAN * inside + _OUT_OF_SPAN * (offset - inside)
    return part


def _unit(moved: npt.NDArray[Any], original: Float32Array) -> Float32Array:
    """Scale rows to unit length; one that came out as nothing stays as it was."""
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    unit: Float32Array = np.where(norms > 1e-6, moved / np.maximum(norms, 1e-6), original).astype(
        np.float32
    )
    return unit
