"""From the cosine of a question and a picture to a probability. No constant of it is fitted.

A cosine of such models says nothing by itself: those of CLIP lie between 0.1 and 0.4, higher for
some questions, some languages and some pictures than for others. ``background`` tells what it is
by chance, ``tail`` how seldom chance gives more, ``evidence`` what that is worth, and ``posterior``
how probable each picture is then.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rag_engine.arrays import Float32Array

__all__ = ["Background", "background", "evidence", "posterior", "tail", "z_scores"]

_Float64Array = npt.NDArray[np.float64]

_LEAST_P = 1e-300


class Background(NamedTuple):
    """What cosines are by chance: ``levels`` ``(n,)`` float32 is each picture's mean.

    ``between`` is the variance of what questions add to all pictures alike, ``within`` that of what
    remains.
    """

    levels: Float32Array
    between: float
    within: float


def background(cosines: Float32Array) -> Background:
    """Estimate a two-way random-effects model of cosines ``(n_questions, n_images)`` at random.

    ``cosine = level of the picture + effect of the question + rest``: the estimators of an analysis
    of variance with one observation a cell (Searle, Casella and McCulloch 1992, Variance
    Components, section 4.4). That the levels are those of questions in one language takes out what
    that language adds to each picture: it is centring by language.

    >>> rows = np.array([[0.1, 0.3], [0.2, 0.4]], np.float32)  # the second question is at 0.1 more
    >>> level, between, within = background(rows)
    >>> level.round(2).tolist(), round(between, 3), round(within, 3)
    ([0.15000000596046448, 0.3499999940395355], 0.005, 0.0)
    """
    questions, images = cosines.shape
    levels = cosines.mean(axis=0)
    effects = cosines.mean(axis=1, dtype=np.float64) - float(levels.mean())
    spread = float(effects @ effects) / max(1, questions - 1)
    if images < 2:  # what is of the question and what is rest can not be told apart
        return Background(levels, 0.0, spread)
    rest = cosines - levels - effects[:, None].astype(np.float32)
    within = float(np.square(rest, dtype=np.float64).sum())
    within /= max(1, (questions - 1) * (images - 1))
    return Background(levels, max(0.0, spread - within / images), within)


def z_scores(cosines: Float32Array, by_chance: Background) -> Float32Array:
    """Return how far a question's cosines ``(n,)`` lie above chance, in standard deviations.

    What the question adds to all is told for each picture by the others' cosines: their mean above
    their levels, shrunk as far as it is uncertain (the best linear unbiased predictor, Henderson
    1975), so that a picture that answers does not raise its own bar.

    >>> chance = Background(np.zeros(3, np.float32), between=0.0, within=0.01)
    >>> z_scores(np.array([0.0, 0.1, 0.3], np.float32), chance).round(2).tolist()
    [0.0, 1.0, 3.0]
    """
    above = cosines - by_chance.levels
    others = len(above) - 1
    between, within = by_chance.between, by_chance.within
    uncertain = others * between + within
    share = others * between / uncertain if uncertain > 0 else 0.0
    effect = share * (above.sum() - above) / max(1, others)
    variance = within + between * (1 - share)
    scores: Float32Array = (above - effect) / np.float32(math.sqrt(max(variance, 1e-12)))
    return scores


def tail(z: Float32Array) -> _Float64Array:
    """Return the probability that a normal variate is larger, ``(n,)`` float64.

    >>> tail(np.array([0.0, 1.6449], np.float32)).round(3).tolist()
    [0.5, 0.05]
    """
    half = (0.5 * math.erfc(value / math.sqrt(2)) for value in z.tolist())
    return np.maximum(np.fromiter(half, dtype=np.float64, count=len(z)), _LEAST_P)


def evidence(p: _Float64Array) -> _Float64Array:
    """Return how much more likely p-values are if a picture answers than by chance, ``(n,)``.

    ``(1 - p + p ln p) / (p (ln p)^2)``: the mean of ``k p^(k-1)`` over k from 0 to 1, the mixture
    that turns p-values into e-values without a parameter (Vovk and Wang 2021, E-values:
    calibration, combination and applications, section 2). By chance its mean is 1.

    >>> evidence(np.array([1.0, 0.1, 0.001])).round(2).tolist()
    [0.5, 1.26, 20.79]
    """
    x = -np.log(p)
    small = x < 1e-3
    safe = np.where(small, 1.0, x)
    values: _Float64Array = np.where(
        small, 0.5 + x / 6, (np.expm1(np.minimum(safe, 690.0)) - safe) / safe**2
    )
    return values


def posterior(evidences: _Float64Array, passages: float) -> _Float64Array:
    """Return how probable each of n pictures is to be what answers, ``(n,)``.

    Bayes' theorem, where one passage in a corpus of so many different ``passages``, pictures among
    them, answers half of the questions, any as likely, and none the others; that is what the
    probabilities of texts suppose, too. Those that are no pictures are worth what chance is:
    ``e_i / (passages + sum e + passages - n)``. Together they are less than 1.

    >>> posterior(np.array([1.0, 1.0, 94.0]), 3).round(2).tolist()
    [0.01, 0.01, 0.95]
    >>> posterior(np.array([1.0, 1.0, 94.0]), 50).round(2).tolist()
    [0.01, 0.01, 0.49]
    """
    among = max(float(len(evidences)), passages)
    probabilities: _Float64Array = evidences / (2 * among - len(evidences) + evidences.sum())
    return probabilities
