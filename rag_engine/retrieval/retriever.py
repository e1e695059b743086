"""From a question to hits: dense and lexical candidates, both figures for each, one ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from rag_engine.components import Components
from rag_engine.embedding.contract import checked_vectors
from rag_engine.filters import Filter
from rag_engine.ports import (
    Detection,
    Float32Array,
    Int64Array,
    Ranking,
    TokenEmbedder,
    TokenVectors,
)
from rag_engine.records import Hit, ScoreParts
from rag_engine.retrieval.fusion import (
    language_aware_scores,
    reciprocal_rank_fusion,
    semantic_scores,
)
from rag_engine.retrieval.late_interaction import centred_tokens, late_interaction_scores
from rag_engine.retrieval.lexical import QueryTerms, query_terms, term_weights
from rag_engine.settings import RetrievalSettings, Settings
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.records import FoundChunk
from rag_engine.store.snapshot import Snapshot

__all__ = ["Candidates", "Found", "Question", "Retriever"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as retrieval sees it: its plausible languages, likeliest first, and its vector.

    ``vector`` is the embedder's own, not centred: shape ``(dimension,)``. ``tokens`` are those of
    late interaction, where it is wanted.
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
class Candidates:
    """Passages that may answer a question, best first, with every figure; arrays ``(n,)``."""

    ids: Int64Array
    scores: Float32Array
    dense: Float32Array
    dense_plain: Float32Array
    lexical: Float32Array
    late: Float32Array
    """Late interaction; NaN where it was not computed."""
    weights: Mapping[str, float]
    """What each term of the question weighs; empty where no lexical evidence was asked for."""


class Found(NamedTuple):
    """The hits of one search; ``complete`` is False if passages vanished while it ran."""

    hits: list[Hit]
    complete: bool


class Retriever:
    """Walks a question through the indexes. Keeps no state; safe to share between threads."""

    def __init__(self, components: Components, settings: Settings) -> None:
        self._embedder = components.embedder
        self._detector = components.detector
        self._reranker = components.reranker
        self._settings: RetrievalSettings = settings.retrieval
        wanted = self._settings.mode == "hybrid" and self._settings.late_interaction
        self._space = components.token_space if wanted else None

    def questions(self, texts: Sequence[str], language: str | None = None) -> list[Question]:
        """Prepare questions, all embedded in one call; ``language`` states what they are in."""
        tokens: Sequence[TokenVectors | None] = [None] * len(texts)
        if self._space is not None and isinstance(self._embedder, TokenEmbedder):
            raw, tokens = self._embedder.embed_query_tokens(texts, self._space.basis)
        else:
            raw = self._embedder.embed_queries(texts)
        vectors = checked_vectors(raw, rows=len(texts), dimension=self._embedder.dimension)
        stated = None if language is None else (Detection(language, 1.0),)
        return [
            Question(text, stated or self._detector.plausible(text), vector, its_tokens)
            for text, vector, its_tokens in zip(texts, vectors, tokens, strict=True)
        ]

    def rank(
        self,
        catalogue: Catalogue,
        snapshot: Snapshot,
        question: Question,
        *,
        k: int,
        only: Int64Array | None = None,
    ) -> Candidates:
        """Return at least ``k`` candidates for a question (if there are), ranked.

        ``only`` holds the ids that may be returned, ascending; None: all.
        """
        pool, mode = max(self._settings.pool, k), self._settings.mode
        centred = snapshot.offsets.centre_query(question.vector, question.detections)
        sizes = {name: count for name, count in snapshot.languages.items() if count}
        wanted = tuple(query_terms(question.text, question.detections, sorted(sizes)))
        if mode in {"bm25", "rrf"}:
            return self._plain(snapshot, question, wanted, pool, only)
        weights = (
            {} if mode == "dense" else term_weights(wanted, sizes, snapshot.document_frequencies)
        )
        found: list[Int64Array] = []
        if mode != "lexical":
            found.append(snapshot.search_dense(centred[np.newaxis], pool, only)[0].ids)
        if weights:
            found.append(snapshot.search_weighted(weights, pool, only).ids)
        if not found:
            return _nothing()
        ids = np.unique(np.concatenate(found))
        vectors, languages = snapshot.vectors(ids)
        dense = snapshot.offsets.centre_passages(vectors, languages) @ centred
        lexical = _coverage(snapshot, weights, ids)
        late = np.full(len(ids), np.nan, dtype=np.float32)
        if mode == "lexical":
            scores = lexical
        elif mode == "dense" or self._space is None:
            scores = language_aware_scores(dense, lexical, languages, weight=8, expected=0.5)
        else:
            scores = language_aware_scores(dense, lexical, languages, weight=4, expected=0.3)
            best = np.sort(np.lexsort((ids, -scores))[: self._settings.late_interaction_pool])
            few = [languages[each] for each in best]
            late[best] = self._late(catalogue, snapshot, question, ids[best], few)
            if len(best) and np.isfinite(late[best]).all():
                joined = semantic_scores(dense[best], late[best])
                fused = language_aware_scores(joined, lexical[best], few, weight=2, expected=0.5)
                scores = scores + fused.min() - scores.max() - 1e-3
                scores[best] = fused
        order = np.lexsort((ids, -scores))
        return Candidates(
            ids=ids[order],
            scores=scores[order],
            dense=dense[order],
            dense_plain=(vectors @ question.vector)[order],
            lexical=lexical[order],
            late=late[order],
            weights=weights,
        )

    def _late(
        self,
        catalogue: Catalogue,
        snapshot: Snapshot,
        question: Question,
        ids: Int64Array,
        languages: Sequence[str],
    ) -> Float32Array:
        """Compare a question with passages token by token; all NaN where there are no tokens."""
        space, asked = self._space, question.tokens
        nothing = np.full(len(ids), np.nan, dtype=np.float32)
        if space is None or asked is None or len(asked.vectors) == 0 or len(ids) == 0:
            return nothing
        tokens = catalogue.token_vectors(ids.tolist(), len(space.basis))
        kept = [place for place, each in enumerate(ids.tolist()) if each in tokens]
        if not kept:
            return nothing
        offsets = snapshot.offsets.of_passages(languages) @ space.basis.T
        found = late_interaction_scores(
            centred_tokens(
                asked.vectors, snapshot.offsets.of_query(question.detections) @ space.basis.T
            ),
            asked.weights,
            [centred_tokens(tokens[int(ids[place])], offsets[place]) for place in kept],
            space.background,
        )
        nothing[:] = found.min()
        nothing[kept] = found
        return nothing

    def _plain(
        self,
        snapshot: Snapshot,
        question: Question,
        wanted: tuple[QueryTerms, ...],
        pool: int,
        only: Int64Array | None,
    ) -> Candidates:
        """Rank as others do by default: by BM25, or by RRF over dense search and BM25."""
        terms = [term for each in wanted for term in each.terms]
        found = snapshot.search_bm25(terms, pool, only)
        if self._settings.mode == "rrf":
            dense = snapshot.search_dense(question.vector[np.newaxis], pool, only)[0]
            found = reciprocal_rank_fusion([dense, found])
        vectors, _ = snapshot.vectors(found.ids)
        plain = vectors @ question.vector
        blank = np.zeros(len(found.ids), dtype=np.float32)
        return Candidates(found.ids, found.scores, plain, plain, blank, blank, {})

    def search(
        self,
        catalogue: Catalogue,
        snapshot: Snapshot,
        question: str,
        *,
        k: int,
        where: Filter | None = None,
        language: str | None = None,
    ) -> Found:
        """Return the ``k`` best hits; those deleted while the search ran are left out."""
        only = None if where is None else catalogue.matching(where)
        if len(snapshot) == 0 or (only is not None and len(only) == 0):
            return Found([], complete=True)
        asked = self.questions([question], language)[0]
        reads = max(k, self._settings.rerank_pool) if self._reranker is not None else k
        candidates = self.rank(catalogue, snapshot, asked, k=reads, only=only)
        chosen = candidates.ids[:reads].tolist()
        chunks = catalogue.chunks(chosen)
        hits = [
            Hit(
                rank=position + 1,
                score=float(candidates.scores[position]),
                chunk_id=identifier,
                chunk=chunks[identifier].chunk,
                title=chunks[identifier].title,
                source=chunks[identifier].source,
                metadata=chunks[identifier].metadata,
                query_language=asked.language,
                parts=ScoreParts(
                    dense=float(candidates.dense[position]),
                    dense_plain=float(candidates.dense_plain[position]),
                    lexical=float(candidates.lexical[position]),
                    matched_terms=_matched_terms(candidates.weights, chunks[identifier]),
                    rank_before_rerank=position + 1,
                ),
            )
            for position, identifier in enumerate(chosen)
            if identifier in chunks
        ]
        return Found(self._reranked(question, hits)[:k], complete=len(hits) == len(chosen))

    def _reranked(self, question: str, hits: list[Hit]) -> list[Hit]:
        if self._reranker is None or not hits:
            return hits
        scores = self._reranker.score(question, [hit.chunk.text for hit in hits]).tolist()
        order = sorted(range(len(hits)), key=lambda each: (-scores[each], hits[each].chunk_id))
        return [
            replace(
                hits[each],
                rank=rank,
                score=float(scores[each]),
                parts=replace(hits[each].parts, rerank=float(scores[each])),
            )
            for rank, each in enumerate(order, start=1)
        ]


def _nothing() -> Candidates:
    empty = np.empty(0, dtype=np.float32)
    return Candidates(np.empty(0, np.int64), empty, empty, empty, empty, empty, {})


def _coverage(snapshot: Snapshot, weights: dict[str, float], ids: Int64Array) -> Float32Array:
    coverage = np.zeros(len(ids), dtype=np.float32)
    if weights:
        found: Ranking = snapshot.search_weighted(weights, len(ids), ids)
        coverage[np.searchsorted(ids, found.ids)] = found.scores
    return coverage


def _matched_terms(weights: Mapping[str, float], found: FoundChunk) -> tuple[str, ...]:
    """Tell which of the question's terms a passage holds, heaviest first, without prefixes."""
    held = sorted(weights.keys() & set(found.terms), key=lambda term: (-weights[term], term))
    return tuple(term[len(found.chunk.language) + 1 :] for term in held)
