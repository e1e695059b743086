"""Finds the directions in which a model's token vectors are compared: see ``token_space``.

A principal component analysis of the tokens of parallel text, each language around its own mean, so
that what differs is what is said and not in which language. Every language counts alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array, TokenVectors

__all__ = ["TokenDirections", "principal_directions"]

_WIDTH = 128
_BACKGROUND = 64
_OF_EACH = 16
"""Tokens of each language that are drawn for the background."""
_SEED = 20_261_124


def principal_directions(covariance: npt.NDArray[np.float64], width: int) -> Float32Array:
    """Return the ``width`` directions of greatest variance, ``(width, dimension)`` float32.

    >>> principal_directions(np.diag([1.0, 3.0]), 1).round(3).tolist()
    [[0.0, 1.0]]
    """
    found: Float32Array = np.linalg.eigh(covariance)[1][:, ::-1][:, :width].T.astype(np.float32)
    signs: Float32Array = np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])
    return found * signs[:, np.newaxis]


class TokenDirections:
    """Adds up what the tokens of one language after the other tell."""

    def __init__(self, dimension: int) -> None:
        self._covariance = np.zeros((dimension, dimension))
        self._pooled: list[npt.NDArray[np.float64]] = []
        self._random = np.random.default_rng(_SEED)

    def add(self, vectors: Float32Array, tokens: Sequence[TokenVectors]) -> None:
        """Take the texts of a language: ``vectors`` ``(n, dimension)``, tokens in full width.

        The background is drawn by the tokens' weights: what is common says little.
        """
        states = np.concatenate([each.vectors for each in tokens]).astype(np.float64)
        weights = np.concatenate([each.weights for each in tokens])
        if not len(states) or not weights.any():
            return
        states -= vectors.mean(axis=0)
        self._covariance += states.T @ states / len(states)
        chances = weights.astype(np.float64) / weights.sum(dtype=np.float64)
        self._pooled.append(states[self._random.choice(len(states), _OF_EACH, p=chances)])

    def found(self) -> tuple[Float32Array, Float32Array]:
        """Return basis ``(128, dimension)``, or all directions of fewer, and background."""
        basis = principal_directions(self._covariance, min(_WIDTH, len(self._covariance)))
        states = np.concatenate(self._pooled)
        drawn = self._random.permutation(len(states))[:_BACKGROUND]
        sample = states[drawn] @ basis.T
        background: Float32Array = sample / np.linalg.norm(sample, axis=1, keepdims=True)
        return basis, background.astype(np.float32)
