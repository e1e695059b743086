"""Which passages say the same, in one language or two: they are no wrong answers to a question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag_engine.ports import Embedder, LanguageDetector
from rag_engine.tasks.similarity import Side, compared, embedded_side, scaled_prior

__all__ = ["SaysTheSame"]

_PROBABLY = 0.5


class SaysTheSame:
    """Tells of passages, the first with the first, which say the same.

    By the calibrated similarity of ``rag_engine.tasks.similarity``: the cosines of translations
    differ so much between pairs of languages that none is a bound for all. What it can not tell, as
    the model does not read the language, counts as different.

    Raises:
        InvalidInput: the embedder's similarities are not calibrated: it is to be the bundled one.
    """

    def __init__(self, embedder: Embedder, detector: LanguageDetector) -> None:
        self._embedder = embedder
        self._detector = detector
        self._prior = scaled_prior(embedder)

    def __call__(self, texts: Sequence[str], others: Sequence[str]) -> list[bool]:
        """Tell it of each pair."""
        distinct = list(dict.fromkeys([*texts, *others]))
        if not distinct:
            return []
        side = embedded_side(distinct, self._embedder, self._detector)
        place = {text: row for row, text in enumerate(distinct)}
        one, other = ([place[text] for text in given] for given in (texts, others))
        found = compared(_rows(side, one), _rows(side, other), self._prior)
        return [bool(each) for each in np.nan_to_num(found) >= _PROBABLY]


def _rows(side: Side, rows: Sequence[int]) -> Side:
    return Side(side.vectors[list(rows)], [side.languages[row] for row in rows])
