"""What this project's HTTP service and its client say of embeddings beyond OpenAI's protocol.

A reply of ``/v1/embeddings`` names the model by its contract, and the directions in which it gives
the vectors of single tokens. Vectors travel as base64 of numbers in little-endian order: those of
texts and of a question's tokens as float32, exactly as they were computed; those of a passage's
tokens as an index keeps them, eight bits a number and a float16 scale a token
(``store.token_vectors``), so that one that is built through the wire is the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from rag_engine.errors import InvalidVectors
from rag_engine.ports import Float32Array, TokenVectors
from rag_engine.store.token_vectors import EightBits

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

_EXACT = np.dtype("<f4")


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
    return _numbers(text)


def packed_tokens(tokens: TokenVectors, *, of_query: bool) -> tuple[str, str]:
    """Return the vectors and the weights of a text's tokens, each as base64."""
    if of_query:
        return packed_vector(tokens.vectors), packed_vector(tokens.weights)
    return base64.b64encode(EightBits(tokens.vectors.shape[1]).pack(tokens.vectors)).decode(
        "ascii"
    ), packed_vector(tokens.weights)


def unpacked_tokens(vectors: str, weights: str, width: int, *, of_query: bool) -> TokenVectors:
    """Return what ``packed_tokens`` made two texts of.

    Raises:
        InvalidVectors: they are none, or do not go together.

    >>> tokens = TokenVectors(np.array([[1, 2], [4, 4]], np.float32), np.array([7, 8], np.float32))
    >>> packed = packed_tokens(tokens, of_query=True)
    >>> unpacked_tokens(*packed, 2, of_query=True).vectors.tolist()
    [[1.0, 2.0], [4.0, 4.0]]
    """
    data, its_weights = _bytes(vectors), _numbers(weights)
    count = len(its_weights)
    if len(data) != count * (width * _EXACT.itemsize if of_query else width + 2):
        raise InvalidVectors(
            f"{len(data)} bytes are no vectors of {count} tokens, {width} numbers wide"
        )
    if of_query:
        numbers = np.frombuffer(data, _EXACT).astype(np.float32).reshape(-1, width)
    else:
        numbers = EightBits(width).unpack({0: data}, [0]).vectors
    if not (np.isfinite(numbers).all() and np.isfinite(its_weights).all()):
        raise InvalidVectors("the vectors of tokens hold NaN or infinity")
    return TokenVectors(numbers, its_weights)


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


def _numbers(text: str) -> Float32Array:
    data = _bytes(text)
    if len(data) % _EXACT.itemsize:
        raise InvalidVectors(f"{len(data)} bytes are no numbers of {_EXACT.itemsize}")
    return np.frombuffer(data, _EXACT).astype(np.float32)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidVectors(f"no numbers as base64: {text[:40]!r} ({error})") from error
