"""tiktoken: the encodings of OpenAI's models, by their names.

The package holds no vocabulary. It downloads one when it is first wanted, into the folder that
``TIKTOKEN_CACHE_DIR`` names (else a temporary one).
"""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.tasks.token_parity import TokenCount

__all__ = ["TiktokenTokens"]


class TiktokenTokens:
    """An encoding (``cl100k_base``, ``o200k_base``); it is of bytes, and reads everything.

    Raises:
        MissingExtra: tiktoken is not installed.
        InvalidInput: it knows no such encoding.
        ModelError: its vocabulary is not there and can not be downloaded.
    """

    def __init__(self, name: str) -> None:
        try:
            import tiktoken
        except ImportError as error:
            raise MissingExtra("evaluate", package="tiktoken") from error
        known = tiktoken.list_encoding_names()
        if name not in known:
            raise InvalidInput(f"tiktoken has no encoding {name!r}; it has {', '.join(known)}")
        try:
            self._encoding = tiktoken.get_encoding(name)
        except Exception as error:  # whatever its HTTP client raises
            raise ModelError(
                f"the vocabulary of {name} is not there and can not be downloaded "
                f"({type(error).__name__}); get it where there is a network, and name its folder in"
                " TIKTOKEN_CACHE_DIR"
            ) from error
        self.name = f"tiktoken:{name}"

    def count(self, texts: Sequence[str]) -> list[TokenCount]:
        """Count the tokens of each text; what spells a special token is text."""
        encoded = self._encoding.encode_ordinary_batch(list(texts))
        return [TokenCount(len(tokens), 0) for tokens in encoded]
