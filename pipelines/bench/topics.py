"""``rag-engine bench topics``: are topics told, or languages?

Texts whose topics are known (``sib200``), in languages that no constant was fitted on.

**Clusters**: every sentence stands in one of so many languages, dealt out at random, as in a
knowledge base that holds everything once; k-means makes as many clusters as there are topics, of
the model's own vectors (scikit-learn alone) and of those less what languages have of their own.
V-measure and NMI say how well clusters and topics agree, the language purity how far clusters are
languages instead. Means of several deals.

**Classification**: the labels are the topics, by name or described, in English or each in another
language; texts are the test split.

- **accuracy**: how often the best label is right, the mean over languages; the worst tenth of them.
- **with one label left out** in turn, texts of it are about none of the rest: how often that is
  told, how often it is said of other texts, and by how much the probability of what is said differs
  from how often it is right (expected calibration error, ten bins).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_means import LanguageMeans, subtract_and_normalise
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.connectors.scikit_learn import (
    KMeansClusterer,
    normalised_mutual_information,
    v_measure,
)
from rag_engine.connectors.wiring import build_embedder
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.bench.parallel import evenly
from rag_engine.pipelines.bench.sib200 import (
    DESCRIBED,
    NAMES,
    Split,
    TopicTexts,
    languages_of,
    read_topics,
)
from rag_engine.pipelines.bench.similarity import calibration_error
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import Embedder, Float32Array
from rag_engine.settings import Settings
from rag_engine.tasks.classification import (
    Label,
    embedded_labels,
    label_cosines,
    labelled_prior,
)
from rag_engine.tasks.clusters import chance_purity, language_purity
from rag_engine.tasks.similarity import Side, embedded_side, unread
from rag_engine.text.codes import normalise_language

__all__ = ["bench_topics"]

_IN_LANGUAGES = (1, 4, 16)
_DEALS = 3
_SPLITS: tuple[Split, ...] = ("train", "dev", "test")

_Rows = npt.NDArray[np.intp]
_Cosines = Callable[[Side, Side], Float32Array]


@dataclass(frozen=True, slots=True)
class _Tested:
    """The test split of one language, embedded, and the places of its topics."""

    side: Side
    topics: _Rows


def bench_topics(
    folder: Path,
    settings: Settings,
    *,
    languages: int | None,
    only: Sequence[str] = (),
    cache: Path | None,
) -> Outcome:
    """Measure on a folder of SIB-200's, in all languages that nothing was fitted on, or so many.

    ``only`` names some of them, as the folder does.

    Raises:
        InvalidInput: the folder can not be read, or has too few such languages; a model without a
            scale.
        MissingExtra: scikit-learn is not installed.
    """
    if languages is not None and languages < 1:
        raise InvalidInput(f"--languages is 1 or more, got {languages}")
    embedder = build_embedder(settings.embedder)
    prior = labelled_prior(embedder)
    held_out = _held_out(languages_of(folder), prior)
    if not held_out:
        raise InvalidInput(f"{folder} has no language that the constants were not fitted on")
    if unknown := sorted(set(only) - set(held_out)):
        raise InvalidInput(
            f"--only names a language that {folder} has, that the model can read and that nothing "
            f"was fitted on; got {unknown[0]!r}"
        )
    held_out = [code for code in held_out if code in only] if only else held_out
    codes = evenly(held_out, languages or len(held_out))
    with ExitStack() as opened, Bar(unit="language") as bar:
        if cache is not None:
            embedder = CachedEmbedder(embedder, opened.enter_context(VectorCache(cache)))
        clusters = list(_clusters(folder, codes, embedder, prior, bar))
        tested = {}
        for number, code in enumerate(codes):
            bar.stage("classification", number, len(codes))
            tested[code] = _tested(read_topics(folder, code, ["test"]), code, embedder)
        classification = list(_classification(tested, embedder, prior))
    result = {
        "machine": machine(),
        "languages": codes,
        "clusters": clusters,
        "classification": classification,
    }
    shown = [{k: v for k, v in row.items() if k != "by language"} for row in classification]
    return Outcome(result=result, lines=[*table(_shown(clusters)), "", *table(_shown(shown))])


def _held_out(codes: Sequence[str], prior: LanguagePrior) -> list[str]:
    assert prior.classification is not None
    names = {code: normalise_language(code) for code in codes}
    unreadable = set(unread(list(names.values()), prior))
    return [
        code
        for code, name in names.items()
        if name not in prior.classification.fitted_on and name not in unreadable
    ]


def _clusters(
    folder: Path, codes: Sequence[str], embedder: Embedder, prior: LanguagePrior, bar: Bar
) -> Iterator[dict[str, Any]]:
    for count in sorted({min(each, len(codes)) for each in _IN_LANGUAGES}):
        chosen = evenly(codes, count)
        read = [read_topics(folder, code, _SPLITS) for code in chosen]
        common = sorted(set.intersection(*(set(each.ids) for each in read)))
        places = [{name: place for place, name in enumerate(each.ids)} for each in read]
        found: dict[str, list[dict[str, float]]] = {"the model's own": [], "languages out": []}
        for deal in range(_DEALS):
            bar.stage(f"clusters in {count} languages", deal, _DEALS)
            dealt = np.random.default_rng(deal).integers(0, count, len(common))
            rows = [places[at][name] for at, name in zip(dealt, common, strict=True)]
            texts = [read[at].texts[row] for at, row in zip(dealt, rows, strict=True)]
            topics = [read[at].topics[row] for at, row in zip(dealt, rows, strict=True)]
            vectors = embedder.embed_passages(texts)
            names = [normalise_language(chosen[at]) for at in dealt]
            means = LanguageMeans.fit(vectors, names, prior=prior)
            centred = subtract_and_normalise(vectors, means.of_passages(names))
            for name, given in zip(found, (vectors, centred), strict=True):
                clusterer = KMeansClusterer(len(DESCRIBED), seed=deal)
                found[name].append(_agreement(clusterer.assign(given), topics, dealt))
        for name, measured in found.items():
            means_of = {key: float(np.mean([m[key] for m in measured])) for key in measured[0]}
            yield {"k-means of": name, "languages": count, "texts": len(common), **means_of}


def _agreement(clusters: _Rows, topics: Sequence[str], languages: _Rows) -> dict[str, float]:
    purity, chance = language_purity(clusters, languages), chance_purity(clusters, languages)
    assert purity is not None
    assert chance is not None
    return {
        "V-measure": v_measure(topics, clusters),
        "NMI": normalised_mutual_information(topics, clusters),
        "language purity": purity,
        "by chance": chance,
    }


def _tested(read: TopicTexts, code: str, embedder: Embedder) -> _Tested:
    names = [label.name for label in DESCRIBED]
    topics = np.array([names.index(topic) for topic in read.topics], dtype=np.intp)
    return _Tested(embedded_side(read.texts, embedder, None, normalise_language(code)), topics)


def _classification(
    tested: dict[str, _Tested], embedder: Embedder, prior: LanguagePrior
) -> Iterator[dict[str, Any]]:
    def ours(texts: Side, labels: Side) -> Float32Array:
        return label_cosines(texts, labels, prior)

    def own_means(texts: Side, labels: Side) -> Float32Array:
        return label_cosines(texts, labels, prior, own_means=True)

    def raw(texts: Side, labels: Side) -> Float32Array:
        return matmul_on_one_thread(texts.vectors, labels.vectors)

    ways: dict[str, tuple[_Cosines, LanguagePrior | None]] = {
        "raw cosines": (raw, None),
        "languages out": (ours, prior),
        "own means too": (own_means, prior),
    }
    for form, sides in _forms(embedder, tested).items():
        for name, (cosines, scale) in ways.items():
            by_language = {}
            for number, (code, each) in enumerate(tested.items()):
                labels = sides[code] if isinstance(sides, dict) else sides[number % len(sides)]
                if labels is not None:
                    by_language[code] = _told(cosines(each.side, labels), each.topics, scale)
            yield {"labels": form, "by": name, **_mean(by_language)}


def _forms(
    embedder: Embedder, tested: dict[str, _Tested]
) -> dict[str, list[Side] | dict[str, Side | None]]:
    """Return the labels, in turns or by the texts' language."""
    named = {
        code: embedded_labels([Label(name, "", code) for name in names], embedder, None)
        for code, names in NAMES.items()
    }
    english = embedded_labels(DESCRIBED, embedder, None)
    codes = list(NAMES)
    mixed = []
    for turn in range(len(codes)):
        order = np.random.default_rng(turn).permutation(len(codes))[: len(DESCRIBED)]
        chosen = [named[codes[at]] for at in order]
        vectors = np.stack([side.vectors[place] for place, side in enumerate(chosen)])
        mixed.append(Side(vectors, [side.languages[0] for side in chosen]))
    own: dict[str, Side | None] = {code: named.get(code) for code in tested}
    forms: dict[str, list[Side] | dict[str, Side | None]] = {
        "English names": [named["eng_Latn"]],
        "English, described": [english],
        "each in another language": mixed,
    }
    if any(side is not None for side in own.values()):
        forms["in the text's language"] = own
    return forms


