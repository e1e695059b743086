"""SentencePiece: ``.model`` files, as Llama 2, T5 and XLM-R have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag_engine.errors import MissingExtra, ModelError
from rag_engine.tasks.token_parity import TokenCount

__all__ = ["SentencePieceTokens", "unknown_characters"]


class SentencePieceTokens:
    """The vocabulary in the file at ``path``.

    Raises:
        MissingExtra: sentencepiece is not installed.
        ModelError: the file is no model of SentencePiece's.
    """

    def __init__(self, path: Path) -> None:
        try:
            import sentencepiece
        except ImportError as error:
            raise MissingExtra("cpu", package="sentencepiece") from error
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise ModelError(
                f"{path} can not be read as a model of SentencePiece's: {error}"
            ) from error
        self.name = str(path)

    def count(self, texts: Sequence[str]) -> list[TokenCount]:
        """Count the tokens of each text."""
        return [
            TokenCount(len(self._processor.encode(text)), unknown_characters(self._processor, text))
            for text in texts
        ]


def unknown_characters(processor: Any, text: str) -> int:
    """Count the characters (after normalisation) that the vocabulary has no piece for.

    One that is written as its bytes, where the vocabulary has these, is known.
    """
    pieces = zip(processor.encode(text), processor.encode(text, out_type=str), strict=True)
    unknown = processor.unk_id()
    return sum(len(piece) for number, piece in pieces if number == unknown)
