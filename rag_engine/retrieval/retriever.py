"""From a question to ranked passages, in this order.

``embed_questions`` -> ``prepare`` for a snapshot -> ``retrieve`` candidates -> ``featurise`` them
-> ``weigh`` the evidence -> ``compare_tokens`` of the best (late interaction) -> a reranker, if
there is one -> ``make_hits``. In a conversation the candidates come of two such searches, and are
``mixed`` before they are reranked.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np

from rag_engine.calibration.token_space import TokenSpace
from rag_engine.cancellation import check_cancelled
from rag_engine.components import Components
from rag_engine.embedding.embedder_contract import checked_vectors
from rag_engine.errors import InvalidInput, ServiceError
from rag_engine.filters import Equals, Filter, all_of
from rag_engine.images.pictures import Pictures
from rag_engine.ports import (
    Detection,
    Float32Array,
    IdSelector,
    InstructedEmbedder,
    SparseEmbedder,
    SparseVector,
    TokenEmbedder,
    TokenVectors,
)
from rag_engine.records import UNDETERMINED, Hit
from rag_engine.retrieval.answerable import answerable, signs
from rag_engine.retrieval.baselines import by_cosine, by_words, usual_search
from rag_engine.retrieval.candidates import Candidates, featurise, retrieve
from rag_engine.retrieval.conversation import (
    Exchange,
    agreed,
    follow_up,
    mixed,
    mixed_probability,
)
from rag_engine.retrieval.evidence import Formulation, Outlook, weigh
from rag_engine.retrieval.formulations import join_candidates
from rag_engine.retrieval.hits import make_hits
from rag_engine.retrieval.late_interaction import compare_tokens
from rag_engine.retrieval.pictured import pictured
from rag_engine.retrieval.query import EmbeddedQuery, PreparedQuery, prepare
from rag_engine.retrieval.rerank import reranked
from rag_engine.retrieval.twin_evidence import late_of_twins, translated_share, twins_of_best
from rag_engine.settings import (
    HybridRetrievalSettings,
    RetrievalSettings,
    Settings,
    rerank_pool,
)
from rag_engine.store.snapshot import Snapshot
from rag_engine.store.view import View

__all__ = ["Embed", "Ranked", "Retriever"]

_log = logging.getLogger(__name__)
_RATHER = 0.5
"""From this probability on a question is read with the one before it, by rerankers and readers."""


class Embed(Protocol):
    """Embeds questions as ``Retriever.embed_questions`` does."""

    def __call__(
        self, texts: Sequence[str], language: str | None, instruction: str | None, /
    ) -> list[EmbeddedQuery]:
        """Return them in the order of their texts."""
        ...


class _Found(NamedTuple):
    """Candidates as the indexes alone order them; ``answerable`` is as in ``Ranked``."""

    candidates: Candidates
    answerable: float | None


class Ranked(NamedTuple):
    """A question's formulations as a snapshot was asked them, and its candidates, best first.

    ``answerable`` is the probability that any passage answers, where the mode tells one;
    ``failure`` tells why they are not in the reranker's order, if there is one; ``follow_up`` how
    likely the question goes on with a conversation, if there was one.
    """

    queries: Sequence[PreparedQuery]
    candidates: Candidates
    answerable: float | None
    failure: str | None
    follow_up: float | None = None


class Retriever:
    """Walks a question through the indexes. Keeps no state; safe to share between threads."""

    def __init__(
        self, components: Components, settings: Settings, pictures: Pictures | None = None
    ) -> None:
        self._pictures = pictures
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
        self._sparse = components.sparse and settings.retrieval.mode == "hybrid"

    def embed_questions(
        self, texts: Sequence[str], language: str | None = None, instruction: str | None = None
    ) -> list[EmbeddedQuery]:
        """Embed questions, all in one call; ``language`` states what the first is in.

        With an ``instruction`` tokens are not compared, and weigh nothing: they were not embedded
        with it.

        Raises:
            InvalidInput: the embedder takes no ``instruction``, or the mode uses no embedder.
        """
        tokens: Sequence[TokenVectors | None] = [None] * len(texts)
        sparse: Sequence[SparseVector | None] = [None] * len(texts)
        if instruction is not None:
            raw = self._instructed(texts, instruction)
        elif self._sparse and isinstance(self._embedder, SparseEmbedder):
            basis = None if self._space is None else self._space.basis
            kinds = self._embedder.embed_query_kinds(texts, basis)
            raw, sparse, tokens = kinds.vectors, kinds.sparse, kinds.tokens or tokens
        elif self._space is not None and isinstance(self._embedder, TokenEmbedder):
            raw, tokens = self._embedder.embed_query_tokens(texts, self._space.basis)
        else:
            raw = self._embedder.embed_queries(texts)
        vectors = checked_vectors(raw, rows=len(texts), dimension=self._embedder.dimension)
        stated: list[tuple[Detection, ...]] = []
        if language is not None:
            stated = [(Detection(language, 1.0),)]
        detections = stated + [self._detector.plausible(text) for text in texts[len(stated) :]]
        return [
            EmbeddedQuery(*parts)
            for parts in zip(texts, detections, vectors, tokens, sparse, strict=True)
        ]

    @property
    def embeds_as(self) -> tuple[Hashable, ...]:
        """What questions are embedded by: equal where ``embed_questions`` gives the same."""
        space = None if self._space is None else self._space.version
        words_alone = self._settings.mode in {"lexical", "bm25"}
        return self._embedder.contract, space, self._sparse, words_alone, type(self._detector)

    def different_passages(self, view: View, where: Filter | None) -> float:
        """Return how many different things are said by the passages that ``where`` lets through."""
        return _different(view.snapshot, view.matching(where))

    def _instructed(self, texts: Sequence[str], instruction: str) -> Float32Array:
        if self._settings.mode in {"lexical", "bm25"}:
            raise InvalidInput(
                f"instruction = {instruction!r:.80} has no effect: retrieval.mode = "
                f"{self._settings.mode!r} looks at words alone"
            )
        if not isinstance(self._embedder, InstructedEmbedder):
            raise InvalidInput(
                f"instruction = {instruction!r:.80}: the embedder "
                f"{self._embedder.contract.model!r} takes none; it has no method "
                "embed_instructed_queries (see rag_engine.ports.InstructedEmbedder)"
            )
        return self._embedder.embed_instructed_queries(texts, instruction)

    def rank(
        self,
        view: View,
        formulations: Sequence[EmbeddedQuery],
        *,
        k: int,
        allowed: IdSelector | None = None,
        fall_back: bool = False,
    ) -> Ranked:
        """Return at least ``k`` candidates for a question (if there are), best first.

        ``formulations`` are those of the one question, the asker's own first. ``allowed`` names
        the ids that may be returned; None: all. With ``fall_back`` the order of retrieval stands
        where a reranker that is a service fails.

        Raises:
            ViewOutdated: a passage vanished meanwhile, and the view is not lenient.
            ServiceError: a remote model failed.
        """
        queries = self._prepare(view, formulations)
        found = self._find(view, queries, self._pool(k), allowed)
        return self._reranked(view, queries, found, fall_back=fall_back)

    def _prepare(self, view: View, formulations: Sequence[EmbeddedQuery]) -> list[PreparedQuery]:
        lexical = self._settings.mode in {"hybrid", "lexical"}
        return [prepare(embedded, view.snapshot, lexical=lexical) for embedded in formulations]

    def _pool(self, k: int) -> int:
        return max(self._settings.pool, k)

    def _find(
        self,
        view: View,
        queries: Sequence[PreparedQuery],
        pool: int,
        allowed: IdSelector | None,
    ) -> _Found:
        """Find candidates; only the mode ``hybrid`` tells whether any of them answers."""
        snapshot, mode = view.snapshot, self._settings.mode
        if mode in {"bm25", "rrf"}:
            ranked = usual_search(queries, snapshot, pool, allowed, dense=mode == "rrf")
            return _Found(ranked, None)
        parts = [
            retrieve(query, snapshot, pool, allowed, dense=mode != "lexical") for query in queries
        ]
        ids = np.unique(np.concatenate(parts))
        check_cancelled()
        each = [featurise(query, snapshot, ids) for query in queries]
        if mode == "hybrid":
            return self._by_evidence(view, queries, each, allowed)
        joined = join_candidates(each)
        if mode == "dense":
            return _Found(by_cosine(joined, snapshot.effective_corpus_size), None)
        return _Found(by_words(joined), None)

    def _reranked(
        self,
        view: View,
        queries: Sequence[PreparedQuery],
        found: _Found,
        *,
        fall_back: bool,
    ) -> Ranked:
        candidates = found.candidates
        candidates = replace(candidates, rank_before_rerank=np.arange(1, len(candidates) + 1))
        check_cancelled()
        failure = None
        if self._reranker is not None:
            texts = [query.embedded.text for query in queries]
            try:
                candidates = reranked(self._reranker, view, texts, candidates, self._rerank_pool)
            except ServiceError as error:
                if not fall_back:
                    raise
                failure = f"the reranker {self._reranker.name!r} failed: {error}"
                _log.warning("%s; the order of retrieval stands", failure)
        return Ranked(queries, candidates, found.answerable, failure)

    def _rank_in_conversation(
        self,
        view: View,
        formulations: Sequence[EmbeddedQuery],
        about: Sequence[EmbeddedQuery],
        continued: EmbeddedQuery,
        *,
        k: int,
        where: Filter | None,
        allowed: IdSelector | None,
    ) -> Ranked:
        """Rank for a question after an exchange: see ``conversation``.

        ``about`` are the texts of the exchange, ``continued`` is its question with the new one. In
        modes without probabilities that is one more formulation.
        """
        together = [*formulations, continued]
        if self._settings.mode != "hybrid":
            return self.rank(view, together, k=k, allowed=allowed, fall_back=True)
        pool = self._pool(k)
        topics = self._find(view, self._prepare(view, about), pool, allowed).candidates
        chunks = view.chunks(topics.ids[:1].tolist())
        queries = self._prepare(view, together)
        own = queries[: len(formulations)]
        alone = found = self._find(view, own, pool, allowed)
        likely = 0.0
        for topic in chunks.values():  # one, or none
            check_cancelled()
            of_topic = view.matching(all_of(where, Equals("source", topic.source)))
            of_own = self._find(view, own, pool, of_topic)
            of_both = self._find(view, queries[len(own) :], pool, of_topic)
            goes_on = agreed(of_own.candidates, of_both.candidates)
            [tokens] = self._embedder.count_tokens([formulations[0].text])
            likely = follow_up(tokens, alone.candidates.scores, goes_on.scores)
            found = _Found(
                mixed(alone.candidates, goes_on, likely),
                mixed_probability(
                    alone.answerable, [of_own.answerable, of_both.answerable], likely
                ),
            )
        asked = queries if likely >= _RATHER else own
        return self._reranked(view, asked, found, fall_back=True)._replace(follow_up=likely)

    def _by_evidence(
        self,
        view: View,
        queries: Sequence[PreparedQuery],
        each: Sequence[Candidates],
        allowed: IdSelector | None,
    ) -> _Found:
        """Order candidates by all evidence; those without late interaction follow the others.

        ``each`` are the same candidates as each formulation sees them.
        """
        snapshot, late = view.snapshot, None
        evidence = weigh(
            *(
                Formulation(candidates, self._outlook(snapshot, query, candidates, allowed))
                for query, candidates in zip(queries, each, strict=True)
            )
        )
        if self._fair and len(snapshot.twins):
            others = np.setdiff1d(twins_of_best(snapshot, evidence.ids, allowed), evidence.ids)
            if len(others):
                evidence = evidence.joined_by(
                    [featurise(query, snapshot, others) for query in queries]
                )
        twins = snapshot.twins.among(evidence.ids) if self._fair else None
        check_cancelled()
        if self._space is not None:
            weighed = [one.candidates for one in evidence.formulations]
            late = compare_tokens(view, self._space, queries, weighed, self._late_pool)
        if late is not None:
            if twins is not None:
                late = [late_of_twins(twins, one) for one in late]
            evidence = evidence.with_late(late)
        prior = snapshot.calibration.null_distribution.prior
        size = _different(snapshot, allowed)
        scored = evidence.scored(
            twins,
            effective_corpus_size=size,
            log_odds=0.0 if prior is None else prior.log_odds,
        )
        return _Found(scored, answerable(signs(scored, snapshot, size)))

    def _outlook(
        self,
        snapshot: Snapshot,
        query: PreparedQuery,
        candidates: Candidates,
        allowed: IdSelector | None,
    ) -> Outlook:
        translated = translated_share(snapshot, candidates) if self._fair else 0.0
        return Outlook(query.known, query.share_at_home(snapshot, allowed), translated, self._fair)

    def search(
        self,
        view: View,
        formulations: Sequence[str],
        *,
        k: int,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
        exchange: Exchange | None = None,
        images: bool = False,
        embed: Embed | None = None,
    ) -> list[Hit]:
        """Return the ``k`` best hits for a question in one or more formulations.

        They are in the order of a reranker that is a service, where it answers. ``exchange`` is
        what was said before, if anything. With ``images`` pictures are found by what they show, too
        (``pictured``). ``embed`` does what ``embed_questions`` does in its place.

        Raises:
            ViewOutdated: a passage vanished meanwhile, and the view is not lenient.
        """
        allowed = view.matching(where)
        if len(view.snapshot) == 0 or (allowed is not None and len(allowed.ids) == 0):
            return []
        check_cancelled()
        texts = list(formulations)
        if exchange is not None:
            texts += [exchange.continued_by(formulations[0]), *exchange.about]
        embedded = (embed or self.embed_questions)(texts, language, instruction)
        check_cancelled()
        own, rest = embedded[: len(formulations)], embedded[len(formulations) :]
        if rest:
            ranked = self._rank_in_conversation(
                view, own, rest[1:], rest[0], k=k, where=where, allowed=allowed
            )
        else:
            ranked = self.rank(view, own, k=k, allowed=allowed, fall_back=True)
        candidates, of_images = ranked.candidates, dict[int, float]()
        if images and self._pictures is not None and self._settings.mode == "hybrid":
            asked = [(one.text, one.language) for one in own]
            size = _different(view.snapshot, allowed)
            found = self._pictures.find(asked, allowed, size)
            candidates, of_images = pictured(view, ranked.queries, candidates, found, k)
        return make_hits(
            view,
            ranked.queries,
            candidates.taken(np.flatnonzero(candidates.scores >= min_score)),
            k=k,
            allowed=allowed,
            group_twins=self._settings.group_twins,
            rerank_failure=ranked.failure,
            follow_up=ranked.follow_up,
            answerable=ranked.answerable,
            pictures=self._pictures is not None,
            images=of_images,
        )

    def search_by_vector(
        self,
        view: View,
        vector: Float32Array,
        *,
        k: int,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
    ) -> list[Hit]:
        """Return the ``k`` best hits for a question of which there is a vector, but no text.

        They are in the order of their cosines, whatever the mode: no words are compared, no tokens,
        and no reranker is asked.

        Raises:
            InvalidVectors: another shape than ``(dimension,)``, NaN, infinity or zeros.
            ViewOutdated: a passage vanished meanwhile, and the view is not lenient.
        """
        [unit] = checked_vectors([vector], rows=1, dimension=self._embedder.dimension)
        allowed, snapshot = view.matching(where), view.snapshot
        if len(snapshot) == 0 or (allowed is not None and len(allowed.ids) == 0):
            return []
        known = Detection(UNDETERMINED, 0.0) if language is None else Detection(language, 1.0)
        query = prepare(EmbeddedQuery("", (known,), unit), snapshot, lexical=False)
        ids = retrieve(query, snapshot, max(self._settings.pool, k), allowed)
        ranked = by_cosine(featurise(query, snapshot, ids), snapshot.effective_corpus_size)
        ranked = replace(ranked, rank_before_rerank=np.arange(1, len(ranked) + 1))
        return make_hits(
            view,
            [query],
            ranked.taken(np.flatnonzero(ranked.scores >= min_score)),
            k=k,
            allowed=allowed,
            group_twins=self._settings.group_twins,
            pictures=self._pictures is not None,
        )


def _different(snapshot: Snapshot, allowed: IdSelector | None) -> float:
    """Return how many different things are said by the passages that may be returned."""
    share = 1.0 if allowed is None else len(allowed.ids) / max(1, len(snapshot))
    return snapshot.effective_corpus_size * share
