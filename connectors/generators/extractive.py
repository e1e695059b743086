"""Answers without a language model: the sentences that match the question best, quoted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace, centred_tokens
from rag_engine.errors import InvalidInput
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Embedder, Float32Array, Prompt, TokenEmbedder

__all__ = ["ExtractiveGenerator"]


class _Candidate(NamedTuple):
    """A sentence of passage ``number`` (from 1), with the headings that it stands below."""

    text: str
    headings: tuple[str, ...]
    number: int
    language: str
    score: float


class ExtractiveGenerator:
    """A ``Generator`` that quotes: one line a sentence, each with the number of its source.

    It writes nothing of its own and can not translate: quotations stay in the languages of their
    sources, whatever the question's is, which its name says. It quotes the sentence that matches
    the question best, and up to ``max_sentences`` in all where others match what that one does not:
    see ``rag_engine.answering.sentence_choice``. Passages that are much less likely to answer than
    the best one are not quoted.

    Headings are not quoted, nor is a sentence that only asks (an FAQ's question); what they match
    counts for the sentences below them. ``prior`` tells what is language in a token, so that a
    sentence in the question's own language is not preferred for that. Without a ``token_space``, or
    with an embedder that tells no tokens, a sentence matches by the cosine of its vector, and one
    is quoted.

    The same prompt always gives the same answer.

    Raises:
        InvalidInput: ``max_sentences`` below 1.
    """

    def __init__(
        self,
        *,
        embedder: Embedder,
        token_space: TokenSpace | None = None,
        prior: LanguagePrior | None = None,
        max_sentences: int = 2,
    ) -> None:
        if max_sentences < 1:
            raise InvalidInput(f"max_sentences is at least 1, got {max_sentences!r}")
        self._embedder = embedder
        self._token_space = token_space
        self._prior = prior
        self._max_sentences = max_sentences

    @property
    def name(self) -> str:
        """Says that the answer is quoted, untranslated."""
        return "extractive (quotes the sources word for word, no language model)"

    @property
    def quotes(self) -> bool:
        """It does."""
        return True

    def generate(self, prompt: Prompt) -> Iterator[str]:
        """Yield one line a quotation, in the order of the sources; nothing if none states any."""
        from rag_engine.answering.citations import without_marks  # a search waits for none of it

        candidates = list(_candidates(prompt))
        chosen = [0] if len(candidates) == 1 else self._chosen(prompt.question, candidates)
        for row in chosen:
            yield f"“{without_marks(candidates[row].text)}” [{candidates[row].number}]\n"

    def _chosen(self, question: str, candidates: Sequence[_Candidate]) -> list[int]:
        from rag_engine.answering.sentence_choice import choose_sentences

        if not candidates:
            return []
        languages = {
            text: candidate.language
            for candidate in candidates
            for text in (candidate.text, *candidate.headings)
        }
        matches, weights = self._matches(question, languages)
        of_text = dict(zip(languages, matches, strict=True))
        own = [
            np.max([of_text[text] for text in (candidate.text, *candidate.headings)], axis=0)
            for candidate in candidates
        ]
        scores = np.array([candidate.score for candidate in candidates], np.float32)
        return choose_sentences(np.array(own), weights, scores, most=self._max_sentences)

    def _matches(
        self, question: str, languages: dict[str, str]
    ) -> tuple[Float32Array, Float32Array]:
        """Return what of a question each text matches, ``(n, q)``, and what that weighs ``(q,)``.

        ``languages`` are those of the texts.
        """
        from rag_engine.answering.sentence_choice import token_matches

        embedder, texts = self._embedder, list(languages)
        if self._token_space is None or not isinstance(embedder, TokenEmbedder):
            vectors = embedder.embed_passages(texts)
            cosines = matmul_on_one_thread(vectors, embedder.embed_queries([question]))
            return cosines, np.ones(1, np.float32)
        basis = self._token_space.basis
        _, [asked] = embedder.embed_query_tokens([question], basis)
        _, told = embedder.embed_passage_tokens(texts, basis)
        own = centred_tokens(asked.vectors, np.zeros(len(basis), np.float32))
        sentences = [
            centred_tokens(tokens.vectors, self._offset(language, basis))
            for tokens, language in zip(told, languages.values(), strict=True)
        ]
        return token_matches(own, sentences), asked.weights

    def _offset(self, language: str, basis: Float32Array) -> Float32Array:
        """Return what says in a token that it is in a language, ``(width,)``; 0 if nobody knows."""
        known = None if self._prior is None else self._prior.offset(language)
        if known is None or (self._token_space is not None and self._token_space.own):
            return np.zeros(len(basis), np.float32)
        offset: Float32Array = np.vecdot(basis, known)
        return offset


def _candidates(prompt: Prompt) -> Iterator[_Candidate]:
    """Yield what may be quoted: the statements of all passages that are likely enough to answer."""
    from rag_engine.answering.sentence_choice import AS_WELL
    from rag_engine.answering.statements import statements

    count = len(prompt.passages)
    languages = prompt.passage_languages or ("",) * count
    headings = prompt.passage_headings or ("",) * count
    scores = prompt.passage_scores or (1.0,) * count
    least = AS_WELL * max(scores, default=0.0)
    each = zip(prompt.passages, languages, headings, scores, strict=True)
    for number, (passage, language, heading, score) in enumerate(each, start=1):
        if score >= least:
            for statement in statements(passage, language):
                above = tuple(filter(None, (heading, statement.below)))
                yield _Candidate(statement.text, above, number, language, score)