def _told(cosines: Float32Array, topics: _Rows, prior: LanguagePrior | None) -> dict[str, Any]:
    """Return accuracy of one language, and, of probabilities, what is said with labels left out."""
    told: dict[str, Any] = {"accuracy": float((cosines.argmax(axis=1) == topics).mean())}
    if prior is None or prior.classification is None:
        return told
    said, right, none = [], [], []
    for left_out in range(cosines.shape[1]):
        kept = np.delete(np.arange(cosines.shape[1]), left_out)
        every = prior.classification.probabilities(cosines[:, kept])
        first = every.argmax(axis=1)
        names = np.append(kept, left_out)[first]  # none is right of texts of what was left out
        said.append(every.max(axis=1))
        right.append(names == topics)
        none.append(np.stack([names == left_out, topics == left_out]))
    told["said"], told["right"] = np.concatenate(said), np.concatenate(right)
    told["none"] = np.concatenate(none, axis=1)
    return told


def _mean(by_language: dict[str, dict[str, Any]]) -> dict[str, Any]:
    accuracies = np.sort([told["accuracy"] for told in by_language.values()])
    row: dict[str, Any] = {
        "languages": len(by_language),
        "accuracy": float(accuracies.mean()),
        "worst tenth": float(accuracies[: max(1, len(accuracies) // 10)].mean()),
        "none: told": None,
        "none: wrongly": None,
        "with none": None,
        "error": None,
        "by language": {code: told["accuracy"] for code, told in by_language.items()},
    }
    told = [each for each in by_language.values() if "said" in each]
    if told:
        none = np.concatenate([each["none"] for each in told], axis=1)
        said = np.concatenate([each["said"] for each in told])
        right = np.concatenate([each["right"] for each in told])
        row |= {
            "none: told": float(none[0][none[1]].mean()),
            "none: wrongly": float(none[0][~none[1]].mean()),
            "with none": float(right.mean()),
            "error": calibration_error(said, right.astype(np.float64)),
        }
    return row


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]
