"""Token vectors: what a model says of each token, in the few directions in which meaning lies.

A model's vector of a text is the mean of its tokens' vectors. The tokens' own vectors say more
(late interaction reads them), but 384 numbers a token are much to keep. The shipped basis holds the
128 directions in which the tokens of parallel text differ most within a language: a principal
component analysis, computed by ``pipelines/recipes/make_token_space.py``. With it comes a
background: token vectors of many languages, against which a passage's matches are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag_engine.calibration.shipped import shipped_for
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Float32Array

__all__ = ["TOKEN_SPACE_FILES", "TokenSpace", "centred_tokens", "load_token_space"]

TOKEN_SPACE_FILES = ("token_space_e5_small.npz", "token_space_e5_small_adapted.npz")
"""The bundled model's, without its adapter and with it."""


@dataclass(frozen=True)
class TokenSpace:
    """Where a model's token vectors are compared.

    ``basis`` has shape ``(width, dimension)`` float32, orthonormal rows; ``background`` ``(n,
    width)`` float32, centred unit vectors of tokens. ``version`` is part of the index contract.
    Where tokens have a space of their ``own``, a head of the model's away from that of its texts,
    ``dimension`` is that head's; what is subtracted from texts is not from them, but what the
    corpus's tokens have in common. ``bits`` says how the tokens of passages are kept: in two bits
    a number, or in eight, as a knowledge base of version 0.7 or before keeps them.
    """

    version: str
    basis: Float32Array
    background: Float32Array
    own: bool = False
    bits: Literal[2, 8] = 2

    @classmethod
    def of_head(cls, width: int) -> TokenSpace:
        """Return the whole space of a head that gives tokens vectors ``width`` wide.

        Nothing is known of it beforehand: the background is drawn from the corpus alone.

        >>> TokenSpace.of_head(4).version
        'own-4'
        """
        whole = np.eye(width, dtype=np.float32)
        return cls(f"own-{width}", whole, whole[:0], own=True)

    def shift(self, offset: Float32Array) -> Float32Array:
        """Return what is subtracted from tokens, ``(width,)``, for an offset ``(dimension,)``."""
        if self.own:
            return np.zeros(len(self.basis), dtype=np.float32)
        shift: Float32Array = np.vecdot(self.basis, offset)
        return shift

    def shifts(self, offsets: Float32Array) -> Float32Array:
        """Return what is subtracted from tokens, ``(n, width)``, for ``offsets`` of texts' vectors.

        Those are ``(n, dimension)``.

        >>> TokenSpace.of_head(2).shifts(np.ones((1, 3), np.float32)).tolist()
        [[0.0, 0.0]]
        """
        if self.own:
            return np.zeros((len(offsets), len(self.basis)), dtype=np.float32)
        return matmul_on_one_thread(offsets, self.basis)


def centred_tokens(tokens: Float32Array, offsets: Float32Array) -> Float32Array:
    """Subtract ``offsets`` ``(n, width)``, or one ``(width,)``, and scale rows to unit length.

    >>> centred_tokens(np.array([[1, 1]], np.float32), np.array([1, 0], np.float32)).tolist()
    [[0.0, 1.0]]
    """
    moved: Float32Array = tokens - offsets
    moved /= np.maximum(np.sqrt(np.vecdot(moved, moved)), 1e-6)[:, np.newaxis]
    return moved


def load_token_space(weights: str) -> TokenSpace | None:
    """Return the space of the model whose weights have this SHA-256, or None if none is shipped.

    >>> load_token_space("another model") is None
    True
    """
    arrays = shipped_for(weights, "rag_engine.calibration", TOKEN_SPACE_FILES)
    if arrays is None:
        return None
    return TokenSpace(
        version=str(arrays["version"]),
        basis=arrays["basis"].astype(np.float32),
        background=arrays["background"].astype(np.float32),
    )
