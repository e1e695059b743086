"""What a cluster's texts say that other texts of their language do not: its terms, by language.

A term counts by how many of the cluster's texts in a language hold it, times the logarithm of how
much larger their share is than among all texts of that language: its part of the Kullback-Leibler
divergence of the two. What is rare elsewhere names a cluster; what every text of a language holds,
or a single text of the cluster, does not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import regex

from rag_engine.text.analysis import analyse
from rag_engine.text.folding import folded

__all__ = ["ClusterTerms"]

_WORD = regex.compile(r"[\p{L}\p{M}]+")
_SHORTEST = 2
_FEWEST = 2
"""Texts of a cluster that hold a term: a single one has many words that no other has."""


@dataclass(slots=True)
class _Language:
    texts: int = 0
    holding: Counter[str] = field(default_factory=Counter)


class ClusterTerms:
    """Counts texts of clusters as they come, and then tells terms.

    >>> terms = ClusterTerms()
    >>> for cluster, text in enumerate(["Die Pumpe.", "Eine Wahl.", "Das Wasser."]):
    ...     terms.add(f"{text} Und Luft.", "de", cluster)
    ...     terms.add(text, "de", cluster)
    >>> terms.of(0, "de", most=1)
    ['pumpe']
    """

    def __init__(self) -> None:
        self._languages: dict[str, _Language] = defaultdict(_Language)
        self._clusters: dict[tuple[int, str], _Language] = defaultdict(_Language)
        self._forms: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def add(self, text: str, language: str, cluster: int) -> None:
        """Count a text; a ``cluster`` below 0 is none, and counts for its language alone."""
        stems = dict(self._stems(text, language))
        groups = [self._languages[language]]
        if cluster >= 0:
            groups.append(self._clusters[cluster, language])
        for group in groups:
            group.texts += 1
            group.holding.update(stems.keys())
        for stem, form in stems.items():
            self._forms[language, stem][form] += 1

    def of(self, cluster: int, language: str, *, most: int) -> list[str]:
        """Return up to ``most`` terms of a cluster in a language, the most telling first."""
        here, every = self._clusters[cluster, language], self._languages[language]
        scores: dict[str, float] = {}
        for stem, count in here.holding.items():
            above = np.log(count / here.texts * every.texts / every.holding[stem])
            if count >= _FEWEST and above > 0:
                scores[stem] = count * float(above)
        ranked = sorted(scores, key=lambda stem: (-scores[stem], stem))
        return [self._shown(stem, language) for stem in ranked[:most]]

    def _shown(self, stem: str, language: str) -> str:
        forms = self._forms[language, stem]
        return min(forms, key=lambda form: (-forms[form], form))

    @staticmethod
    def _stems(text: str, language: str) -> Iterator[tuple[str, str]]:
        """Yield each stem of a text with a word of it, as it is written but for capitals."""
        written = _written(text)
        for token in analyse(text, language):
            if token.stop or len(token.surface) < _SHORTEST or not token.surface.isalpha():
                continue
            yield token.stem, written.get(token.surface, token.surface)


def _written(text: str) -> Mapping[str, str]:
    words: Sequence[str] = _WORD.findall(text)
    return {folded(word): word.lower() for word in words}
