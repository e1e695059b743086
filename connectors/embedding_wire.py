"""What this project's HTTP service and its client say of embeddings beyond OpenAI's protocol.

A reply of ``/v1/embeddings`` names the model by its contract, and the directions in which it gives
the vectors of single tokens. Vectors travel as base64 of numbers in little-endian order: those of
texts as float32, exactly as they were computed; those of tokens as float16, a quarter of whose last
digit an index would not keep.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from rag_engine.errors import InvalidVectors
from rag_engine.ports import Float32Array, TokenVectors

__all__ = [
    "CHARACTERS",
    "INPUTS",
    "basis_name",
    "batches",
    "packed_tokens",
    "packed_vector",
    "sendable",
    "unpacked_tokens",
    "unpacked_vector",
]

INPUTS = 2_048
"""Most texts of a request."""
CHARACTERS = 200_000
"""Most characters of a request for the vectors of tokens, all its texts together, and of all that
the client sends."""

_EXACT, _SHORT = np.dtype("<f4"), np.dtype("<f2")


def basis_name(basis: Float32Array) -> str:
    """Return what names the directions ``(width, dimension)`` that token vectors are given in.

    >>> basis_name(np.eye(2, dtype=np.float32))[:8]
    'a666c95f'
    """
    return hashlib.sha256(np.ascontiguousarray(basis, dtype=_EXACT).tobytes()).hexdigest()


def packed_vector(vector: Float32Array) -> str:
    """Return numbers as base64 of float32.

    >>> unpacked_vector(packed_vector(np.array([0.5, -2], np.float32))).tolist()
    [0.5, -2.0]
    """
    return base64.b64encode(np.ascontiguousarray(vector, dtype=_EXACT).tobytes()).decode("ascii")


def unpacked_vector(text: str) -> Float32Array:
    """Return the numbers that ``packed_vector`` made a text of, ``(n,)``.

    Raises:
        InvalidVectors: it is none.
    """
    return _numbers(text, _EXACT)


def packed_tokens(tokens: TokenVectors) -> tuple[str, str]:
    """Return the vectors and the weights of a text's tokens, each as base64."""
    short = np.ascontiguousarray(tokens.vectors, dtype=_SHORT).tobytes()
    return base64.b64encode(short).decode("ascii"), packed_vector(tokens.weights)


def unpacked_tokens(vectors: str, weights: str, width: int) -> TokenVectors:
    """Return what ``packed_tokens`` made two texts of.

    Raises:
        InvalidVectors: they are none, or do not go together.

    >>> tokens = TokenVectors(np.array([[1, 2], [3, 4]], np.float32), np.array([7, 8], np.float32))
    >>> unpacked_tokens(*packed_tokens(tokens), 2).vectors.tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    numbers, its_weights = _numbers(vectors, _SHORT), _numbers(weights, _EXACT)
    if len(numbers) != width * len(its_weights):
        raise InvalidVectors(
            f"{len(numbers)} numbers are no vectors of {len(its_weights)} tokens, {width} wide"
        )
    if not (np.isfinite(numbers).all() and np.isfinite(its_weights).all()):
        raise InvalidVectors("the vectors of tokens hold NaN or infinity")
    return TokenVectors(numbers.reshape(-1, width), its_weights)


def sendable(text: str, longest: int) -> str:
    r"""Return a text's beginning as this project's service takes it: Unicode, and not empty.

    >>> sendable("\ud800", 9), sendable("", 9), sendable("abc", 2)
    ('?', ' ', 'ab')
    """
    return text[:longest].encode("utf-8", "replace").decode("utf-8") or " "


def batches(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield texts in batches, in their order: at most ``size``, and as many characters as fit.

    >>> list(batches(["a", "b", "c"], 2))
    [['a', 'b'], ['c']]
    """
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == size or characters + len(text) > CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _numbers(text: str, kind: np.dtype[np.floating]) -> Float32Array:
    try:
        data = base64.b64decode(text, validate=True)
        return np.frombuffer(data, kind).astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise InvalidVectors(f"no numbers as base64: {text[:40]!r} ({error})") from error
