"""The tokenizer of an embedder."""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.ports import Embedder
from rag_engine.tasks.token_parity import TokenCount

__all__ = ["EmbedderTokens"]


class EmbedderTokens:
    """Counts by ``count_tokens``, as chunks are counted.

    An embedder that has ``count_unknown(texts)``, as the bundled one does, tells how many
    characters of each text it can not read.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = embedder.contract.model

    def count(self, texts: Sequence[str]) -> list[TokenCount]:
        """Count the tokens of each text, without prompt and special tokens."""
        counts = self._embedder.count_tokens(texts)
        tell = getattr(self._embedder, "count_unknown", None)
        unknown = [None] * len(texts) if tell is None else tell(texts)
        return [TokenCount(*pair) for pair in zip(counts, unknown, strict=True)]
