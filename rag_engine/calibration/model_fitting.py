"""Fits to any model what the package ships for the bundled one, from parallel sentences.

Needed are sentences that say the same in many languages, nothing else: no question, no label. What
comes of them is in ``model_fit``; how each part is estimated, in the modules that do it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_places import Frame, aligned_means, joined_offsets, middle_of
from rag_engine.calibration.model_fit import ModelFit
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_directions import TokenDirections
from rag_engine.calibration.token_frequencies import token_information
from rag_engine.errors import InvalidInput
from rag_engine.ports import Embedder, Float32Array, TokenEmbedder
from rag_engine.store.progress import OnStage, silent

__all__ = ["SENTENCES", "Aligned", "Paired", "WeighsTokens", "fit_model", "gives_tokens"]

SENTENCES = 128
"""Sentences of a language that are embedded of each source, if no other number is asked for."""
_TOKENS_OF = 100
"""Sentences of a language whose tokens are looked at: the directions need no more."""
_FEWEST_LANGUAGES, _FEWEST_SENTENCES = 2, 10
_ENGLISH = "en"

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Aligned:
    """The same sentences in many languages: ``texts[language][sentence]``, as in FLORES."""

    name: str
    texts: Mapping[str, Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class Paired:
    """Sentences of each language with their English: ``pairs[language]``, as in Tatoeba."""

    name: str
    pairs: Mapping[str, Sequence[tuple[str, str]]]


@runtime_checkable
class WeighsTokens(Protocol):
    """An embedder that tells tokens apart, and whether its tokenizer knows what each weighs."""

    @property
    def vocabulary_size(self) -> int:
        """How many different tokens there are."""
        ...

    @property
    def weighs_tokens(self) -> bool:
        """Whether the tokenizer itself tells what a token weighs."""
        ...

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, without prompt and special tokens."""
        ...


def gives_tokens(embedder: Embedder) -> bool:
    """Tell whether the vectors of single tokens can be had, in any directions of its texts' space.

    Those of a head that was trained for tokens have a space of their own, and need no fit.
    """
    if not isinstance(embedder, TokenEmbedder) or hasattr(embedder, "own_token_space"):
        return False
    serves = getattr(embedder, "serves_basis", None)
    return serves is None or bool(serves(np.eye(embedder.dimension, dtype=np.float32)))


