"""Hugging Face's tokenizers: a ``tokenizer.json``, a model's folder or its name on the hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag_engine.errors import MissingExtra, ModelError
from rag_engine.tasks.token_parity import TokenCount

__all__ = ["HfTokens"]

_BATCH = 256


class HfTokens:
    """A ``tokenizers.Tokenizer``, which counts without special tokens.

    How many characters are unknown is told where the vocabulary has a token for it; one of bytes
    reads everything.
    """

    def __init__(self, tokenizer: Any, name: str, unknown: str | None) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._unknown = None if unknown is None else tokenizer.token_to_id(unknown)
        self.name = name

    @classmethod
    def from_file(cls, path: Path) -> HfTokens:
        """Read a ``tokenizer.json``.

        Raises:
            MissingExtra: tokenizers is not installed.
            ModelError: the file is none.
        """
        try:
            import tokenizers
        except ImportError as error:
            raise MissingExtra("torch", package="tokenizers") from error
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # its own class of error is Exception itself
            raise ModelError(f"{path} can not be read as a tokenizer.json: {error}") from error
        return cls(tokenizer, str(path), _unknown_token(tokenizer))

    @classmethod
    def from_model(cls, model: str) -> HfTokens:
        """Read the tokenizer of a model: its folder, or its name on the hub.

        Raises:
            MissingExtra: transformers is not installed.
            ModelError: there is none, it runs code of its own, or it is none of tokenizers'.
        """
        try:
            from transformers import AutoTokenizer
        except ImportError as error:
            raise MissingExtra("torch", package="transformers") from error
        try:
            loaded = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        except Exception as error:  # a file that is damaged raises whatever its reader does
            found = (
                "holds no tokenizer that can be read"
                if Path(model).is_dir()
                else ("is no folder, and the hub gave no tokenizer of that name")
            )
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelError(f"{model!r} {found}: {reason.rstrip(' :')}") from error
        tokenizer = getattr(loaded, "backend_tokenizer", None)
        if tokenizer is None:
            raise ModelError(
                f"the tokenizer of {model!r} is written in Python; name its tokenizer.json or its "
                "SentencePiece model (.model) if it has one"
            )
        return cls(tokenizer, model, loaded.unk_token)

    def count(self, texts: Sequence[str]) -> list[TokenCount]:
        """Count the tokens of each text, without special tokens."""
        counts = []
        for start in range(0, len(texts), _BATCH):
            part = list(texts[start : start + _BATCH])
            for encoding in self._tokenizer.encode_batch(part, add_special_tokens=False):
                counts.append(TokenCount(len(encoding.ids), self._unread(encoding)))
        return counts

    def _unread(self, encoding: Any) -> int:
        return sum(
            end - start
            for number, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
            if number == self._unknown
        )


def _unknown_token(tokenizer: Any) -> str | None:
    """Return the token of what the vocabulary lacks; unigram models tell its place alone."""
    import json

    model = json.loads(tokenizer.to_str())["model"]
    if model.get("unk_id") is not None:
        return str(model["vocab"][model["unk_id"]][0])
    name = model.get("unk_token")
    return None if name is None else str(name)
