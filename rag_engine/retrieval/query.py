"""A question on its way through retrieval: embedded first, then prepared for one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag_engine.calibration.null_distribution import CosineMoments
from rag_engine.ports import Detection, Float32Array, IdSelector, SparseVector, TokenVectors
from rag_engine.records import UNDETERMINED
from rag_engine.retrieval.lexical import LexicalQuery, lexical_query
from rag_engine.retrieval.sparse import SparseMatches, match_sparse
from rag_engine.store.snapshot import Snapshot
from rag_engine.text.encoder_languages import ENCODER_LANGUAGES

__all__ = ["EmbeddedQuery", "PreparedQuery", "prepare"]

_ENOUGH = 2_000
"""Of so many passages a share is good to a hundredth."""


@dataclass(frozen=True, slots=True)
class EmbeddedQuery:
    """A question before any knowledge base is asked.

    ``detections`` are its plausible languages, likeliest first; ``vector`` ``(dimension,)`` is the
    embedder's own, not centred; ``tokens`` are those of late interaction, where it is wanted;
    ``sparse`` is what the question's tokens weigh, where the embedder tells it.
    """

    text: str
    detections: tuple[Detection, ...]
    vector: Float32Array
    tokens: TokenVectors | None = None
    sparse: SparseVector | None = None

    @property
    def language(self) -> str:
        """The likeliest language."""
        return self.detections[0].language


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A question as one snapshot is asked it: centred, and with the weights of its terms.

    ``moments`` are what its cosines are measured against; ``known`` is how surely its language is
    known, 0 to 1. ``sparse`` is None where no weights of tokens are compared.
    """

    embedded: EmbeddedQuery
    vector: Float32Array
    moments: CosineMoments
    lexical: LexicalQuery
    known: float
    sparse: SparseMatches | None = None

    def language_probabilities(self, languages: Sequence[str]) -> Float32Array:
        """Tell how surely the question is in each of some languages, ``(n,)``, 0 to 1."""
        known = self.lexical.language_probabilities
        return np.array([known.get(name, 0.0) for name in languages], dtype=np.float32)

    def share_at_home(self, snapshot: Snapshot, allowed: IdSelector | None) -> float:
        """Return the share of the passages in the question's language, 0 to 1.

        It is that of those that are ``allowed`` (None: all), of very many that of some.
        """
        chances = self.language_probabilities(snapshot.language_names)
        if allowed is None:
            sizes = np.array([snapshot.languages[name] for name in snapshot.language_names])
            return float(chances @ sizes) / max(1, len(snapshot))
        some = allowed.ids[:: max(1, len(allowed.ids) // _ENOUGH)]
        codes = snapshot.language_codes(some)
        return float(chances[codes[codes >= 0]].sum()) / max(1, len(some))


def prepare(query: EmbeddedQuery, snapshot: Snapshot, *, lexical: bool) -> PreparedQuery:
    """Prepare a question for a snapshot; ``lexical`` tells whether its words are looked for.

    With them goes what its tokens weigh, where the embedder tells it.
    """
    vector = snapshot.offsets.centre_query(query.vector, query.detections)
    known = _known(query, snapshot)
    terms = LexicalQuery({}, {}, {}, {})
    if lexical:
        terms = lexical_query(
            query.text,
            query.detections,
            snapshot.languages,
            snapshot.document_frequencies,
            known=known,
        )
    moments = snapshot.calibration.null_distribution.cosine_moments(vector)
    sparse = None
    if lexical and query.sparse is not None:
        sparse = match_sparse(query.sparse, snapshot)
    return PreparedQuery(query, vector, moments, terms, known, sparse)


def _known(query: EmbeddedQuery, snapshot: Snapshot) -> float:
    """Tell how surely the question's language is known, 0 to 1.

    A language of the corpus is believed as far as the detector believes it. One that the corpus
    does not have may be an error for one that no detector knows, and has to be nearly certain: its
    confidence counts to the third power. One that no encoder was trained on is as good as unknown,
    however sure the detector is.
    """
    sure = snapshot.offsets.known(query.detections)
    if query.language == UNDETERMINED:
        return sure
    seen = snapshot.offsets.seen
    others = (
        d.confidence
        for d in query.detections
        if d.language not in seen and d.language in ENCODER_LANGUAGES
    )
    return min(1.0, sure + sum(confidence**3 for confidence in others))
