"""Similarity: how probably two texts say the same, 0 to 1, whatever languages they are in.

The cosines of a multilingual model do not tell it: one language's translations have others than
another's. What is usual for the two languages is taken off, and what is left becomes a probability
(``calibration.similarity_scale``). It supposes that half of the pairs asked about say the same, and
that the others are near misses, as different sentences of one text are: of texts at random those
that score 0.5 are fewer.

The constants are shipped for the bundled model with its adapter. Any other is refused, rather than
given figures that mean nothing; its ``raw`` cosines can be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag_engine.calibration.model_fit import prior_of
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.similarity_scale import LEAST_SPREAD, SimilarityScale
from rag_engine.components import default_detector, default_embedder
from rag_engine.errors import InvalidInput
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Embedder, Float32Array, LanguageDetector
from rag_engine.records import UNDETERMINED
from rag_engine.settings import Settings
from rag_engine.text.codes import stated_language

__all__ = [
    "Side",
    "checked_texts",
    "compared",
    "embedded_side",
    "scaled_prior",
    "similarity",
    "unread",
]


@dataclass(frozen=True, slots=True)
class Side:
    """Texts that are compared: ``vectors`` ``(n, dimension)``, and ``languages`` (or ``und``)."""

    vectors: Float32Array
    languages: Sequence[str]


def similarity(
    texts: Sequence[str],
    others: Sequence[str],
    *,
    matrix: bool = False,
    embedder: Embedder | None = None,
    detector: LanguageDetector | None = None,
    language: str | None = None,
    other_language: str | None = None,
    raw: bool = False,
) -> Float32Array:
    """Return how probably texts say the same: ``(n,)`` float32, 0 to 1, the first with the first.

    As a ``matrix`` every text is compared with every other: ``(n, m)``. ``language`` and
    ``other_language`` (BCP-47) say what all texts of a list are in, which is otherwise detected of
    each. Without an ``embedder`` the bundled model is loaded: hand one over to compare again and
    again. Of no texts there are no figures: ``(0,)``, or a matrix without rows or columns.

    Of texts in a language that the model can not read nothing is told (NaN); one that the prior
    does not have is taken to lie in the middle of all. ``raw`` gives plain cosines, -1 to 1, of any
    model.

    Raises:
        InvalidInput: lists of different lengths without ``matrix``; a text that is none; a language
            that is no code; one with ``raw``, where it has no effect; a model whose constants
            nobody knows, without ``raw``.

    Example::

        similarity(["The museum is closed on Mondays."], ["Makumbusho hufungwa siku ya Jumatatu."])
    """
    if raw and (language or other_language or detector):
        raise InvalidInput(
            "a language or detector has no effect with raw cosines, which are the same for all "
            "languages; leave it or raw out"
        )
    first, second = checked_texts("texts", texts), checked_texts("others", others)
    if not matrix and len(first) != len(second):
        raise InvalidInput(
            f"texts and others are compared one by one, got {len(first)} and {len(second)}; pass "
            "as many, or compare all with all (matrix=True, --matrix)"
        )
    if embedder is None:
        embedder = default_embedder(Settings())
    prior = None if raw else scaled_prior(embedder)
    if not raw and detector is None and not (language and other_language):
        detector = default_detector()
    one = embedded_side(first, embedder, detector, language)
    other = embedded_side(second, embedder, detector, other_language)
    return compared(one, other, prior, matrix=matrix)


def checked_texts(name: str, texts: Sequence[str]) -> list[str]:
    """Return texts that are some, each one not empty.

    Raises:
        InvalidInput: one is none, and which; or one text in place of a list.
    """
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise InvalidInput(f"{name} is a list of texts, got {texts!r:.80}; put one text in a list")
    for place, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise InvalidInput(f"{name}[{place}] is a text that is not empty, got {text!r:.80}")
    return list(texts)


def scaled_prior(embedder: Embedder) -> LanguagePrior:
    """Return the prior of a model, which has a scale.

    Raises:
        InvalidInput: none is shipped for the model.
    """
    prior = prior_of(embedder)
    if prior is None or prior.similarity is None:
        raise InvalidInput(
            f"how the cosines of {embedder.contract.model!r} become probabilities is not known: "
            "that is shipped for the bundled model alone, with its adapter (embedder.kind = "
            "'bundled'); raw=True (--raw) gives plain cosines"
        )
    return prior


def embedded_side(
    texts: Sequence[str],
    embedder: Embedder,
    detector: LanguageDetector | None,
    language: str | None = None,
) -> Side:
    """Embed texts and tell their languages; without a ``detector`` they are ``und``.

    They are embedded as questions are: E5 was trained to have both texts behind the same prompt
    where they are alike, and tells translations better by that than by the one for passages.

    Raises:
        InvalidInput: ``language`` is no code of one.
    """
    said = stated_language(language)
    vectors = embedder.embed_queries(texts)
    found = dict.fromkeys(texts, said or UNDETERMINED)
    if said is None and detector is not None:
        found = {text: detector.detect(text).language for text in found}
    return Side(vectors, [found[text] for text in texts])


def compared(
    one: Side, other: Side, prior: LanguagePrior | None, *, matrix: bool = False
) -> Float32Array:
    """Return the similarity of two sides, pair by pair ``(n,)``, or as a ``matrix`` ``(n, m)``.

    ``prior`` is the model's, with its scale; None: plain cosines.
    """
    if matrix:
        cosines = matmul_on_one_thread(one.vectors, other.vectors)
    else:
        cosines = np.vecdot(one.vectors, other.vectors)
    if prior is None or prior.similarity is None or not cosines.size:
        plain: Float32Array = cosines.astype(np.float32)
        return plain
    scale = prior.similarity
    codes, places, spreads = _places(one.languages, prior, scale)
    other_codes, other_places, other_spreads = _places(other.languages, prior, scale)
    products = places @ other_places.T
    rows, columns = (np.ix_(codes, other_codes)) if matrix else (codes, other_codes)
    above = cosines - scale.usual_cosine(products[rows, columns])
    found = scale.probability(above, spreads[rows] + other_spreads[columns])
    probability: Float32Array = found.astype(np.float32)
    return probability


def unread(languages: Sequence[str], prior: LanguagePrior) -> list[str]:
    """Return those of some languages that the model can not read, each once, sorted."""
    return sorted({name for name in languages if _spread(name, prior) < LEAST_SPREAD})


def _spread(language: str, prior: LanguagePrior) -> float:
    place = prior.place(language)
    return 1.0 if place is None else 1.0 - float(place @ place)


def _places(
    languages: Sequence[str], prior: LanguagePrior, scale: SimilarityScale
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], Float32Array, Float32Array]:
    """Return which row each text's language has, and of the rows the places and log spreads."""
    names = sorted(set(languages))
    middle = prior.middle
    assert middle is not None  # a model with a scale has one
    places = np.stack([middle if (p := prior.place(name)) is None else p for name in names])
    spreads = np.array(
        [
            scale.spread if prior.place(name) is None else np.log(_spread(name, prior))
            for name in names
        ],
        np.float32,
    )
    spreads[[names.index(name) for name in unread(names, prior)]] = np.nan
    rows = {name: row for row, name in enumerate(names)}
    return np.array([rows[name] for name in languages], np.intp), places, spreads
