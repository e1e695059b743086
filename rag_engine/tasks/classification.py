"""Zero-shot classification: which of some labels a text is about, whatever languages both are in.

A text and the labels (their names, and what describes them) are embedded, what their languages have
of their own is taken out of both, and the cosines become probabilities, with one for "none of
these" (``calibration.classification_scale``). No example of any label is needed (Yin et al. 2019,
"Benchmarking Zero-shot Text Classification", section 2, the setting where no label was seen).

Each text is judged by itself. Where many texts are classified that are about all of the labels,
``own_means`` takes out what the texts of a language have in common too, which finds more; where
most are about one label, it takes out that label, and finds next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag_engine.calibration.language_means import LanguageMeans, subtract_and_normalise
from rag_engine.calibration.model_fit import prior_of
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.components import default_detector, default_embedder
from rag_engine.errors import InvalidInput
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Embedder, Float32Array, LanguageDetector
from rag_engine.records import UNDETERMINED
from rag_engine.settings import Settings
from rag_engine.tasks.similarity import Side, checked_texts, embedded_side, unread
from rag_engine.text.codes import stated_language

__all__ = [
    "Classification",
    "Label",
    "checked_labels",
    "classified",
    "classify",
    "embedded_labels",
    "label_cosines",
    "labelled_prior",
]


@dataclass(frozen=True, slots=True)
class Label:
    """A label, and what else may be said of it; ``language`` (BCP-47) is detected without one.

    >>> Label("sports", "matches, athletes, teams").text
    'sports: matches, athletes, teams'
    """

    name: str
    description: str = ""
    language: str | None = None

    @property
    def text(self) -> str:
        """What is embedded."""
        return f"{self.name}: {self.description}" if self.description else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What texts are about: of ``n`` texts and ``m`` ``labels`` (their names).

    ``probabilities`` ``(n, m)`` float32 and ``none`` ``(n,)``, that no label fits, add up to 1 for
    each text. Without probabilities (``raw``) ``none`` is None and ``probabilities`` are cosines.
    Nothing is told (NaN) of a text in a language that the model can not read. ``languages``
    ``(n,)`` are those of the texts, ``label_languages`` ``(m,)`` of the labels.
    """

    labels: tuple[str, ...]
    probabilities: Float32Array
    none: Float32Array | None
    languages: tuple[str, ...]
    label_languages: tuple[str, ...]

    def best(self) -> list[str | None]:
        """Return the likeliest label of each text; None: likelier none, or nothing is told.

        >>> figures = np.array([[0.7, 0.2], [0.3, 0.2]], np.float32)
        >>> found = Classification(labels=("sports", "health"), probabilities=figures,
        ...     none=np.float32([0.1, 0.5]), languages=("en", "en"), label_languages=("en", "en"))
        >>> found.best()
        ['sports', None]
        """
        names: list[str | None] = []
        for place, row in enumerate(self.probabilities):
            known = not np.isnan(row).any()
            first = int(row.argmax())
            fits = known and (self.none is None or row[first] >= self.none[place])
            names.append(self.labels[first] if fits else None)
        return names


def classify(
    texts: Sequence[str],
    labels: Sequence[str | Label],
    *,
    embedder: Embedder | None = None,
    detector: LanguageDetector | None = None,
    language: str | None = None,
    label_language: str | None = None,
    own_means: bool = False,
    raw: bool = False,
) -> Classification:
    """Return how probably each text is about each of two or more ``labels``, or about none of them.

    A label is a name, or a ``Label`` with a description; each may be in another language.
    ``language`` and ``label_language`` (BCP-47) say what all texts, and all labels that do not say
    it themselves, are in; else it is detected. Without an ``embedder`` the bundled model is loaded:
    hand one over to classify again and again. With ``own_means`` what the texts have in common
    counts too: for many texts about all of the labels, and for no others. ``raw`` gives plain
    cosines of any model, without "none".

    Raises:
        InvalidInput: a text or a label that is empty; fewer than two labels, or one of them twice;
            a language that is no code; what has no effect with ``raw``; without ``raw`` a model
            whose constants nobody knows, or a label in a language that it can not read.

    Example::

        found = classify(["Timu ilishinda fainali."], ["sports", "Politik", "健康"])
        print(found.best(), found.probabilities)
    """
    said = checked_labels(labels)
    given = checked_texts("texts", texts)
    if raw and (language or label_language or own_means or detector):
        raise InvalidInput(
            "a language, a detector or own_means has no effect with raw cosines; leave it or raw "
            "out"
        )
    if embedder is None:
        embedder = default_embedder(Settings())
    prior = None if raw else labelled_prior(embedder)
    if detector is None and not raw:
        detector = default_detector()
    of_labels = embedded_labels(said, embedder, detector, label_language, prior)
    side = embedded_side(given, embedder, detector, language)
    return classified(side, of_labels, said, prior, own_means=own_means)


