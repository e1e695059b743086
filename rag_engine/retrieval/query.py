"""A question on its way through retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag_engine.calibration.null_distribution import Level
from rag_engine.ports import Detection, Float32Array, TokenVectors
from rag_engine.retrieval.lexical import LexicalQuery, lexical_query
from rag_engine.store.snapshot import Snapshot

__all__ = ["Asked", "Question", "as_asked"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question before any knowledge base is asked.

    ``detections`` are its plausible languages, likeliest first; ``vector`` ``(dimension,)`` is the
    embedder's own, not centred; ``tokens`` are those of late interaction, where it is wanted.
    """

    text: str
    detections: tuple[Detection, ...]
    vector: Float32Array
    tokens: TokenVectors | None = None

    @property
    def language(self) -> str:
        """The likeliest language."""
        return self.detections[0].language


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as one snapshot is asked it: centred, and with the weights of its terms.

    ``level`` is what its cosines are measured against.
    """

    question: Question
    vector: Float32Array
    level: Level
    lexical: LexicalQuery

    def at_home(self, languages: Sequence[str]) -> Float32Array:
        """Tell how surely the question is in each of some languages, ``(n,)``, 0 to 1."""
        home = self.lexical.home
        return np.array([home.get(each, 0.0) for each in languages], dtype=np.float32)


def as_asked(question: Question, snapshot: Snapshot, *, lexical: bool) -> Asked:
    """Prepare a question for a snapshot; ``lexical`` tells whether its words are looked for."""
    vector = snapshot.offsets.centre_query(question.vector, question.detections)
    terms = LexicalQuery({}, {}, {})
    if lexical:
        terms = lexical_query(
            question.text,
            question.detections,
            snapshot.languages,
            snapshot.document_frequencies,
        )
    return Asked(question, vector, snapshot.calibration.background.level(vector), terms)
