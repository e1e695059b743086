"""What the other modes of retrieval do: vectors alone, words alone, and the usual hybrid search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag_engine.ports import IdSelector
from rag_engine.retrieval.candidates import Candidates, featurise
from rag_engine.retrieval.evidence import best_first
from rag_engine.retrieval.formulations import join_candidates
from rag_engine.retrieval.fusion import WITHOUT_TOKENS, probability, reciprocal_rank_fusion
from rag_engine.retrieval.lexical import query_terms
from rag_engine.retrieval.query import PreparedQuery
from rag_engine.store.snapshot import Snapshot

__all__ = ["by_cosine", "by_words", "usual_search"]


def by_cosine(candidates: Candidates, effective_corpus_size: float) -> Candidates:
    """Order candidates by the cosine alone; scores are probabilities."""
    totals = WITHOUT_TOKENS.cosine * candidates.z_scores
    scores = probability(totals, effective_corpus_size, WITHOUT_TOKENS)
    return best_first(replace(candidates, scores=scores), candidates.dense)


def by_words(candidates: Candidates) -> Candidates:
    """Order candidates by the words alone; scores are the shares of the question they hold.

    Of those that hold the same share, none for the most part, the one comes first that holds the
    more surprising words as they stand or sound.
    """
    literal = (1 - candidates.same_language_probability) * candidates.literal_surprise
    order = np.lexsort((candidates.ids, -literal, -candidates.lexical))
    return replace(candidates, scores=candidates.lexical).taken(order)


def usual_search(
    queries: Sequence[PreparedQuery],
    snapshot: Snapshot,
    pool: int,
    allowed: IdSelector | None,
    *,
    dense: bool,
) -> Candidates:
    """Rank as others do by default: by BM25, or (``dense``) by RRF over dense search and BM25.

    The rankings of several formulations of a question are fused by RRF too.
    """
    rankings = []
    for query in queries:
        embedded = query.embedded
        if dense:
            rankings += snapshot.search_dense(embedded.vector[np.newaxis], pool, allowed)
        wanted = query_terms(embedded.text, embedded.detections, sorted(snapshot.languages))
        terms = [term for of_language in wanted for term in of_language.terms]
        rankings.append(snapshot.search_bm25(terms, pool, allowed))
    ranking = rankings[0] if len(rankings) == 1 else reciprocal_rank_fusion(rankings)
    ids = np.sort(ranking.ids)
    candidates = join_candidates([featurise(query, snapshot, ids) for query in queries])
    return replace(candidates.taken(np.searchsorted(ids, ranking.ids)), scores=ranking.scores)
