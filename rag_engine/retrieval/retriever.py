"""From a question to ranked passages: candidates, evidence of every kind, one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.token_space import TokenSpace, centred_tokens
from rag_engine.components import Components
from rag_engine.embedding.embedder_contract import checked_vectors
from rag_engine.filters import Filter
from rag_engine.matmul import product
from rag_engine.ports import (
    Detection,
    Float32Array,
    Restriction,
    TokenEmbedder,
    TokenVectors,
)
from rag_engine.records import Hit
from rag_engine.retrieval.candidates import Candidates, describe, gather
from rag_engine.retrieval.fusion import (
    WITH_TOKENS,
    WITHOUT_TOKENS,
    EvidenceWeights,
    dense_evidence,
    lexical_evidence,
    probability,
    reciprocal_rank_fusion,
)
from rag_engine.retrieval.hits import make_hits
from rag_engine.retrieval.late_interaction import PassageTokens, late_interaction_scores
from rag_engine.retrieval.lexical import query_terms
from rag_engine.retrieval.query import Asked, Question, as_asked
from rag_engine.retrieval.rerank import reranked
from rag_engine.retrieval.twin_evidence import join_twins, late_of_twins, twins_of_best
from rag_engine.settings import (
    HybridRetrievalSettings,
    RetrievalSettings,
    Settings,
    rerank_pool,
)
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.snapshot import Snapshot

__all__ = ["Found", "Question", "Ranked", "Retriever"]

_STEP = 1e-3
"""Nats between the last candidate that was compared token by token and the first that was not."""


class Ranked(NamedTuple):
    """A question as it was asked, and its candidates, best first."""

    asked: Asked
    candidates: Candidates


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
        self._fair = settings.fairness.enabled
        self._rerank_pool = rerank_pool(settings.reranker)
        self._late_pool = 0
        hybrid = settings.retrieval
        if isinstance(hybrid, HybridRetrievalSettings) and hybrid.late_interaction:
            self._late_pool = hybrid.late_interaction_pool
        self._space: TokenSpace | None = components.token_space if self._late_pool else None

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
        only: Restriction | None = None,
    ) -> Ranked:
        """Return at least ``k`` candidates for a question (if there are), best first.

        ``only`` names the ids that may be returned; None: all.
        """
        pool, mode = max(self._settings.pool, k), self._settings.mode
        asked = as_asked(question, snapshot, lexical=mode in {"hybrid", "lexical"})
        if mode in {"bm25", "rrf"}:
            found = self._plain(snapshot, asked, pool, only)
        else:
            ids = gather(asked, snapshot, pool, only, dense=mode != "lexical")
            found = describe(asked, snapshot, ids)
            if mode == "hybrid":
                found = self._by_evidence(catalogue, snapshot, asked, found, only)
            else:
                found = _by_one_figure(snapshot, found, mode)
        found = replace(found, before=np.arange(1, len(found) + 1))
        if self._reranker is not None:
            found = reranked(self._reranker, catalogue, question.text, found, self._rerank_pool)
        return Ranked(asked, found)

    def _by_evidence(
        self,
        catalogue: Catalogue,
        snapshot: Snapshot,
        asked: Asked,
        found: Candidates,
        only: Restriction | None,
    ) -> Candidates:
        """Order candidates by all evidence; those without late interaction follow the others."""
        found = _best_first(found, np.add(*self._evidence(found, WITHOUT_TOKENS)))
        if self._fair and len(snapshot.twins):
            twins = np.setdiff1d(twins_of_best(snapshot, found.ids, only), found.ids)
            if len(twins):
                both = found.with_others(describe(asked, snapshot, twins))
                found = _best_first(both, np.add(*self._evidence(both, WITHOUT_TOKENS)))
        compared = self._compared(catalogue, snapshot, asked, found)
        pairs = snapshot.twins.among(found.ids) if self._fair else None
        if compared is not None and pairs is not None:
            compared = late_of_twins(pairs, compared)
        weights = WITHOUT_TOKENS if compared is None else WITH_TOKENS
        if compared is not None:
            found = replace(found, late=compared)
        dense, lexical = self._evidence(found, weights)
        if compared is not None and not np.isfinite(compared).all():
            dense = self._rest_below(found, dense, lexical)
        scores = dense + lexical
        if pairs is not None:
            scores = join_twins(pairs, dense, lexical)
        if usual := snapshot.calibration.background.usual:
            weights = replace(weights, intercept=weights.intercept + usual.log_odds)
        contents = snapshot.contents
        if only is not None:
            contents *= len(only.ids) / len(snapshot)
        return _best_first(replace(found, scores=probability(scores, contents, weights)), scores)

    def _evidence(
        self, found: Candidates, weights: EvidenceWeights
    ) -> tuple[Float32Array, Float32Array]:
        """Return what vectors and what words tell of each candidate, ``(n,)`` each."""
        home = found.home if self._fair else np.zeros(len(found), np.float32)
        late = np.where(np.isnan(found.late), 0, found.late)
        return (
            dense_evidence(found.cosines, late, home, weights),
            lexical_evidence(found.words, found.shared, found.languages, weights),
        )

    def _rest_below(
        self, found: Candidates, dense: Float32Array, lexical: Float32Array
    ) -> Float32Array:
        """Move the dense evidence of those that were not compared until all are below the rest."""
        known = np.isfinite(found.late)
        without, _ = self._evidence(found, WITHOUT_TOKENS)
        best = float((without + lexical)[~known].max())
        worst = float((dense + lexical)[known].min())
        moved: Float32Array = np.where(known, dense, without - max(0.0, best - worst) - _STEP)
        return moved.astype(np.float32)

    def _compared(
        self, catalogue: Catalogue, snapshot: Snapshot, asked: Asked, found: Candidates
    ) -> Float32Array | None:
        """Compare a question with its best candidates token by token, ``(n,)``.

        The others get NaN. None where there are no tokens to compare.
        """
        space, tokens = self._space, asked.question.tokens
        if space is None or tokens is None or len(tokens.vectors) == 0 or len(found) == 0:
            return None
        best = found.ids[: self._late_pool]
        kept = catalogue.token_vectors(best.tolist(), len(space.basis))
        if len(kept.ids) == 0:
            return None
        places = np.arange(len(best))
        if len(kept.ids) < len(best):
            places = np.flatnonzero(np.isin(best, kept.ids))
        offsets, background = snapshot.offsets, snapshot.calibration.background
        codes, groups = np.unique(found.languages[places], return_inverse=True)
        names = [snapshot.language_names[code] for code in codes.tolist()]
        shifts = product(offsets.of_passage_tokens(names), space.basis)
        shift = np.vecdot(space.basis, offsets.of_query_tokens(asked.question.detections))
        question = centred_tokens(tokens.vectors, shift)
        scores = late_interaction_scores(
            question,
            tokens.weights,
            PassageTokens(kept, shifts, groups),
            kept.ids,
            background.tokens,
            snapshot.expected_matches,
        )
        late = np.full(len(found), np.nan, dtype=np.float32)
        late[: len(best)] = scores.min()  # a passage whose tokens are not kept
        late[places] = scores
        late -= background.chance_match(question, tokens.weights)
        return late

    def _plain(
        self, snapshot: Snapshot, asked: Asked, pool: int, only: Restriction | None
    ) -> Candidates:
        """Rank as others do by default: by BM25, or by RRF over dense search and BM25."""
        question = asked.question
        wanted = query_terms(question.text, question.detections, sorted(snapshot.languages))
        terms = [term for each in wanted for term in each.terms]
        found = snapshot.search_bm25(terms, pool, only)
        if self._settings.mode == "rrf":
            dense = snapshot.search_dense(question.vector[np.newaxis], pool, only)[0]
            found = reciprocal_rank_fusion([dense, found])
        ids = np.sort(found.ids)
        described = describe(asked, snapshot, ids)
        return replace(described.taken(np.searchsorted(ids, found.ids)), scores=found.scores)

    def search(
        self,
        catalogue: Catalogue,
        snapshot: Snapshot,
        question: str,
        *,
        k: int,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
    ) -> Found:
        """Return the ``k`` best hits; those deleted while the search ran are left out."""
        only = None if where is None else Restriction(catalogue.matching(where), where=where)
        if len(snapshot) == 0 or (only is not None and len(only.ids) == 0):
            return Found([], complete=True)
        [prepared] = self.questions([question], language)
        asked, candidates = self.rank(catalogue, snapshot, prepared, k=k, only=only)
        hits, complete = make_hits(
            catalogue,
            snapshot,
            prepared,
            asked.lexical,
            candidates.taken(np.flatnonzero(candidates.scores >= min_score)),
            k=k,
            only=only,
            group_twins=self._settings.group_twins,
        )
        return Found(hits, complete)


def _best_first(found: Candidates, scores: Float32Array) -> Candidates:
    order: npt.NDArray[np.intp] = np.lexsort((found.ids, -scores))
    return found.taken(order)


def _by_one_figure(snapshot: Snapshot, found: Candidates, mode: str) -> Candidates:
    """Order by the cosine alone, or by the words alone."""
    if mode == "lexical":
        return _best_first(replace(found, scores=found.lexical), found.lexical)
    total = WITHOUT_TOKENS.cosine * found.cosines
    scores = probability(total, snapshot.contents, WITHOUT_TOKENS)
    return _best_first(replace(found, scores=scores), found.dense)
