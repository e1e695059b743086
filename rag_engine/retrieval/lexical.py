"""The lexical side of a question: which terms to look for, in which language, at which weight."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag_engine.ports import Detection, Int64Array
from rag_engine.text.analysis import analyse, neutral_term, stem_term
from rag_engine.text.folding import folded, tidied
from rag_engine.text.scripts import home_script, main_script
from rag_engine.text.sounds import sound_term, sounds_of, words_of
from rag_engine.text.stemming import is_stop_word

__all__ = [
    "LexicalQuery",
    "QueryTerms",
    "inverse_document_frequency",
    "lexical_query",
    "literal_terms",
    "query_terms",
    "shared_terms",
    "sound_terms",
    "surprises",
    "term_weights",
    "word_terms",
]

_WORD = re.compile(r"\w+")
_SURE = 0.8
_UNSURPRISING = 2.5
"""Nats of a word that one passage in twelve holds."""
_UNSEEN, _UNSEEN_UNKNOWN = 50, 2_000
"""Passages that a language is supposed to have beside those of the corpus, and that do not hold a
word. Few of them: a word of a known language that happens to be one of another says little. Many:
of a question that no detector places, typed in other letters than its language has, two or three
rare words or sounds in one passage are all there is to go by."""
_OF_KNOWN = 0.4
"""How much of its surprise a word of a known language keeps in passages of another: a name is
worth it, a word that only looks or sounds alike is not, and vectors know the rest."""


def inverse_document_frequency(frequency: int, passages: int) -> float:
    """Return Lucene's idf, ``ln(1 + (N - n + 0.5) / (n + 0.5))``, always positive.

    >>> round(inverse_document_frequency(1, 100), 3)
    4.21
    """
    return math.log(1 + (passages - frequency + 0.5) / (frequency + 0.5))


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """The terms of a question for passages of one language; ``words`` counts its content words."""

    language: str
    terms: tuple[str, ...]
    words: int


def word_terms(
    question: str, detections: Sequence[Detection], languages: Sequence[str]
) -> list[QueryTerms]:
    """Return the stems to look for in passages of each language that the question may be in."""
    plausible = {detection.language for detection in detections}
    wanted = []
    for language in languages:
        if language in plausible:
            tokens = [token for token in analyse(question, language) if not token.stop]
            terms = tuple(dict.fromkeys(stem_term(language, token.stem) for token in tokens))
            if terms:
                wanted.append(QueryTerms(language, terms, len(terms)))
    return wanted


def shared_terms(
    question: str, detections: Sequence[Detection], languages: Sequence[str]
) -> list[QueryTerms]:
    """Return what to look for in passages of any language: names, numbers and codes.

    A passage tells which of its words are such (its analysis marks them); of the question every
    word is looked for among them.
    """
    tokens = analyse(question, detections[0].language)
    surfaces = list(dict.fromkeys(token.surface for token in tokens if not token.stop))
    surfaces = surfaces or list(dict.fromkeys(token.surface for token in tokens))
    return [
        QueryTerms(
            language, tuple(neutral_term(language, word) for word in surfaces), len(surfaces)
        )
        for language in languages
        if surfaces
    ]


def literal_terms(question: str, languages: Sequence[str]) -> list[QueryTerms]:
    """Return the words of a question as passages of each language of its script would hold them.

    A name needs no capital for that, and a language that no detector knows no stemmer.
    """
    script = main_script(question)
    wanted = []
    for language in languages:
        if home_script(language) in {script, ""}:
            stems = {token.stem: None for token in analyse(question, language) if not token.stop}
            terms = tuple(stem_term(language, stem) for stem in stems)
            if terms:
                wanted.append(QueryTerms(language, terms, len(terms)))
    return wanted


def sound_terms(
    question: str, detections: Sequence[Detection], languages: Sequence[str]
) -> list[QueryTerms]:
    """Return how the words of a question sound, for passages of each language.

    They find what is typed in other letters than the passage is written in, and names. Where its
    language is sure, the words that only hold its sentences together are not listened to.
    """
    likeliest = detections[0]
    if likeliest.confidence >= _SURE:
        question = _WORD.sub(
            lambda word: "" if _holds_together(word.group(), likeliest.language) else word.group(),
            question,
        )
    words = words_of(question)
    wanted = []
    for language in languages:
        keys = {key: None for word in sounds_of(words, language) for key in word}
        terms = tuple(sound_term(language, key) for key in keys)
        if terms:
            wanted.append(QueryTerms(language, terms, len(terms)))
    return wanted


def _holds_together(word: str, language: str) -> bool:
    return is_stop_word(folded(tidied(word)), language)


def query_terms(
    question: str, detections: Sequence[Detection], languages: Sequence[str]
) -> list[QueryTerms]:
    """Return what BM25 looks for in each language: words where they can be, else shared terms."""
    words = word_terms(question, detections, languages)
    others = sorted(set(languages) - {of_language.language for of_language in words})
    return [*words, *shared_terms(question, detections, others)]


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """The weights of the terms of a question, so that a passage's sums are shares of it, 0 to 1.

    ``words`` are for passages in the question's own language, ``shared`` for those of any.
    ``literal`` are words as they stand, for passages of any language, in nats. All are empty where
    no lexical evidence is wanted, or none can be had. ``language_probabilities`` tell how surely
    the question is in each language.
    """

    words: Mapping[str, float]
    shared: Mapping[str, float]
    literal: Mapping[str, float]
    language_probabilities: Mapping[str, float]

    def terms(self, language: str) -> dict[str, float]:
        """Return the terms, with their weights, that count in passages of a language.

        Sounds are left out: to a reader their keys say nothing.
        """
        at_home = language in self.language_probabilities
        weights = self.words if at_home else {**self.literal, **self.shared}
        prefixes = (stem_term(language, ""), neutral_term(language, ""))
        return {term: weight for term, weight in weights.items() if term.startswith(prefixes)}


def lexical_query(
    question: str,
    detections: Sequence[Detection],
    sizes: Mapping[str, int],
    document_frequencies: Callable[[Sequence[str]], Int64Array],
    *,
    known: float,
) -> LexicalQuery:
    """Prepare a question for the passages of languages with ``sizes`` (passages each).

    ``known`` is how surely its language is known, 0 to 1.
    """
    languages = sorted(sizes)
    words = word_terms(question, detections, languages)
    shared = shared_terms(question, detections, languages)
    sure = max(1.0, sum(detection.confidence for detection in detections))
    return LexicalQuery(
        words=term_weights(words, sizes, document_frequencies),
        shared=term_weights(shared, sizes, document_frequencies),
        literal=surprises(
            [*literal_terms(question, languages), *sound_terms(question, detections, languages)],
            sizes,
            document_frequencies,
            known=known,
        ),
        language_probabilities={
            detection.language: detection.confidence / sure for detection in detections
        },
    )


def term_weights(
    wanted: Sequence[QueryTerms],
    sizes: Mapping[str, int],
    document_frequencies: Callable[[Sequence[str]], Int64Array],
) -> dict[str, float]:
    """Return the weight of every term, so that a passage's sum is its coverage, 0 to 1.

    A term weighs its idf among the passages of its own language, over the sum of the idf of all
    words of the question (a word that is in no passage there, or can not be looked for, counts
    as if it were in one). ``sizes`` maps a language to its number of passages.
    """
    terms = [term for of_language in wanted for term in of_language.terms]
    if not terms:
        return {}
    frequencies = dict(zip(terms, document_frequencies(terms).tolist(), strict=True))
    weights: dict[str, float] = {}
    for of_language in wanted:
        passages = max(1, sizes.get(of_language.language, 0))
        rarest = inverse_document_frequency(1, passages)
        useful: dict[str, float] = {}
        total = rarest * (of_language.words - len(of_language.terms))
        for term in of_language.terms:
            frequency = frequencies[term]
            # Most terms of most languages are in no passage at all.
            idf = rarest if frequency <= 1 else inverse_document_frequency(frequency, passages)
            total += idf
            if frequency:
                useful[term] = idf
        weights.update({term: idf / total for term, idf in useful.items()})
    return weights


def surprises(
    wanted: Sequence[QueryTerms],
    sizes: Mapping[str, int],
    document_frequencies: Callable[[Sequence[str]], Int64Array],
    *,
    known: float,
) -> dict[str, float]:
    """Return how surprising each term is in a passage of its language, in nats.

    Of ``n`` of the ``N`` passages that hold a term, and ``u`` unseen ones that do not::

        max(0, -ln((n + 1/2) / (N + u + 1)) - 2.5)

    A term that one passage in twelve holds says nothing: a word of one language is often, by
    chance, a word of another. One that no passage holds is left out. As far as the question's
    language is ``known``, 0 to 1, ``u`` is 50 and the result counts 0.4, else 2,000 and in full.
    """
    terms = [term for of_language in wanted for term in of_language.terms]
    if not terms:
        return {}
    frequencies = dict(zip(terms, document_frequencies(terms).tolist(), strict=True))
    weights: dict[str, float] = {}
    for of_language in wanted:
        passages = sizes.get(of_language.language, 0)
        for term in of_language.terms:
            if frequency := frequencies[term]:
                surprise = known * _OF_KNOWN * _surprise(frequency, passages + _UNSEEN)
                surprise += (1 - known) * _surprise(frequency, passages + _UNSEEN_UNKNOWN)
                if surprise > 0:
                    weights[term] = surprise
    return weights


def _surprise(frequency: int, passages: int) -> float:
    return max(0.0, -math.log((frequency + 0.5) / (passages + 1)) - _UNSURPRISING)