def checked_labels(labels: Sequence[str | Label]) -> list[Label]:
    """Return labels that are two or more, each named once; blanks around a name are no part of it.

    Raises:
        InvalidInput: they are fewer, one is empty or twice, or a language is no code of one.
    """
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise InvalidInput(f"labels is a list of labels, got {labels!r:.80}")
    said = [each if isinstance(each, Label) else Label(each) for each in labels]
    for place, label in enumerate(said):
        if not isinstance(label.name, str) or not label.name.strip():
            raise InvalidInput(f"labels[{place}] has a name, got {label.name!r:.80}")
        stated_language(label.language)
    names = [label.name.strip() for label in said]
    if len(names) < 2:
        raise InvalidInput(
            f"two labels or more are told apart, got {names!r:.80}; whether a text is about one "
            "thing is asked with its opposite, or with other labels beside it"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"each label is named once, got {twice[0]!r:.80} twice; name it once")
    return [replace(label, name=name) for label, name in zip(said, names, strict=True)]


def labelled_prior(embedder: Embedder) -> LanguagePrior:
    """Return the prior of a model whose cosines with labels become probabilities.

    Raises:
        InvalidInput: none is shipped for the model.
    """
    prior = prior_of(embedder)
    if prior is None or prior.classification is None:
        raise InvalidInput(
            f"how the cosines of {embedder.contract.model!r} become probabilities of labels is not "
            "known: that is shipped for the bundled model alone, with its adapter (embedder.kind = "
            "'bundled'); raw=True (--raw) gives plain cosines"
        )
    return prior


def embedded_labels(
    labels: Sequence[Label],
    embedder: Embedder,
    detector: LanguageDetector | None,
    language: str | None = None,
    prior: LanguagePrior | None = None,
) -> Side:
    """Embed labels and tell their languages.

    A name alone is too short to tell its language surely. So all labels that do not say theirs are
    also looked at together: where they are in one language, each of them is, unless its script, or
    its description, says otherwise.

    Raises:
        InvalidInput: ``language`` is no code of one; a label is in a language that the model of the
            ``prior`` can not read: its figures would mean nothing, nor would those of the others.
    """
    said = stated_language(language)
    texts = [label.text for label in labels]
    names = [stated_language(label.language) or said or UNDETERMINED for label in labels]
    if detector is not None:
        names = _detected(names, texts, detector)
    lost = [] if prior is None else unread(names, prior)
    for label, name in zip(labels, names, strict=True):
        if name in lost:
            raise InvalidInput(
                f"the label {label.name!r:.80} is in a language that the model can not read "
                f"({name}): every text would get it or none, whatever it is about; name it in "
                "another language"
            )
    return Side(embedder.embed_queries(texts), names)


def _detected(names: list[str], texts: list[str], detector: LanguageDetector) -> list[str]:
    open_ones = [place for place, name in enumerate(names) if name == UNDETERMINED]
    if not open_ones:
        return names
    together = detector.detect(". ".join(texts[place] for place in open_ones)).language
    found = list(names)
    for place in open_ones:
        plausible = [each.language for each in detector.plausible(texts[place])]
        found[place] = together if together in plausible else plausible[0]
    return found


def label_cosines(
    texts: Side, labels: Side, prior: LanguagePrior, *, own_means: bool = False
) -> Float32Array:
    """Return the cosines of texts with labels, ``(n, n_labels)``, less what languages have.

    Languages are taken out at full strength, as where passages are compared with each other.
    """
    corpus = texts.vectors if own_means else texts.vectors[:0]
    means = LanguageMeans.fit(corpus, texts.languages if own_means else (), prior=prior)
    centred = [
        subtract_and_normalise(side.vectors, means.of_passages(side.languages) + means.default)
        for side in (texts, labels)
    ]
    return matmul_on_one_thread(centred[0], centred[1])


def classified(
    texts: Side,
    labels: Side,
    said: Sequence[Label],
    prior: LanguagePrior | None,
    *,
    own_means: bool = False,
) -> Classification:
    """Return what embedded texts are about; without a ``prior``, with a scale, plain cosines."""
    none: Float32Array | None = None
    if prior is None or prior.classification is None:
        figures = matmul_on_one_thread(texts.vectors, labels.vectors)
    else:
        cosines = label_cosines(texts, labels, prior, own_means=own_means)
        lost = set(unread(texts.languages, prior))
        cosines[[place for place, name in enumerate(texts.languages) if name in lost]] = np.nan
        every = prior.classification.probabilities(cosines).astype(np.float32)
        figures, none = np.ascontiguousarray(every[:, :-1]), every[:, -1]
    return Classification(
        labels=tuple(label.name for label in said),
        probabilities=figures,
        none=none,
        languages=tuple(texts.languages),
        label_languages=tuple(labels.languages),
    )
