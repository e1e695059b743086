"""Where languages lie in a model's space, told by sentences that say the same in many of them.

The mean over such sentences of one language, less the mean over all languages, is that language's
offset. Several sources tell it, each in a frame of its own (what its sentences are about moves all
of their vectors alike): they are joined by the languages that they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag_engine.errors import InvalidInput

__all__ = ["Frame", "aligned_means", "joined_offsets", "middle_of"]

_FULL_TRUST = 600
"""Sentences from which a mean is as good as it gets; fewer weigh less."""
_ENOUGH = 100
"""A language with so many sentences helps to find how two frames lie to each other."""
_ROUNDS = 20

_Array = npt.NDArray[np.float64]

Frame = Mapping[str, tuple[_Array, int]]
"""Of each language a place, up to a shift that all share, and how many sentences tell it."""


def joined_offsets(frames: Sequence[Frame]) -> dict[str, _Array]:
    """Join estimates of each language's offset into one, around the mean of all languages.

    Each frame is moved into that of those before it by the languages that both have. In a
    language's mean an estimate from 600 sentences or more weighs 1, from fewer less.

    Raises:
        InvalidInput: a frame shares no language with those before it.

    >>> one = {"de": (np.array([1.0]), 600), "fr": (np.array([3.0]), 600)}
    >>> other = {"fr": (np.array([13.0]), 600), "sw": (np.array([14.0]), 600)}
    >>> joined = joined_offsets([one, other])
    >>> {name: round(float(offset[0]), 2) for name, offset in joined.items()}
    {'de': -1.67, 'fr': 0.33, 'sw': 1.33}
    """
    estimates: dict[str, list[tuple[_Array, float]]] = {}
    counts: dict[str, int] = {}
    for frame in frames:
        shift = _shift(frame, estimates, counts)
        for name, (place, count) in frame.items():
            weight = min(1.0, count / _FULL_TRUST)
            estimates.setdefault(name, []).append((place - shift, weight))
            counts[name] = counts.get(name, 0) + count
    joined = {name: _mean(estimates[name]) for name in sorted(estimates)}
    centre = np.mean(list(joined.values()), axis=0)
    return {name: place - centre for name, place in joined.items()}


def _shift(
    frame: Frame, known: Mapping[str, list[tuple[_Array, float]]], counts: Mapping[str, int]
) -> _Array | float:
    if not known:
        return 0.0
    common = [name for name in sorted(frame) if name in known]
    sure = [name for name in common if counts[name] >= _ENOUGH]
    if not common:
        raise InvalidInput(
            f"parallel sentences in {', '.join(sorted(frame)[:5])}... share no language with "
            f"the others, in {', '.join(sorted(known)[:5])}...: nothing tells how these lie to "
            "those; leave one out, or give both in one language"
        )
    shift: _Array = np.mean(
        [frame[name][0] - _mean(known[name]) for name in sure or common], axis=0
    )
    return shift


def _mean(estimates: Sequence[tuple[_Array, float]]) -> _Array:
    if len(estimates) == 1:
        return estimates[0][0]
    mean: _Array = np.average(
        [place for place, _ in estimates], axis=0, weights=[weight for _, weight in estimates]
    )
    return mean


def middle_of(
    samples: Sequence[tuple[_Array, Sequence[str]]], offsets: Mapping[str, _Array]
) -> _Array:
    """Return the middle that the ``offsets`` are from, ``(dimension,)``: the mean over samples.

    A sample has vectors ``(n, dimension)`` and the language of each. Its middle is the mean, over
    its languages, of their means less their offsets.

    >>> middle_of([(np.array([[3.0], [4.0], [1.0]]), ["a", "a", "b"])], {"a": 2.0, "b": -2.0})
    array([2.25])
    """
    middles = []
    for vectors, languages in samples:
        names = np.array(languages)
        middles.append(
            np.mean(
                [vectors[names == name].mean(axis=0) - offsets[name] for name in sorted({*names})],
                axis=0,
            )
        )
    middle: _Array = np.mean(middles, axis=0)
    return middle


def aligned_means(
    vectors: Mapping[str, npt.NDArray[np.floating]], rows: Mapping[str, Sequence[int]]
) -> dict[str, _Array]:
    """Return of each language the mean vector ``(dimension,)`` of all sentences, in that language.

    ``vectors`` are those of its sentences, ``(n, dimension)``, and ``rows`` which sentences these
    are, each once. Where every language has all, it is the mean of its vectors. A sentence that a
    language lacks is taken to move it as it moves the others: the additive model of a two-way
    analysis of variance, ``place of the language + what the sentence adds``, by least squares.

    >>> vectors = {"de": np.array([[1.0], [3.0]]), "fr": np.array([[11.0]])}
    >>> means = aligned_means(vectors, {"de": [0, 1], "fr": [0]})
    >>> {name: round(float(mean[0]), 3) for name, mean in means.items()}
    {'de': 2.0, 'fr': 12.0}
    """
    sentences = sorted({row for each in rows.values() for row in each})
    place = {row: number for number, row in enumerate(sentences)}
    codes = {name: np.array([place[row] for row in each], np.intp) for name, each in rows.items()}
    means = {name: each.astype(np.float64).mean(axis=0) for name, each in vectors.items()}
    if all(len(each) == len(sentences) for each in codes.values()):
        return means
    dimension = next(iter(vectors.values())).shape[1]
    added = np.zeros((len(sentences), dimension))
    counts = np.zeros(len(sentences))
    for each in codes.values():
        counts[each] += 1
    for _ in range(_ROUNDS):  # in turn the one and the other: it converges geometrically
        left = np.zeros_like(added)
        for name, each in codes.items():
            left[each] += vectors[name] - means[name]
        added = left / counts[:, np.newaxis]
        added -= added.mean(axis=0)
        means = {name: (vectors[name] - added[each]).mean(axis=0) for name, each in codes.items()}
    return means
