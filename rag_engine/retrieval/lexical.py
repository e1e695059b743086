"""The lexical side of a question: which terms to look for, in which language, at which weight."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag_engine.ports import Detection, Int64Array
from rag_engine.text.analysis import Token, analyse, neutral_term, stem_term

__all__ = ["QueryTerms", "inverse_document_frequency", "query_terms", "term_weights"]


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


def query_terms(
    question: str, detections: Sequence[Detection], languages: Sequence[str]
) -> list[QueryTerms]:
    """Return what to look for in the passages of each language.

    In a language that the question may be in, its words are looked for by their stems; in any
    other only what all languages write the same: names, numbers and codes.
    """
    plausible = {detection.language for detection in detections}
    tokens = analyse(question, detections[0].language)
    content = [token for token in tokens if not token.stop] or tokens
    found = []
    for language in languages:
        if language in plausible:
            mine = [token for token in analyse(question, language) if not token.stop]
            terms = tuple(dict.fromkeys(stem_term(language, token.stem) for token in mine))
            words = len(terms)
        else:
            terms = _neutral_terms(content, language)
            words = len({token.surface for token in content})
        if terms:
            found.append(QueryTerms(language, terms, words))
    return found


def _neutral_terms(content: Sequence[Token], language: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(neutral_term(language, token.surface) for token in content))


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
    terms = [term for each in wanted for term in each.terms]
    frequencies = dict(zip(terms, document_frequencies(terms).tolist(), strict=True))
    weights: dict[str, float] = {}
    for each in wanted:
        passages = max(1, sizes.get(each.language, 0))
        rarest = inverse_document_frequency(1, passages)
        useful: dict[str, float] = {}
        total = rarest * (each.words - len(each.terms))
        for term in each.terms:
            frequency = frequencies[term]
            idf = inverse_document_frequency(max(1, frequency), passages)
            total += idf
            if frequency:
                useful[term] = idf
        weights.update({term: idf / total for term, idf in useful.items()})
    return weights
