"""Stands for a model that is not here, so that what needs none can be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.errors import ModelError, StoreCorrupt
from rag_engine.ports import Float32Array, TokenVectors

__all__ = ["AbsentEmbedder"]

_PREFIX = "embedder."


class AbsentEmbedder:
    """Has the contract that an index was built with, and embeds nothing.

    Raises:
        StoreCorrupt: ``stored`` is no contract of an index.
    """

    def __init__(self, stored: Mapping[str, object]) -> None:
        fields: dict[str, Any] = {
            name.removeprefix(_PREFIX): value
            for name, value in stored.items()
            if name.startswith(_PREFIX)
        }
        try:
            self.contract = EmbedderContract(**fields)
        except TypeError as error:
            raise StoreCorrupt(f"the catalogue holds no index contract: {error}") from error
        self.dimension = self.contract.dimension
        self.max_tokens = self.contract.max_tokens
        self._has_tokens = stored.get("token_space") not in {None, "none"}

    def serves_basis(self, basis: Float32Array) -> bool:
        """Tell whether the index keeps vectors of tokens."""
        return self._has_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return a token for every four bytes of UTF-8: an estimate."""
        return [-(-len(text.encode("utf-8")) // 4) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Refuse it."""
        self._refuse()

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Refuse it."""
        self._refuse()

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Refuse it."""
        self._refuse()

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Refuse it."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ModelError(f"the model {self.contract.model!r} is not here; nothing can be embedded")