def fit_model(
    embedder: Embedder,
    sources: Sequence[Aligned | Paired],
    *,
    sentences: int = SENTENCES,
    on_stage: OnStage = silent,
) -> ModelFit:
    """Fit everything that can be told of an embedder's model from parallel sentences.

    Of each source and language ``sentences`` are embedded, as passages: the first of those that
    most languages have. Languages (BCP-47) are those of the sources.

    Raises:
        InvalidInput: too few languages or sentences, in all or in a source; sources that share no
            language.
    """
    if not sources or sentences < _FEWEST_SENTENCES:
        raise InvalidInput(
            f"a fit needs parallel sentences, {_FEWEST_SENTENCES} or more of each language; got "
            f"{len(sources)} sources and sentences = {sentences}"
        )
    chosen = [_chosen(source, sentences) for source in sources]
    for source, its in zip(sources, chosen, strict=True):
        if not its.languages:
            raise InvalidInput(_too_few(source, sentences))
    names = {name for each in chosen for name in each.languages}
    if len(names) < _FEWEST_LANGUAGES:
        raise InvalidInput(
            f"a fit needs {_FEWEST_SENTENCES} sentences each in {_FEWEST_LANGUAGES} languages or "
            f"more, got them in {', '.join(sorted(names))}"
        )
    embedding = _Embedding(embedder, sum(len(each.languages) for each in chosen), on_stage)
    frames, samples = zip(*(_frame(each, embedding) for each in chosen), strict=True)
    offsets = joined_offsets(frames)
    ordered = sorted(offsets)
    prior = LanguagePrior(
        languages=tuple(ordered),
        offsets=np.array([offsets[name] for name in ordered], np.float32),
        middle=middle_of(samples, offsets).astype(np.float32),
    )
    basis, background = embedding.token_directions()
    weights = _weights(embedder, sources, on_stage) if basis is not None else None
    made_of = {
        "sources": [each.name for each in chosen],
        "languages": len(ordered),
        "sentences": sum(len(texts) for each in chosen for texts in each.languages.values()),
    }
    return ModelFit.make(
        embedder.contract,
        prior,
        basis=basis,
        background=background,
        token_weights=weights,
        made_of=made_of,
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is embedded of a source: texts by language, and which sentence each is."""

    name: str
    languages: Mapping[str, Sequence[str]]
    rows: Mapping[str, Sequence[int]]
    english: Mapping[str, Sequence[str]]
    """Of pairs the translations; empty where sentences are aligned."""


def _chosen(source: Aligned | Paired, sentences: int) -> _Chosen:
    if isinstance(source, Paired):
        pairs = {
            name: rows[:sentences]
            for name, rows in sorted(source.pairs.items())
            if len(rows) >= _FEWEST_SENTENCES and name != _ENGLISH
        }
        languages = {name: [text for text, _ in rows] for name, rows in pairs.items()}
        english = {name: [text for _, text in rows] for name, rows in pairs.items()}
        return _Chosen(source.name, languages, {}, english)
    counts = Counter(row for texts in source.texts.values() for row in texts)
    first = sorted(counts, key=lambda row: (-counts[row], row))[:sentences]
    rows = {name: [row for row in first if row in texts] for name, texts in source.texts.items()}
    rows = {name: each for name, each in sorted(rows.items()) if len(each) >= _FEWEST_SENTENCES}
    languages = {name: [source.texts[name][row] for row in each] for name, each in rows.items()}
    return _Chosen(source.name, languages, rows, {})


def _too_few(source: Aligned | Paired, sentences: int) -> str:
    told = source.pairs if isinstance(source, Paired) else source.texts
    counts = {name: len(each) for name, each in told.items()}
    if isinstance(source, Paired):
        counts.pop(_ENGLISH, None)  # the translations, which alone tell nothing
    most = max(counts, key=counts.__getitem__, default=None)
    if most is not None and counts[most] >= _FEWEST_SENTENCES:
        return (
            f"of the {sentences} sentences of {source.name} that most languages have, none has "
            f"{_FEWEST_SENTENCES} or more; embed more, or leave it out"
        )
    found = "it has none" if most is None else f"the most are {counts[most]}, in {most}"
    return (
        f"{source.name} has no language with {_FEWEST_SENTENCES} sentences or more ({found}); "
        "leave it out, or give more sentences"
    )


class _Embedding:
    """Embeds texts of one language after the other; their tokens too, as far as they are needed."""

    def __init__(self, embedder: Embedder, languages: int, on_stage: OnStage) -> None:
        self._embedder = embedder
        self._languages = languages
        self._on_stage = on_stage
        self._done = 0
        self._whole = np.eye(embedder.dimension, dtype=np.float32)
        self._directions = TokenDirections(embedder.dimension) if gives_tokens(embedder) else None
        self._looked_at: dict[str, int] = defaultdict(int)

    def of_language(self, name: str, texts: Sequence[str]) -> Float32Array:
        """Return the vectors of texts in a language, ``(n, dimension)``, and count it as done."""
        self._on_stage("embedding languages", self._done, self._languages)
        with_tokens = 0
        parts: list[Float32Array] = []
        if self._directions is not None and isinstance(self._embedder, TokenEmbedder):
            with_tokens = min(len(texts), _TOKENS_OF - self._looked_at[name])
        if with_tokens:
            assert isinstance(self._embedder, TokenEmbedder)
            assert self._directions is not None
            vectors, tokens = self._embedder.embed_passage_tokens(texts[:with_tokens], self._whole)
            self._directions.add(vectors, tokens)
            self._looked_at[name] += with_tokens
            parts.append(vectors)
        if with_tokens < len(texts):
            parts.append(self._embedder.embed_passages(texts[with_tokens:]))
        self._done += 1
        self._on_stage("embedding languages", self._done, self._languages)
        return np.concatenate(parts)

    def token_directions(self) -> tuple[Float32Array | None, Float32Array | None]:
        """Return basis and background of the token space; None without tokens."""
        return (None, None) if self._directions is None else self._directions.found()


def _frame(chosen: _Chosen, embedding: _Embedding) -> tuple[Frame, tuple[_Array, list[str]]]:
    """Return where a source puts languages, and the vectors that tell where their middle is."""
    vectors = {name: embedding.of_language(name, each) for name, each in chosen.languages.items()}
    if chosen.english:
        return _paired_frame(chosen, vectors, embedding)
    means = aligned_means(vectors, chosen.rows)
    places: Frame = {name: (mean, len(chosen.rows[name])) for name, mean in means.items()}
    return places, (np.array(list(means.values())), list(means))


def _paired_frame(
    chosen: _Chosen, vectors: Mapping[str, Float32Array], embedding: _Embedding
) -> tuple[Frame, tuple[_Array, list[str]]]:
    distinct = list(dict.fromkeys(text for each in chosen.english.values() for text in each))
    row = {text: number for number, text in enumerate(distinct)}
    english = embedding.of_language(_ENGLISH, distinct).astype(np.float64)
    frame: dict[str, tuple[_Array, int]] = {_ENGLISH: (np.zeros(english.shape[1]), len(distinct))}
    means = {_ENGLISH: english.mean(axis=0)}
    for name, each in vectors.items():
        means[name] = each.astype(np.float64).mean(axis=0)
        translations = english[[row[text] for text in chosen.english[name]]].mean(axis=0)
        frame[name] = (means[name] - translations, len(each))
    return frame, (np.array(list(means.values())), list(means))


def _weights(
    embedder: Embedder, sources: Sequence[Aligned | Paired], on_stage: OnStage
) -> Float32Array | None:
    """Count what tokens weigh, in all sentences; None where the tokenizer says it."""
    if not isinstance(embedder, WeighsTokens) or embedder.weighs_tokens:
        return None
    texts = list(_all_texts(sources))

    def ids() -> Iterator[list[list[int]]]:
        for number, each in enumerate(texts, start=1):
            yield embedder.token_ids(each)
            on_stage("counting tokens", number, len(texts))

    return token_information(ids(), embedder.vocabulary_size)


def _all_texts(sources: Sequence[Aligned | Paired]) -> Iterator[list[str]]:
    every: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        if isinstance(source, Paired):
            for name, pairs in source.pairs.items():
                every[name] += [text for text, _ in pairs]
                every[_ENGLISH] += [text for _, text in pairs]
        else:
            for name, texts in source.texts.items():
                every[name] += texts.values()
    yield from every.values()
